// Every page in Chromium, on a phone and a desk, by day and by night, with and without a script: no
// console error, no request off the host, nothing serious for axe, little to transfer.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";
import { seed } from "./seed.mjs";

const require = createRequire(import.meta.url);
const AXE = require.resolve("axe-core/axe.min.js");
const [program, target] = process.argv.slice(2);
const LIMIT = 60_000;
const failures = [];
const fail = (where, what) => { failures.push(`${where}: ${what}`); console.log(`  FAIL ${where}: ${what}`); };

const TOKEN = "a token for the browser test";
const { config, base, server, text } = await seed(program, join(target, "browser"));
const shots = join(target, "screenshots");
rmSync(shots, { recursive: true, force: true });
mkdirSync(shots, { recursive: true });
const serve = () => spawn(program, ["run", "--config", config, "--log", "off"], { stdio: "inherit", env: { ...process.env, WEB_TOKEN: TOKEN } });
let service = serve();
const profile = mkdtempSync(join(tmpdir(), "summitwatch-browser-"));
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  userDataDir: profile,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

try {
  await answers(base);
  const api = async (path) => (await fetch(base + path)).json();
  const stories = (await api("/api/v1/stories?topic=us-dprk-summit")).rows;
  const story = stories.reduce((a, b) => (b.items > a.items ? b : a));
  const reports = (await api(`/api/v1/stories/${story.id}`)).reports;
  const told = reports.find((it) => it.code === "alert") ?? reports[0];
  const hostile = (await api("/api/v1/items?topic=us-dprk-summit&limit=200")).rows.filter((it) => it.outlet.includes("<b>"));
  if (hostile.length === 0) fail("seed", "no hostile item matched");
  // Feeds were visited and channels tried once before anybody looks.
  await until(async () => (await api("/api/v1/feeds")).every((it) => it.state !== "new"));
  const pages = {
    now: "/", stories: "/stories", story: `/stories/${story.id}`, volume: "/volume?days=30", "search-empty": "/search",
    search: `/search?q=${encodeURIComponent("북미 정상회담")}`, "search-fault": `/search?q=${encodeURIComponent("lang:")}`,
    item: `/items/${told.item_id}`, hostile: `/items/${hostile[0]?.id ?? 1}`, "hostile-long": `/items/${hostile.find((it) => it.title.length > 9_000)?.id ?? 1}`,
    feeds: "/feeds", outbox: "/outbox", dead: "/outbox?state=dead", topics: "/topics",
    test: `/topics?topic=us-dprk-summit&title=${encodeURIComponent("트럼프, 김정은과 싱가포르에서 정상회담")}&summary=${encodeURIComponent("Trump and Kim to meet in June.")}`,
    "test-near": `/topics?topic=us-dprk-summit&title=${encodeURIComponent("Kim Jong Un inspects a farm")}`,
    missiles: "/?topic=dprk-missiles", missing: "/stories/999999",
  };
  for (const [name, path] of Object.entries(pages))
    for (const width of [390, 1280])
      for (const scheme of ["light", "dark"]) await visit(name, path, width, scheme, true);
  for (const [name, path] of Object.entries(pages)) await visit(name, path, 390, "light", false);
  await keyboard();
  await live((await api("/api/v1/deliveries?state=dead")).rows[0].id);
  const ended = new Promise((exit) => service.on("exit", exit));
  service.kill("SIGTERM");
  await ended;
  writeFileSync(config, text.replace("[web]\n", '[web]\ntoken = { env = "WEB_TOKEN" }\n'));
  service = serve();
  await answers(base + "/login");
  for (const width of [390, 1280])
    for (const scheme of ["light", "dark"]) await visit("login", "/login", width, scheme, true);
  await login();
  for (const [name, path] of Object.entries({ "outbox-token": "/outbox?state=dead", "story-token": `/stories/${story.id}` }))
    for (const width of [390, 1280])
      for (const scheme of ["light", "dark"]) await visit(name, path, width, scheme, true);
} finally {
  await browser.close();
  service.kill("SIGTERM");
  server.close();
  rmSync(profile, { recursive: true, force: true });
}
console.log(failures.length ? `\n${failures.length} failures` : "\nevery page is well");
process.exit(failures.length ? 1 : 0);

