//! The dashboard over loopback: what it shows, whom it lets in, what it refuses; and that no text from
//! outside becomes anything but text.

use std::net::SocketAddr;

use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, ORIGIN};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use summitwatch::parse::{Source, guarded};
use summitwatch::secret::Secret;
use summitwatch::web::guard::{Gate, Proxy, Reader};

use crate::world::World;
use crate::world::document::{entry, rss};
use crate::world::server::Reply;

const TOKEN: &str = "a token of some length";

/// A world that is looked at.
struct Seen {
    world: World,
    at: SocketAddr,
    client: Client,
}

struct Answer {
    status: StatusCode,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Answer {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}", self.text))
    }

    #[track_caller]
    fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(|it| it.to_str());
        value.unwrap_or(Ok("")).expect("a text")
    }
}

impl Seen {
    fn through(mut world: World, gate: Gate) -> Self {
        let at = world.dashboard(gate);
        let client = Client::builder().no_gzip().redirect(Policy::none()).build();
        Self {
            world,
            at,
            client: client.expect("a client"),
        }
    }

    /// A story of two languages, told to a desk that refuses it; open to who is on this machine.
    fn open() -> Self {
        Self::through(told(), Gate::default())
    }

    fn locked() -> Self {
        let gate = Gate {
            token: Some(Secret::new(TOKEN)),
            ..Gate::default()
        };
        Self::through(told(), gate)
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("http://{}{path}", self.at))
    }

    fn send(&self, request: RequestBuilder) -> Answer {
        self.world.wait(async {
            let response = request.send().await.expect("an answer");
            answer(response).await
        })
    }

    fn get(&self, path: &str) -> Answer {
        self.send(self.ask(Method::GET, path))
    }
}

async fn answer(response: Response) -> Answer {
    Answer {
        status: response.status(),
        headers: response.headers().clone(),
        text: response.text().await.expect("a body"),
    }
}

fn told() -> World {
    let mut world = World::new();
    world.topic("us-dprk-summit");
    world.only_channel(
        "desk",
        &format!(
            "kind = \"webhook\"\nurl = \"{}\"\nallow_private = true",
            world.hooks.url("/desk")
        ),
    );
    world.hooks.script("/desk", [Reply::status(404)]);
    let first = entry(
        "1",
        "Trump and Kim Jong Un agree to hold a summit in Singapore",
    )
    .summary("The two leaders are to meet on 12 June. An aide said so.");
    let second = entry("2", "트럼프·김정은, 싱가포르에서 정상회담 하기로");
    world
        .feed("wire", rss(&[first, second]))
        .feed_with("ill", "language = \"ja\"", rss(&[]));
    world.answers("ill", Reply::status(500));
    world.poll().deliver();
    let alerts = world.number("SELECT count(*) FROM alerts");
    world.expect_alerts(alerts);
    world
}

const PAGES: [&str; 13] = [
    "/",
    "/stories",
    "/stories/1",
    "/volume",
    "/volume?days=90",
    "/search",
    "/search?q=summit",
    "/search?q=lang:",
    "/items/1",
    "/feeds",
    "/outbox",
    "/topics",
    "/topics?title=Trump+meets+Kim&summary=soon",
];

#[test]
fn every_page_is_served_whole_under_a_strict_policy() {
    let seen = Seen::open();
    for path in PAGES {
        let page = seen.get(path).expect(200);
        assert!(page.text.ends_with("</html>"), "{path}");
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self';"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        for banned in ["style=\"", "<style", "onclick", "http-equiv", "src=\"http"] {
            assert!(!page.text.contains(banned), "{path}: {banned}");
        }
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("cache-control"), "private, no-cache");
        let linked = page
            .text
            .split("/assets/")
            .skip(1)
            .map(|it| it.split('"').next().unwrap_or(""));
        for asset in linked.collect::<Vec<_>>() {
            let asset = seen.get(&format!("/assets/{asset}")).expect(200);
            assert!(asset.header("cache-control").contains("immutable"));
        }
    }
    let page = seen.get("/");
    for shown in [
        "<bdi lang=\"ko\">트럼프·김정은, 싱가포르에서",
        "aria-current=\"page\"",
        "failing",
        "lang=\"en\"",
    ] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    let item = seen.get("/items/2").text;
    assert!(
        item.contains("<mark title=\"trump-kim\">Trump and Kim Jong Un</mark>"),
        "{item}"
    );
    assert!(
        item.contains("In story") && item.contains("matches"),
        "{item}"
    );
    let story = seen.get("/stories/1").text;
    assert!(
        story.contains("Trump and Kim Jong Un agree to hold a summit")
            && story.contains("id=\"item-2\""),
        "{story}"
    );
}

