// An archive to look at: three weeks of invented news up to now, with feeds and channels that fare as
// feeds and channels do, and texts that mean harm.
import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

// Earlier stories: days before now, outlet, language, headline, lead.
const EARLIER = [
  [19, "Harbor Wire", "en", "Trump says he would like to meet Kim Jong Un this year", "The president told reporters he has “a good relationship” with the North Korean leader."],
  [18.9, "가람통신", "ko", "트럼프 “김정은과 올해 만나고 싶다”", "트럼프 대통령은 북한 지도자와 좋은 관계를 유지하고 있다고 말했다."],
  [18.8, "潮路新聞", "ja", "トランプ氏「今年、金正恩氏に会いたい」", "米大統領は記者団に、金総書記とは良い関係にあると述べた。"],
  [16, "Meridian Dispatch", "en", "North Korea rejects US offer of talks as “a trick”", "A foreign ministry statement called the offer an attempt to buy time."],
  [15.9, "澄江时报", "zh", "朝鲜拒绝美国对话提议 称其为“骗局”", "朝鲜外务省发表声明，拒绝美方提出的会谈。"],
  [13, "Northlight Brief", "en", "US envoy visits Seoul to discuss North Korea talks", "The envoy is to see the foreign minister and the unification minister."],
  [11, "새길일보", "ko", "북한, 단거리 탄도미사일 두 발 발사", "합동참모본부는 북한이 동해상으로 미사일을 발사했다고 밝혔다."],
  [10.9, "灯台通信", "ja", "北朝鮮が弾道ミサイル2発を発射　防衛省", "日本の排他的経済水域の外に落下したとみられる。"],
  [10.8, "Harbor Wire", "en", "North Korea fires two ballistic missiles, Seoul says", "The launch came a week after Pyongyang rejected talks."],
  [8, "南嶼日報", "zh", "美國官員：與朝鮮在紐約有非正式接觸", "一名官員說，雙方透過紐約管道交換了意見。"],
  [7.9, "Meridian Dispatch", "en", "US and North Korea held quiet talks in New York, official says", "The contact through the New York channel was the first in two years."],
];

const HOSTILE = [
  '<script>alert("Trump meets Kim Jong Un")</script> summit in Singapore',
  '<img src=x onerror=alert(1)> Kim Jong Un and Trump to hold summit <svg onload=alert(2)>',
  "Trump \u202eot smees nU gnoJ miK\u202c agrees to summit with North Korea",
  `Trump and Kim Jong Un summit: ${"a headline without an end ".repeat(40_000)}`,
  '"><iframe src="https://elsewhere.example/"></iframe> North Korea and US agree to summit',
];

const FEEDS = {
  "/ok": [200, "<rss version='2.0'><channel><title>ok</title></channel></rss>"],
  "/broken": [500, "broken"],
  "/refused": [403, "no"],
  "/page": [200, "<!doctype html><title>Maintenance</title><p>Back soon"],
};

export async function seed(program, directory) {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const say = (...args) => execFileSync(program, args, { cwd: directory, encoding: "utf8", maxBuffer: 1 << 28 });
  say("demo", "--dir", join(directory, "demo"));
  const demo = join(directory, "demo", "summitwatch.toml");
  const sql = "SELECT f.name AS feed, f.outlet, i.guid, i.language, i.title, i.summary, i.url, coalesce(i.published_at, i.first_seen_at) AS at FROM items i JOIN feeds f ON f.id = i.feed_id ORDER BY at";
  const recorded = JSON.parse(say("sql", "--config", demo, "--json", sql));
  const now = Date.now();
  const shift = now - 90 * 60_000 - Date.parse(recorded.at(-1).at);
  const feedOf = Object.fromEntries(recorded.map((it) => [it.outlet, it.feed]));
  const items = [];
  const add = (at, feed, outlet, language, title, summary, url) =>
    items.push({ id: `seed-${items.length}`, feed, outlet, language, title, summary, url, published: new Date(at).toISOString().replace(/\.\d+/, "") });
  for (const it of recorded) add(Date.parse(it.at) + shift, it.feed, it.outlet, it.language, it.title, it.summary, it.url);
  for (const [days, outlet, language, title, summary] of EARLIER)
    add(now - days * DAY, feedOf[outlet], outlet, language, title, summary, `https://news.example/${items.length}`);
  // What else was in the papers, day by day.
  const other = recorded.filter((it) => !/trump|kim|korea|pyongyang|北|朝|米|川|金|特朗普|トランプ|미국|정상|트럼프|북|김정은|친서/i.test(it.title));
  for (let day = 20; day > 3; day--)
    other.filter((_, at) => (at * 7 + day * 3) % 5 < 2).forEach((it, at) =>
      add(now - day * DAY + at * 37 * 60_000, it.feed, it.outlet, it.language, `${it.title} (${day})`, it.summary, `${it.url}?day=${day}`));
  HOSTILE.forEach((title, at) =>
    add(now - 58 * HOUR - at * 9 * 60_000, "harbor-wire", "<b>Harbor</b> Wire", "en", title, '<a href="javascript:alert(3)">read</a> \u202e\u0007', at === 1 ? "javascript:alert(4)" : `https://news.example/hostile-${at}`));
  items.sort((a, b) => a.published.localeCompare(b.published));
  writeFileSync(join(directory, "items.jsonl"), items.map((it) => JSON.stringify(it)).join("\n") + "\n");

  const server = createServer((request, response) => {
    if (request.url === "/hook") return response.writeHead(204).end();
    if (request.url === "/gone-hook") return response.writeHead(404).end("no such hook");
    const [status, body] = FEEDS[request.url] ?? FEEDS["/ok"];
    response.writeHead(status, { "content-type": "application/rss+xml" }).end(body);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const at = `http://127.0.0.1:${server.address().port}`;
  const names = [...new Set(items.map((it) => it.feed))];
  const ways = { [names[2]]: "/broken", [names[4]]: "/refused", [names[6]]: "/page" };
  const port = await free();
  const key = say("notify", "webpush-key").trim();
  const config = `archive = "archive.db"
zone = "Asia/Seoul"
[web]
listen = "127.0.0.1:${port}"
[[topics]]
name = "us-dprk-summit"
floor = "20m"
alerts_per_hour = 6
[[topics]]
name = "dprk-missiles"
[[channels]]
name = "desk"
kind = "webhook"
url = "${at}/hook"
allow_private = true
[[channels]]
name = "old-desk"
kind = "webhook"
url = "${at}/gone-hook"
allow_private = true
[[channels]]
name = "browsers"
kind = "webpush"
secret = "${key}"
contact = "mailto:desk@watch.example"
allow_private = true
[[routes]]
topic = "us-dprk-summit"
channels = ["desk", "old-desk"]
[[routes]]
topic = "dprk-missiles"
channels = ["desk"]
${names.map((name) => {
  const it = items.find((item) => item.feed === name);
  return `[[feeds]]\nname = "${name}"\nurl = "${at}${ways[name] ?? "/ok"}"\noutlet = ${JSON.stringify(it.outlet)}\nlanguage = "${it.language}"\nallow_private = true\n`;
}).join("")}`;
  const path = join(directory, "summitwatch.toml");
  writeFileSync(path, config);
  console.log(say("replay", "--config", path, "--items", join(directory, "items.jsonl"), "--db", join(directory, "archive.db")).trim());
  return { config: path, base: `http://127.0.0.1:${port}`, server, text: config };
}

async function free() {
  const server = createServer();
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}