async function visit(name, path, width, scheme, script) {
  const where = `${name} ${width} ${scheme}${script ? "" : " without script"}`;
  const page = await browser.newPage();
  let bytes = 0;
  const client = await page.createCDPSession();
  await client.send("Network.enable");
  await client.send("Network.setCacheDisabled", { cacheDisabled: true });
  client.on("Network.loadingFinished", (it) => (bytes += it.encodedDataLength));
  page.on("console", (it) => {
    const expected = path.endsWith("999999") && it.text().includes("404");
    if (["error", "warning"].includes(it.type()) && !expected) fail(where, `console: ${it.text()}`);
  });
  page.on("pageerror", (it) => fail(where, `error: ${it.message}`));
  page.on("dialog", async (it) => { fail(where, `dialog: ${it.message()}`); await it.dismiss(); });
  page.on("request", (it) => { if (!it.url().startsWith(base + "/") && !it.url().startsWith("data:")) fail(where, `request to ${it.url()}`); });
  await page.setJavaScriptEnabled(script);
  await page.setViewport({ width, height: width < 500 ? 844 : 900, deviceScaleFactor: width < 500 ? 2 : 1, isMobile: width < 500, hasTouch: width < 500 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(base + path, { waitUntil: "load" });
  await new Promise((painted) => setTimeout(painted, 50));
  const suffix = script ? `${width}-${scheme}` : "plain";
  await page.screenshot({ path: join(shots, `${name}-${suffix}.png`), fullPage: true });
  const wide = await client.send("Page.getLayoutMetrics");
  if (wide.cssContentSize.width > width) fail(where, `scrolls sideways: ${wide.cssContentSize.width} px`);
  if (bytes > LIMIT) fail(where, `${bytes} bytes transferred`);
  if (script) {
    const found = await axe(page, client);
    for (const it of found.violations.filter((it) => ["serious", "critical"].includes(it.impact)))
      fail(where, `axe ${it.id}: ${it.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
    const minor = found.violations.filter((it) => !["serious", "critical"].includes(it.impact)).map((it) => it.id);
    if (width === 1280 && scheme === "light") console.log(`${name}: ${bytes} bytes, ${found.passes} rules pass${minor.length ? `, minor: ${minor}` : ""}`);
  } else if (!(await client.send("DOM.getDocument")).root) fail(where, "nothing is shown");
  await page.close();
}

// The page's own policy forbids scripts that are not its own; the debugger's are in a world apart.
async function axe(page, client) {
  const { frameTree } = await client.send("Page.getFrameTree");
  const { executionContextId } = await client.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id, worldName: "axe" });
  const { readFileSync } = await import("node:fs");
  await client.send("Runtime.evaluate", { contextId: executionContextId, expression: readFileSync(AXE, "utf8") });
  const { result, exceptionDetails } = await client.send("Runtime.evaluate", {
    contextId: executionContextId, awaitPromise: true, returnByValue: true,
    expression: "axe.run(document, {resultTypes: ['violations']}).then((it) => ({passes: it.passes.length, violations: it.violations.map(({id, impact, nodes}) => ({id, impact, nodes: nodes.map(({html}) => ({html}))}))}))",
  });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}

// The first stop is the way past the navigation, and it leads to the content.
async function keyboard() {
  const page = await browser.newPage();
  await page.goto(base + "/", { waitUntil: "load" });
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => document.activeElement.textContent);
  await page.keyboard.press("Enter");
  const at = await page.evaluate(() => location.hash);
  if (first !== "Skip to content" || at !== "#main") fail("keyboard", `first stop “${first}”, leads to “${at}”`);
  await page.close();
}

// A page that is open shows what changed, without being asked.
async function live(delivery) {
  const page = await browser.newPage();
  await page.goto(base + "/outbox?state=dead", { waitUntil: "load" });
  await page.waitForResponse((it) => it.url().endsWith("/events"), { timeout: 5_000 }).catch(() => {});
  const rows = () => page.$$eval("tbody tr", (it) => it.length);
  const before = await rows();
  await new Promise((listening) => setTimeout(listening, 3_000));
  execFileSync(program, ["deliveries", "retry", String(delivery), "--config", config], { stdio: "ignore" });
  await until(async () => (await page.$eval("#status", (it) => it.textContent)).startsWith("Updated")).catch(() => fail("live", "the page did not read itself again"));
  console.log(`live: ${before} rows, then ${await rows()}`);
  await page.close();
}

// The token opens the way to what may be done, and a wrong one does not.
async function login() {
  const page = await browser.newPage();
  await page.goto(base + "/outbox", { waitUntil: "load" });
  for (const [token, title] of [["not the token of this one", "Log in"], [TOKEN, "Outbox"]]) {
    await page.type("#token", token);
    await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
    const shown = await page.$eval("h1", (it) => it.textContent);
    if (shown !== title) fail("login", `“${shown}” instead of “${title}”`);
  }
  if (!(await page.$("td form button"))) fail("login", "nothing can be done with the token");
  await page.goto(`${base}/outbox?state=dead`);
  await Promise.all([page.waitForNavigation(), page.click("td form button")]);
  if (new URL(page.url()).pathname !== "/outbox") fail("login", `sending again leads to ${page.url()}`);
  await page.close();
}

async function answers(url) {
  await until(() => fetch(url).then((it) => it.ok, () => false));
}

async function until(holds) {
  for (let tries = 0; tries < 300; tries++) {
    if (await holds()) return;
    await new Promise((later) => setTimeout(later, 100));
  }
  throw new Error("waited in vain");
}