#[test]
fn what_is_not_there_is_said_so_and_nothing_else_is() {
    let seen = Seen::open();
    for path in [
        "/nowhere",
        "/stories/99",
        "/items/99",
        "/items/abc",
        "/?topic=nothing",
        "/assets/none.css",
    ] {
        let page = seen.get(path).expect(404);
        assert!(page.text.contains("Not here"), "{path}: {}", page.text);
    }
    let answer = seen.get("/api/v1/items/99").expect(404).json();
    assert_eq!(answer, json!({"error": "there is no item 99"}));
    seen.get("/api/v1/items?limit=many").expect(400).json();
    seen.get("/api/v1/items?since=yesterday").expect(400).json();
    seen.get("/?before=abc").expect(400);
    seen.send(seen.ask(Method::PUT, "/")).expect(405);
    seen.send(seen.ask(Method::POST, "/stories")).expect(405);
}

/// Texts that mean harm, in every place that a feed can fill.
fn hostile() -> Seen {
    let mut world = World::new();
    world.topic("us-dprk-summit");
    let long = format!(
        "Trump and Kim Jong Un summit {}",
        "without an end ".repeat(70_000)
    );
    let entries = [
        entry("1", "&lt;script&gt;alert(1)&lt;/script&gt; Trump meets Kim Jong Un for a summit"),
        entry("2", "&lt;img src=x onerror=alert(1)&gt; Kim Jong Un and Trump hold a summit &lt;svg/onload=alert(1)&gt;")
            .summary("&lt;a href=\"javascript:alert(2)\" onclick=\"x\"&gt;Trump and Kim Jong Un meet&lt;/a&gt;"),
        entry("3", "Trump \u{202e}tcepsni\u{202c} and Kim Jong Un agree to a summit\u{7}").link("javascript:alert(3)//x"),
        entry("4", &long),
        entry("5", "\"><iframe src=//elsewhere.example> North Korea and US agree to summit").link("data:text/html,<script>alert(4)</script>"),
    ];
    let outlet = "outlet = \"<b onmouseover=alert(5)>Wire\"\nlanguage = \"e\\\"n\"";
    world.feed_with("wire", outlet, rss(&entries));
    world.poll();
    let alerts = world.number("SELECT count(*) FROM alerts");
    world.expect_alerts(alerts);
    Seen::through(world, Gate::default())
}

#[test]
fn hostile_texts_stay_text_everywhere() {
    let seen = hostile();
    let items = seen
        .get("/api/v1/items?topic=us-dprk-summit")
        .expect(200)
        .json();
    let items = items["rows"].as_array().expect("rows");
    assert!(items.len() >= 4, "{items:#?}");
    let mut paths: Vec<String> = PAGES.map(str::to_owned).to_vec();
    paths.extend(items.iter().map(|it| format!("/items/{}", it["id"])));
    paths.push("/topics?title=%3Cscript%3Ealert(1)%3C/script%3E+Trump+Kim+summit".to_owned());
    paths.push("/search?q=%3Cscript%3Ealert(1)%3C/script%3E".to_owned());
    paths.push("/search?q=%22%3E%3Csvg+onload%3Dalert(1)".to_owned());
    paths.push("/?topic=%3Cscript%3E".to_owned());
    for path in &paths {
        let page = seen.get(path).text;
        for harm in [
            "<script>",
            "<img",
            "<iframe",
            "<b onmouse",
            "<svg/",
            "<svg onload",
            "href=\"javascript:",
            "href=\"data:",
            "\u{202e}",
            "\u{7}",
        ] {
            assert!(!page.contains(harm), "{path}: {harm}");
        }
        assert!(page.len() < 120_000, "{path}: {} bytes", page.len());
    }
    for path in [
        "/topics/us-dprk-summit.atom",
        "/topics/us-dprk-summit.json",
        "/search.atom?q=summit",
        "/search.json?q=summit",
        "/calendar.ics",
    ] {
        let text = seen.get(path).expect(200).text;
        for harm in [
            "<script",
            "<img",
            "<iframe",
            ":\"javascript:",
            "=\"javascript:",
            "\u{202e}",
            "\u{7}",
        ] {
            assert!(
                !text.contains(harm) || path.contains("json") && harm.starts_with('<'),
                "{path}: {harm}"
            );
        }
    }
}

