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
  for (const [name, path] of Object.entries({ now: "/", story: `/stories/${story.id}`, feeds: "/feeds", topics: pages.test })) await walk(name, path);
  await shortcuts();
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
  await mute(story.id);
  await push();
  for (const [name, path] of Object.entries({ "outbox-token": "/outbox?state=dead", "story-token": `/stories/${story.id}` }))
    for (const width of [390, 1280])
      for (const scheme of ["light", "dark"]) await visit(name, path, width, scheme, true);
  await blind();
} finally {
  await browser.close();
  service.kill("SIGTERM");
  if (server.listening) server.close();
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
  if (width < 500) {
    const small = await page.evaluate(targets);
    if (small.length) fail(where, `targets below 24 px: ${small.slice(0, 4).join(" | ")}`);
  }
  if (script) {
    const found = await axe(page, client);
    for (const it of found.violations.filter((it) => ["serious", "critical"].includes(it.impact)))
      fail(where, `axe ${it.id}: ${it.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
    const minor = found.violations.filter((it) => !["serious", "critical"].includes(it.impact)).map((it) => it.id);
    if (width === 1280 && scheme === "light") console.log(`${name}: ${bytes} bytes, ${found.passes} rules pass${minor.length ? `, minor: ${minor}` : ""}`);
  } else if (!(await client.send("DOM.getDocument")).root) fail(where, "nothing is shown");
  await page.close();
}

// What a finger cannot hit: lower than 24 pixels and not within a sentence (WCAG 2.2, 2.5.8).
function targets() {
  const small = [];
  for (const it of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")) {
    const box = it.getBoundingClientRect();
    if (box.width < 2 || box.height < 2 || !it.checkVisibility()) continue;
    const inline = it.matches("a") && getComputedStyle(it).display === "inline";
    const height = Math.max(box.height, inline ? parseFloat(getComputedStyle(it.parentElement).lineHeight) || 0 : 0);
    const said = [...it.parentElement.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim().length > 1);
    if (height < 23.5 && !(inline && said)) small.push(`${it.outerHTML.slice(0, 80)} ${Math.round(box.width)}×${Math.round(box.height)}`);
  }
  return small;
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

// Every stop of the Tab key is seen and marked, and the walk comes to an end.
async function walk(name, path) {
  const page = await browser.newPage();
  await page.goto(base + path, { waitUntil: "load" });
  let stops = 0, last = "";
  for (; stops < 900; stops++) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const it = document.activeElement;
      if (!it || it === document.body) return null;
      const { outlineStyle, outlineWidth } = getComputedStyle(it);
      const box = it.getBoundingClientRect();
      return { html: it.outerHTML.slice(0, 90), marked: outlineStyle !== "none" && parseFloat(outlineWidth) > 0, seen: box.width > 1 && box.height > 1 && box.bottom > 0 && box.top < innerHeight };
    });
    if (!at) break;
    last = at.html;
    if (!at.marked) fail(`walk ${name}`, `a stop without a mark: ${at.html}`);
    if (!at.seen) fail(`walk ${name}`, `a stop that nobody sees: ${at.html}`);
  }
  if (stops < 8 || stops >= 900) fail(`walk ${name}`, `${stops} stops, the last ${last}`);
  console.log(`walk ${name}: ${stops} stops`);
  await page.close();
}

// `?` shows the keys, and they do what it says; while somebody types they are letters.
async function shortcuts() {
  const page = await browser.newPage();
  await page.goto(base + "/", { waitUntil: "load" });
  const open = () => page.$eval("#keys", (it) => it.open);
  await page.keyboard.press("?");
  if (!(await open())) fail("keys", "? shows no sheet");
  await page.keyboard.press("Escape");
  if (await open()) fail("keys", "Escape leaves the sheet");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  const at = await page.evaluate(() => [...document.querySelectorAll("main .title a")].indexOf(document.activeElement));
  if (at !== 0) fail("keys", `j j k leads to row ${at}`);
  await page.keyboard.press("g");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("f")]);
  if (new URL(page.url()).pathname !== "/feeds") fail("keys", `g f leads to ${page.url()}`);
  await page.keyboard.press("/");
  await page.keyboard.type("jgs?");
  const typed = await page.$eval("main input[type=search]", (it) => it.value);
  if (typed !== "jgs?" || (await open())) fail("keys", `typing gave “${typed}”`);
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("?");
  await page.click("#keys-on");
  await page.keyboard.press("Escape");
  await page.reload({ waitUntil: "load" });
  await page.keyboard.press("g");
  await page.keyboard.press("s");
  await new Promise((gone) => setTimeout(gone, 200));
  if (new URL(page.url()).pathname !== "/feeds") fail("keys", "turned off, they still work");
  await page.evaluate(() => localStorage.clear());
  await page.close();
}

// A story is muted and the mute taken back, by the same page.
async function mute(story) {
  const page = await browser.newPage();
  await page.goto(`${base}/stories/${story}`, { waitUntil: "load" });
  const press = async (selector, what) => {
    const button = await page.$(selector);
    if (!button) return fail("mute", `no ${what}`);
    await Promise.all([page.waitForNavigation(), button.evaluate((it) => it.click())]);
  };
  await press(`form[action$="/stories/${story}/mute"] button`, "way to mute");
  const said = () => page.$eval("main", (it) => it.textContent);
  if (!(await said()).includes("muted")) fail("mute", "the page does not say so");
  await press('form[action$="/undo"] button', "way back");
  if (await page.$('form[action$="/undo"] button')) fail("mute", "it was not taken back");
  await page.close();
}

// The button subscribes, and the worker shows what is pushed. Chromium's own push service is not reached from here, so the
// subscription is made up and the push comes from the debugger; that the words are encrypted rightly, tests/it/push.rs says.
async function push() {
  const context = browser.defaultBrowserContext();
  await context.overridePermissions(base, ["notifications"]);
  const page = await browser.newPage();
  await page.evaluateOnNewDocument(() => {
    const b64 = (size) => btoa(String.fromCharCode(...new Uint8Array(size).fill(4))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
    let made = null;
    const fake = { endpoint: location.origin + "/no-push-service", toJSON: () => ({ endpoint: fake.endpoint, keys: { p256dh: b64(65), auth: b64(16) } }), unsubscribe: async () => (made = null, true) };
    PushManager.prototype.subscribe = async (options) => {
      if (!options.userVisibleOnly || options.applicationServerKey.length !== 65) throw new Error("a wrong key");
      return (made = fake);
    };
    PushManager.prototype.getSubscription = async () => made;
  });
  await page.goto(base + "/outbox", { waitUntil: "load" });
  const button = () => page.$eval(".push button", (it) => (it.hidden ? "" : it.textContent));
  const becomes = (text) => until(async () => (await button()) === text).catch(async () => fail("push", `“${await button()}” instead of “${text}”: ${await page.$eval(".push [role=status]", (it) => it.textContent)}`));
  await becomes("Notify this browser");
  await page.click(".push button");
  await becomes("Stop notifying this browser");
  await page.click(".push button");
  await becomes("Notify this browser");
  const worker = await browser.waitForTarget((it) => it.type() === "service_worker", { timeout: 5_000 }).catch(() => null);
  if (!worker) fail("push", "no service worker");
  const client = await page.createCDPSession();
  const registered = new Promise((found) => client.on("ServiceWorker.workerRegistrationUpdated", (it) => it.registrations[0] && found(it.registrations[0].registrationId)));
  await client.send("ServiceWorker.enable");
  const registrationId = await registered;
  const data = JSON.stringify({ title: "PLACE SET · Panmunjom, 12 May", body: "only Wire so far", url: base + "/stories/1", tag: "x-browsers" });
  await client.send("ServiceWorker.deliverPushMessage", { origin: base, registrationId, data });
  const shown = () => page.evaluate(async () => (await (await navigator.serviceWorker.ready).getNotifications()).map((it) => `${it.title}|${it.body}|${it.tag}`));
  await until(async () => (await shown()).length > 0).catch(() => fail("push", "nothing is shown"));
  if ((await shown())[0] !== "PLACE SET · Panmunjom, 12 May|only Wire so far|x-browsers") fail("push", `shown: ${await shown()}`);
  await page.close();
}

// When nothing can be reached, every page that tells of now says so first, in red.
async function blind() {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  // It says that nothing was reached by its exit status, too.
  try { execFileSync(program, ["poll", "--config", config], { stdio: "ignore", env: { ...process.env, WEB_TOKEN: TOKEN } }); } catch { /* as meant */ }
  const page = await browser.newPage();
  const shown = async () => {
    await page.goto(base + "/", { waitUntil: "load" });
    return page.$("p.offline");
  };
  await until(shown).catch(() => fail("blind", "no banner says that nothing is reached"));
  for (const width of [390, 1280]) for (const scheme of ["light", "dark"]) await visit("offline", "/", width, scheme, true);
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