#[test]
fn only_own_hosts_and_own_pages_are_answered() {
    let seen = Seen::locked();
    let named = |host: &str| {
        seen.send(seen.ask(Method::GET, "/login").header(HOST, host))
            .status
    };
    assert_eq!(named("rebound.example"), 421);
    assert_eq!(named("127.0.0.1.rebound.example:80"), 421);
    assert_eq!(named("localhost:4000"), 200);
    assert_eq!(named("[::1]:8787"), 200);
    let from = |origin: &str| {
        let request = seen
            .ask(Method::POST, "/api/v1/classify")
            .bearer_auth(TOKEN);
        let request = request
            .header(ORIGIN, origin)
            .header(CONTENT_TYPE, "application/json")
            .body(json!({"title": "Trump meets Kim"}).to_string());
        seen.send(request).status
    };
    assert_eq!(from("https://evil.example"), 403);
    assert_eq!(from("null"), 403);
    assert_eq!(from(&format!("http://{}", seen.at)), 200);
}

#[test]
fn a_headline_that_is_tried_gets_the_whole_verdict_beside_the_archive() {
    let seen = Seen::open();
    let told = "Trump and Kim Jong Un agree to hold a summit in Singapore";
    let ask = |title: &str| {
        let posted = seen
            .ask(Method::POST, "/api/v1/classify")
            .header(CONTENT_TYPE, "application/json")
            .body(json!({"title": title}).to_string());
        seen.send(posted).expect(200).json()
    };
    let known = ask(told);
    assert_eq!(known["alert"]["beside"], "archive");
    assert_eq!(known["alert"]["decision"], "told", "{known:#}");
    assert!(known["alert"]["development"]["id"].is_i64(), "{known:#}");
    let new = ask("North Korea cancels summit with Trump");
    assert_eq!(new["statement"]["state"], "cancelled");
    assert_eq!(new["alert"]["told"], true, "{new:#}");
    let page = seen
        .get("/topics?title=North+Korea+cancels+summit+with+Trump")
        .expect(200);
    for said in [
        "<dt>the meeting</dt><dd><bdi>cancelled",
        "<dt>alert</dt><dd><bdi>yes; the meeting would stand at: cancelled",
    ] {
        assert!(page.text.contains(said), "{said}\n{}", page.text);
    }
}

#[test]
fn a_phone_may_keep_it_and_asks_for_that_without_a_token() {
    let seen = Seen::locked();
    let manifest = seen.get("/manifest.webmanifest").expect(200);
    assert_eq!(manifest.header("content-type"), "application/manifest+json");
    let manifest = manifest.json();
    let icons = manifest["icons"].as_array().expect("icons");
    assert_eq!(icons.len(), 4);
    for icon in icons {
        let at = icon["src"].as_str().expect("an address");
        assert!(!at.starts_with('/'), "{at} leads out of a base");
        let shown = seen.get(&format!("/{at}")).expect(200);
        assert_eq!(shown.header("content-type"), icon["type"]);
    }
    let page = seen.get("/login").expect(200).text;
    for said in [
        "rel=\"manifest\"",
        "rel=\"apple-touch-icon\"",
        "name=\"theme-color\"",
        "<dialog id=\"keys\"",
    ] {
        assert!(page.contains(said), "{said}");
    }
}

#[test]
fn the_first_page_says_whether_the_watcher_sees_and_is_heard() {
    let mut seen = Seen::open();
    // One feed of two fails, and the only channel refuses.
    let now = seen.get("/").expect(200).text;
    assert!(now.contains("2 feeds, 1 in trouble"), "{now}");
    assert!(!now.contains("Most feeds fail"), "{now}");
    assert!(
        now.contains("Nobody hears it: </strong><a href=\"/outbox?state=dead\">desk"),
        "{now}"
    );
    seen.world.answers("wire", Reply::status(500));
    seen.world.later("2h").poll();
    let blind = seen.get("/").expect(200).text;
    assert!(
        blind.contains("class=\"sight blind\" role=\"alert\"") && blind.contains("Most feeds fail"),
        "{blind}"
    );
}

#[test]
fn feeds_are_sifted_and_put_in_order() {
    let seen = Seen::open();
    let names = |path: &str| {
        let page = seen.get(path).expect(200).text;
        let rows = page.split("class=\"feed-name\">").skip(1);
        let names = rows.map(|it| it.split('<').next().unwrap_or_default().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names("/feeds"), ["ill", "wire"], "trouble first");
    assert_eq!(names("/feeds?sort=last"), ["wire", "ill"]);
    assert_eq!(names("/feeds?sort=new"), ["wire", "ill"]);
    assert_eq!(names("/feeds?state=trouble"), ["ill"]);
    assert_eq!(names("/feeds?state=ok&sort=name"), ["wire"]);
    assert_eq!(names("/feeds?q=japanese"), ["ill"]);
    assert_eq!(names("/feeds?q=wire+japanese"), Vec::<String>::new());
    let page = seen.get("/feeds?q=wire").expect(200).text;
    assert!(
        page.contains("1 is shown, <a href=\"/feeds\">show all"),
        "{page}"
    );
}

#[test]
fn an_archive_whose_last_item_is_long_ago_is_shown_at_its_last_days() {
    let mut seen = Seen::open();
    let now = seen.get("/").expect(200).text;
    assert!(
        now.contains("Last 24 hours") && !now.contains("No item was seen since"),
        "{now}"
    );
    seen.world.later("400d");
    for path in ["/", "/volume", "/feeds"] {
        let page = seen.get(path).expect(200).text;
        assert!(page.contains("No item was seen since"), "{path}: {page}");
    }
    let now = seen.get("/").expect(200).text;
    assert!(now.contains("24 hours up to <time"), "{now}");
    assert!(now.contains("<dt>items</dt><dd>2</dd>"), "{now}");
    let volume = seen.get("/volume?days=14").expect(200).text;
    assert!(
        volume.contains("<b>Items</b> <span class=\"quiet\">2 in all"),
        "{volume}"
    );
    // What stands at the side of a chart: nothing, half, and a number above the highest.
    assert!(
        volume.contains("text-anchor=\"end\">2</text>") && volume.contains("class=\"axis\""),
        "{volume}"
    );
}

#[test]
fn without_a_token_one_may_look_and_nothing_more() {
    let seen = Seen::open();
    let page = seen.get("/outbox").expect(200);
    assert!(
        page.text.contains("dead") && !page.text.contains("Send again"),
        "{}",
        page.text
    );
    for path in ["/deliveries/1/retry", "/api/v1/deliveries/1/retry"] {
        let refused = seen.send(seen.ask(Method::POST, path)).expect(403);
        assert!(refused.text.contains("set a token"), "{}", refused.text);
    }
}

#[test]
fn the_token_opens_as_bearer_as_password_and_by_login() {
    let mut seen = Seen::locked();
    let sent = seen.get("/stories?topic=us-dprk-summit").expect(303);
    assert_eq!(
        sent.header("location"),
        "/login?to=%2Fstories%3Ftopic%3Dus-dprk-summit"
    );
    let refused = seen.get("/api/v1/items").expect(401);
    assert_eq!(
        (refused.header("www-authenticate"), refused.json()),
        ("Bearer", json!({"error": "a token is needed here"}))
    );
    let feed = seen.get("/topics/us-dprk-summit.atom").expect(401);
    assert!(feed.header("www-authenticate").starts_with("Basic"));
    seen.get("/events").expect(401);
    seen.send(seen.ask(Method::GET, "/").bearer_auth(TOKEN))
        .expect(200);
    seen.send(
        seen.ask(Method::GET, "/")
            .basic_auth("anybody", Some(TOKEN)),
    )
    .expect(200);
    seen.send(
        seen.ask(Method::GET, "/")
            .bearer_auth("a token of some lengtH"),
    )
    .expect(303);
    seen.send(
        seen.ask(Method::GET, "/")
            .header(COOKIE, "summitwatch=AAAA"),
    )
    .expect(303);

    let login = |token: &str, to: &str| {
        let form = format!("token={}&to={to}", token.replace(' ', "+"));
        let request = seen
            .ask(Method::POST, "/login")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        seen.send(request.body(form))
    };
    login("wrong", "/").expect(403);
    assert_eq!(
        login(TOKEN, "//evil.example")
            .expect(303)
            .header("location"),
        "/"
    );
    let entered = login(TOKEN, "/outbox").expect(303);
    assert_eq!(entered.header("location"), "/outbox");
    let cookie = entered.header("set-cookie").to_owned();
    for flag in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    assert!(!cookie.contains(TOKEN));
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    let page = seen
        .send(seen.ask(Method::GET, "/outbox").header(COOKIE, &cookie))
        .expect(200);
    assert!(
        page.text.contains("Send again") && page.text.contains("Log out"),
        "{}",
        page.text
    );

    // A page of another site has the cookie sent along by an old browser, and no right Origin.
    let retry = || {
        seen.ask(Method::POST, "/deliveries/1/retry")
            .header(COOKIE, &cookie)
    };
    seen.send(retry()).expect(403);
    seen.send(retry().header(ORIGIN, "http://evil.example"))
        .expect(403);
    // A header that holds no token changes nothing of that.
    seen.send(retry().header("Authorization", "Junk x"))
        .expect(403);
    let done = seen
        .send(retry().header(ORIGIN, format!("http://{}", seen.at)))
        .expect(303);
    assert_eq!(done.header("location"), "/outbox");
    seen.world
        .expect_rows("SELECT state FROM deliveries WHERE id = 1", &["retry"]);
    seen.world.deliver();
    seen.send(
        seen.ask(Method::POST, "/api/v1/deliveries/1/retry")
            .bearer_auth(TOKEN),
    )
    .expect(200);
    seen.send(
        seen.ask(Method::POST, "/api/v1/deliveries/99/retry")
            .bearer_auth(TOKEN),
    )
    .expect(404);
}

#[test]
fn a_feed_that_its_reader_has_is_not_sent_again() {
    let seen = Seen::open();
    let path = "/topics/us-dprk-summit.atom";
    let first = seen.get(path).expect(200);
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    let ask = |tag: &str| {
        seen.ask(Method::GET, path)
            .header("If-None-Match", tag.to_owned())
    };
    let again = seen.send(ask(&tag)).expect(304);
    assert!(again.text.is_empty());
    assert_eq!(again.header("etag"), tag);
    seen.send(ask("\"other\"")).expect(200);
}

#[test]
fn guessing_a_token_is_slow() {
    let seen = Seen::locked();
    let guesses = (0..12).map(|n| {
        let guess = format!("a guess of some length {n}");
        seen.send(
            seen.ask(Method::GET, "/api/v1/items")
                .header(AUTHORIZATION, format!("Bearer {guess}")),
        )
        .status
    });
    let guesses: Vec<StatusCode> = guesses.collect();
    assert_eq!(guesses[0], 401);
    assert_eq!(
        guesses.last().map(StatusCode::as_u16),
        Some(429),
        "{guesses:?}"
    );
}

#[test]
fn readers_act_under_their_own_names_and_take_it_back() {
    let reader = |name: &str, act| Reader {
        name: name.into(),
        token: Secret::new(format!("{name}, a token of some length")),
        act,
    };
    let gate = Gate {
        readers: vec![reader("ann", true), reader("bob", false)],
        ..Gate::default()
    };
    let mut seen = Seen::through(told(), gate);
    let post = |seen: &Seen, who: &str, path: &str| {
        seen.ask(Method::POST, path)
            .bearer_auth(format!("{who}, a token of some length"))
    };
    seen.get("/").expect(303);
    let page = seen
        .ask(Method::GET, "/stories/1")
        .bearer_auth("bob, a token of some length");
    let page = seen.send(page).expect(200);
    assert!(!page.text.contains("Mute or follow"), "{}", page.text);
    seen.send(post(&seen, "bob", "/api/v1/alerts/1/acknowledge"))
        .expect(403);
    seen.send(post(&seen, "ann", "/api/v1/alerts/1/acknowledge"))
        .expect(200);
    seen.world
        .expect_rows("SELECT acknowledged_by FROM alerts WHERE id = 1", &["ann"]);
    let mute = json!({"kind": "mute", "story_id": 1});
    seen.send(
        post(&seen, "bob", "/api/v1/acts")
            .header(CONTENT_TYPE, "application/json")
            .body(mute.to_string()),
    )
    .expect(403);
    let muted = seen
        .send(
            post(&seen, "ann", "/api/v1/acts")
                .header(CONTENT_TYPE, "application/json")
                .body(mute.to_string()),
        )
        .expect(200);
    let act = muted.json()["id"].clone();
    // Once is enough, and what fits nothing is refused.
    let again = seen
        .send(
            post(&seen, "ann", "/api/v1/acts")
                .header(CONTENT_TYPE, "application/json")
                .body(mute.to_string()),
        )
        .expect(200);
    assert_eq!(again.json()["id"], act);
    let wrong = json!({"kind": "mute", "development_id": 1});
    seen.send(
        post(&seen, "ann", "/api/v1/acts")
            .header(CONTENT_TYPE, "application/json")
            .body(wrong.to_string()),
    )
    .expect(400);
    let nowhere = json!({"kind": "follow", "story_id": 999});
    seen.send(
        post(&seen, "ann", "/api/v1/acts")
            .header(CONTENT_TYPE, "application/json")
            .body(nowhere.to_string()),
    )
    .expect(404);
    let page = seen
        .ask(Method::GET, "/stories/1")
        .bearer_auth("ann, a token of some length");
    let page = seen.send(page).expect(200);
    assert!(
        page.text.contains("muted") && page.text.contains("Undo"),
        "{}",
        page.text
    );
    seen.send(post(&seen, "ann", &format!("/api/v1/acts/{act}/undo")))
        .expect(200);
    seen.world.expect_rows(
        "SELECT kind, reader, undone_by FROM acts",
        &["mute | ann | ann"],
    );
}

#[test]
fn a_story_that_was_merged_tells_no_state_of_its_own() {
    let mut seen = Seen::open();
    seen.world.tamper(
        "INSERT INTO stories (id, topic, title, first_seen_at, last_seen_at, opened_by, state, merged_into)
         SELECT 99, topic, 'An earlier name', first_seen_at, last_seen_at, opened_by, 'cancelled', id FROM stories WHERE id = 1",
    );
    let page = seen.get("/stories/99").expect(200).text;
    assert!(
        page.contains("It turned out to be <a href=\"/stories/1\">"),
        "{page}"
    );
    assert!(!page.contains("cancelled"), "{page}");
    let story = seen.get("/api/v1/stories/99").expect(200).json();
    assert_eq!(story["story"]["state"], Value::Null, "{story:#}");
    // Where the meeting stands is the topic's to say, on every page.
    let now = seen.get("/").expect(200).text;
    assert!(
        now.contains("place set") && !now.contains("cancelled"),
        "{now}"
    );
    let kept = seen.get("/stories/1").expect(200).text;
    assert!(kept.contains("place set"), "{kept}");
    assert!(
        !seen
            .get("/stories")
            .expect(200)
            .text
            .contains("An earlier name")
    );
}

#[test]
fn what_a_channel_has_taken_is_sent_once_more_under_another_key() {
    let mut world = World::new();
    world.feed(
        "wire",
        rss(&[entry("1", "Bakers vote against cheaper flour")]),
    );
    world.poll().deliver();
    world.expect_alerts(1);
    let mut seen = Seen::through(
        world,
        Gate {
            token: Some(Secret::new(TOKEN)),
            ..Gate::default()
        },
    );
    let ask = |seen: &Seen, path: &str| {
        seen.send(seen.ask(Method::POST, path).bearer_auth(TOKEN))
            .status
    };
    assert_eq!(ask(&seen, "/api/v1/deliveries/1/resend"), 200);
    assert_eq!(ask(&seen, "/api/v1/deliveries/99/resend"), 404);
    let unnamed = seen.send(seen.ask(Method::POST, "/api/v1/deliveries/1/resend"));
    assert_eq!(unnamed.status, 401);
    seen.world.deliver();
    let hooked = seen.world.hooked();
    assert_eq!(hooked.len(), 2);
    assert_eq!(hooked[0].body, hooked[1].body);
    assert_ne!(hooked[0].key(), hooked[1].key());
    // Again from the page.
    assert_eq!(ask(&seen, "/deliveries/1/resend"), 303);
    seen.world.deliver();
    assert_eq!(seen.world.hooked().len(), 3);
}

#[test]
fn a_channel_is_tried_from_the_outbox() {
    let mut seen = Seen::locked();
    let page = seen.ask(Method::GET, "/outbox").bearer_auth(TOKEN);
    let page = seen.send(page).expect(200);
    assert!(page.text.contains("Send a test to desk"), "{}", page.text);
    let tried = seen
        .ask(Method::POST, "/channels/desk/test")
        .bearer_auth(TOKEN);
    seen.send(tried).expect(303);
    let nowhere = seen
        .ask(Method::POST, "/channels/nowhere/test")
        .bearer_auth(TOKEN);
    seen.send(nowhere).expect(404);
    seen.world.expect_rows(
        "SELECT count(*) FROM deliveries d JOIN notices n ON n.id = d.notice_id WHERE d.state = 'pending'",
        &["1"],
    );
}

#[test]
fn a_proxys_word_counts_from_the_proxy_alone() {
    let proxied = |from: &str| {
        let proxy = Proxy {
            header: "x-remote-user".parse().expect("a name"),
            from: vec![from.parse().expect("an address")],
        };
        let gate = Gate {
            proxy: Some(proxy),
            address: Some("https://watch.example/".parse().expect("a URL")),
            token: None,
            ..Gate::default()
        };
        Seen::through(told(), gate)
    };
    let seen = proxied("127.0.0.1");
    seen.get("/").expect(401);
    let asked = seen
        .ask(Method::GET, "/search.atom?q=summit")
        .header("x-remote-user", "ann")
        .header(HOST, "watch.example");
    let feed = seen.send(asked).expect(200);
    assert!(
        feed.text
            .contains("https://watch.example/search.atom?q=summit"),
        "{}",
        feed.text
    );
    let stranger = proxied("10.9.9.9");
    stranger
        .send(
            stranger
                .ask(Method::GET, "/")
                .header("x-remote-user", "ann"),
        )
        .expect(401);
}

#[test]
fn too_much_is_refused() {
    let seen = Seen::open();
    let long = "x".repeat(70_000);
    let posted = seen
        .ask(Method::POST, "/api/v1/classify")
        .header(CONTENT_TYPE, "application/json")
        .body(json!({"title": long}).to_string());
    seen.send(posted).expect(413);
    let posted = seen
        .ask(Method::POST, "/api/v1/classify")
        .header(CONTENT_TYPE, "application/json")
        .body(json!({"title": &long[..20_000]}).to_string());
    seen.send(posted).expect(400);
    let posted = seen
        .ask(Method::POST, "/api/v1/classify")
        .header(CONTENT_TYPE, "application/json")
        .body("{");
    seen.send(posted).expect(400).json();
    seen.get(&format!("/search?q={}", &long[..2_000]))
        .expect(400);
    assert_eq!(
        seen.send(seen.ask(Method::GET, "/").header("x-long", &long[..60_000]))
            .status,
        431
    );
    let many = (0..400).map(|_| seen.get("/robots.txt").status);
    assert!(many.filter(|it| *it == 429).count() > 100);
}

#[test]
fn pages_listen_for_what_is_new_and_so_many_at_once() {
    let mut seen = Seen::open();
    let listen = || seen.ask(Method::GET, "/events");
    let (mut first, refused) = seen.world.wait(async {
        let mut listening = Vec::new();
        for _ in 0..16 {
            let response = listen().send().await.expect("an answer");
            assert_eq!(response.status(), 200);
            listening.push(response);
        }
        let refused = listen().send().await.expect("an answer").status();
        (listening.swap_remove(0), refused)
    });
    assert_eq!(refused, 503);
    let mut event = || {
        seen.world
            .wait(first.chunk())
            .expect("a stream")
            .expect("an event")
    };
    let seen_first = String::from_utf8(event().to_vec()).expect("a text");
    assert!(
        seen_first.starts_with("event: marks\ndata: {\"item\":2,"),
        "{seen_first}"
    );
    let third = entry("3", "Kim Jong Un and Trump postpone summit, Pyongyang says");
    seen.world.shows("wire", rss(&[third])).later("1h").poll();
    let alerts = seen.world.number("SELECT count(*) FROM alerts");
    seen.world.expect_alerts(alerts - 1);
    let next = seen
        .world
        .wait(first.chunk())
        .expect("a stream")
        .expect("an event");
    assert!(
        String::from_utf8_lossy(&next).contains("\"item\":3"),
        "{next:?}"
    );
}

#[test]
fn lists_are_paged_by_what_came_before() {
    let seen = Seen::open();
    let first = seen.get("/api/v1/items?limit=1").expect(200).json();
    assert_eq!(
        (&first["rows"][0]["id"], &first["next"]),
        (&json!(2), &json!(2))
    );
    let second = seen
        .get("/api/v1/items?limit=1&before=2")
        .expect(200)
        .json();
    assert_eq!(
        (&second["rows"][0]["id"], &second["next"]),
        (&json!(1), &Value::Null)
    );
    let korean = seen
        .get("/api/v1/items?language=ko&topic=us-dprk-summit")
        .json();
    assert_eq!(korean["rows"].as_array().map(Vec::len), Some(1));
    let hits = seen
        .get("/api/v1/search?q=%EC%A0%95%EC%83%81%ED%9A%8C%EB%8B%B4")
        .expect(200)
        .json();
    assert_eq!(hits["rows"][0]["language"], "ko", "{hits}");
    let feeds = seen.get("/api/v1/feeds").json();
    assert_eq!(feeds[0]["state"], "failing", "{feeds}");
    let classify = seen
        .ask(Method::POST, "/api/v1/classify")
        .header(CONTENT_TYPE, "application/json")
        .body(json!({"title": "Trump to meet Kim Jong Un"}).to_string());
    let verdict = seen.send(classify).expect(200).json();
    assert_eq!(
        (&verdict["matched"], &verdict["language"]),
        (&json!(true), &json!("en"))
    );
}

#[test]
fn the_document_of_the_api_names_what_is_served() {
    let seen = Seen::open();
    let document = seen.get("/api/v1/openapi.json").expect(200).json();
    assert!(
        document["openapi"]
            .as_str()
            .is_some_and(|it| it.starts_with("3.1"))
    );
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() >= 11, "{paths:#?}");
    for (path, methods) in paths {
        let asked = path.replace("{id}", "1")
            + if path.ends_with("search") {
                "?q=summit"
            } else {
                ""
            };
        if methods.get("get").is_some() {
            seen.get(&asked).expect(200).json();
        }
        if let Some(sends) = methods
            .get("post")
            .filter(|it| it["requestBody"].is_object())
        {
            let wrong = |kind: &'static str, body: &'static str| {
                let request = seen.ask(Method::POST, path).header(CONTENT_TYPE, kind);
                seen.send(request.body(body))
            };
            for (kind, body, status) in [
                ("application/json", "[]", 422),
                ("application/json", "{", 400),
                ("text/plain", "{}", 415),
            ] {
                let fault = wrong(kind, body).expect(status).json();
                assert!(fault["error"].is_string(), "{path}: {fault}");
                let documented = &sends["responses"][status.to_string()];
                assert!(documented.is_object(), "{path} does not document {status}");
            }
        }
        for response in methods.as_object().expect("methods").values() {
            let text = response.to_string();
            for reference in text.split("#/components/schemas/").skip(1) {
                let name = reference.split('"').next().unwrap_or_default();
                assert!(
                    !document["components"]["schemas"][name].is_null(),
                    "{path}: {name}"
                );
            }
        }
    }
}

#[test]
fn who_keeps_connections_and_asks_nothing_delays_nobody() {
    let seen = Seen::open();
    let silent: Vec<_> = (0..64)
        .map(|_| std::net::TcpStream::connect(seen.at).expect("a connection"))
        .collect();
    let asked = std::time::Instant::now();
    for _ in 0..3 {
        seen.get("/healthz").expect(200);
    }
    assert!(
        asked.elapsed() < std::time::Duration::from_secs(5),
        "a silent connection ends by itself after ten seconds: {:?}",
        asked.elapsed()
    );
    drop(silent);
}

#[test]
fn feeds_out_are_read_by_our_own_parser() {
    let seen = Seen::open();
    for path in [
        "/topics/us-dprk-summit.atom",
        "/topics/us-dprk-summit.json",
        "/search.atom?q=lang:ko",
        "/search.json?q=lang:ko",
    ] {
        let answer = seen.get(path).expect(200);
        let url = format!("http://{}{path}", seen.at);
        let source = Source {
            content_type: Some(answer.header("content-type")),
            url: Some(&url),
            zone: jiff::tz::TimeZone::UTC,
            select: None,
            max_bytes: 1_000_000,
        };
        let parsed = guarded(answer.text.as_bytes(), &source).expect("a feed");
        assert!(
            !parsed.items.is_empty() && parsed.repairs.is_empty(),
            "{path}: {:?}",
            parsed.repairs
        );
        assert!(parsed.items.iter().all(|it| {
            it.url
                .as_deref()
                .is_some_and(|it| it.starts_with("https://wire.example/"))
        }));
    }
    let calendar = seen.get("/calendar.ics").expect(200);
    assert!(calendar.header("content-type").starts_with("text/calendar"));
    assert!(
        calendar.text.starts_with("BEGIN:VCALENDAR\r\n"),
        "{}",
        calendar.text
    );
}

#[test]
fn pages_are_compressed_for_who_reads_that() {
    let seen = Seen::open();
    let packed = seen.send(
        seen.ask(Method::GET, "/api/v1/openapi.json")
            .header(ACCEPT_ENCODING, "gzip;q=1.0, br"),
    );
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert_eq!(
        seen.send(
            seen.ask(Method::GET, "/")
                .header(ACCEPT_ENCODING, "identity")
        )
        .header("content-encoding"),
        ""
    );
}
