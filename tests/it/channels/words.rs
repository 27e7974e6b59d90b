//! What people read: an alert and a later one of its story in each channel's form, and what no
//! text of an outlet can do to any of them.

use proptest::prelude::*;
use serde_json::{Value, json};
use summitwatch::channel::terminal;
use summitwatch::channel::words::{Content, Limit, Words};
use summitwatch::digest::Digest;
use summitwatch::message::Message;
use summitwatch::message::templates::Templates;
use summitwatch::outbox::{What, notice};
use summitwatch::text::html::plain_text;

use crate::channels::bench::{alert, delivery, hostile, update};
use crate::world::desk::Desk;

/// A form in which a message is said.
type Say = fn(Words<'_>) -> String;

fn templates() -> Templates {
    Templates::new(jiff::tz::TimeZone::get("Asia/Seoul").expect("a zone"))
}

fn worded(message: &Value, word: impl Fn(Words<'_>) -> String) -> String {
    let content = Content::read(&delivery(message, None)).expect("a message");
    word(Words {
        templates: &templates(),
        content: &content,
    })
}

/// An alert, an update and a hostile one, as a channel says them.
fn both(word: impl Fn(Words<'_>) -> String) -> String {
    let said = [alert(), update(), hostile()].map(|it| worded(&it, &word));
    said.join("\n--------\n")
}

#[test]
fn plain_for_terminal_mail_and_desktop() {
    insta::assert_snapshot!(both(|it| it.plain(Limit::NONE)));
}

#[test]
fn a_terminal_is_sent_no_control_sequence_but_our_own() {
    let bare = worded(&hostile(), |it| terminal::render(it, false));
    assert!(bare.starts_with("\n▌ POSTPONED · "), "{bare}");
    let ours = |c: char| c == '\n' || !c.is_control() && c != '\u{202e}';
    assert!(bare.chars().all(ours), "{bare:?}");
    let styled = worded(&hostile(), |it| terminal::render(it, true));
    assert_eq!(styled.matches('\u{1b}').count(), 2, "bold, and its end");
}

#[test]
fn slack() {
    insta::assert_snapshot!(both(|it| it.marked("mrkdwn", Limit::NONE)));
}

#[test]
fn discord() {
    insta::assert_snapshot!(both(|it| it.marked("discord.md", Limit::NONE)));
}

#[test]
fn telegram() {
    insta::assert_snapshot!(both(|it| it.marked("telegram.html", Limit::NONE)));
}

#[test]
fn matrix() {
    insta::assert_snapshot!(both(|it| it.marked("matrix.html", Limit::NONE)));
}

/// A message of each kind beside alerts of what is new: to readers, and to the operator.
fn kinds() -> Vec<(&'static str, Value, What)> {
    let to_operator = |kind: &str, headline: &str, reason: &str| {
        let at = "2026-03-09T13:06:00Z".to_owned();
        let message = Message::to_operator(
            format!("{kind}-1"),
            kind,
            headline.to_owned(),
            reason.to_owned(),
            at,
        );
        serde_json::to_value(message).expect("JSON")
    };
    let of_kind = |kind: &str, reason: &str| {
        let mut message = update();
        message["kind"] = json!(kind);
        message["suppressed"] = json!(0);
        message["reason"] = json!(reason);
        message
    };
    let at = "2026-03-09T13:06:00Z".to_owned();
    let dead = notice("desk", "answered 404 Not Found", "desk-1".to_owned(), at);
    let digest = Digest::samples()[0].clone();
    vec![
        (
            "correction",
            of_kind("correction", "its outlet has corrected what was told"),
            What::Alert,
        ),
        (
            "official",
            of_kind(
                "official",
                "the first official word on what unnamed sources told",
            ),
            What::Alert,
        ),
        (
            "report",
            of_kind("report", "ann follows this story: repeats it"),
            What::Alert,
        ),
        (
            "offline",
            to_operator(
                "offline",
                "Offline since 2026-03-09 12:40 UTC: no feed can be reached",
                "the last attempts failed with: connection refused",
            ),
            What::Health,
        ),
        (
            "online",
            to_operator(
                "online",
                "Online again: nothing was seen for 26 min",
                "9 of 9 feeds answered and brought 12 new items and 1 alert.",
            ),
            What::Health,
        ),
        (
            "archive",
            to_operator(
                "archive",
                "The archive's log is short again",
                "it was written back",
            ),
            What::Health,
        ),
        (
            "channel",
            serde_json::to_value(dead).expect("JSON"),
            What::Health,
        ),
        (
            "digest",
            serde_json::to_value(digest).expect("JSON"),
            What::Digest,
        ),
    ]
}

fn each_kind(word: impl Fn(Words<'_>) -> String) -> String {
    let said = kinds().into_iter().map(|(name, message, what)| {
        let mut delivery = delivery(&message, None);
        delivery.what = what;
        let content = Content::read(&delivery).expect("a message");
        let words = Words {
            templates: &templates(),
            content: &content,
        };
        format!("== {name}: {}\n{}", words.title(Limit::NONE), word(words))
    });
    said.collect::<Vec<_>>().join("\n\n")
}

#[test]
fn every_kind_of_message_in_plain_text() {
    insta::assert_snapshot!(each_kind(|it| it.text(Limit::NONE)));
}

#[test]
fn every_kind_of_message_for_slack() {
    insta::assert_snapshot!(each_kind(|it| it.marked("mrkdwn", Limit::NONE)));
}

#[test]
fn every_kind_of_message_for_discord() {
    insta::assert_snapshot!(each_kind(|it| it.marked("discord.md", Limit::NONE)));
}

#[test]
fn every_kind_of_message_for_telegram() {
    insta::assert_snapshot!(each_kind(|it| it.marked("telegram.html", Limit::NONE)));
}

#[test]
fn every_kind_of_message_for_matrix() {
    insta::assert_snapshot!(each_kind(|it| it.marked("matrix.html", Limit::NONE)));
}

#[test]
fn every_kind_of_message_as_a_mail() {
    // The style is the same in all; what is said is not.
    let body = |page: String| {
        let body = page
            .split_once("<body")
            .map_or(String::new(), |it| it.1.to_owned());
        plain_text(&format!("<body{body}"))
    };
    insta::assert_snapshot!(each_kind(|it| body(it.page())));
}

#[test]
fn mail_page() {
    insta::assert_snapshot!(worded(&update(), |it| it.page()));
}

#[test]
fn with_a_dashboard_that_is_reached_each_form_leads_to_the_development() {
    let linked = |message: &Value, word: Say| {
        let templates = templates().linked_to(Some("https://watch.example/w/".to_owned()));
        let content = Content::read(&delivery(message, None)).expect("a message");
        word(Words {
            templates: &templates,
            content: &content,
        })
    };
    let page = "https://watch.example/w/stories/17#development-31";
    let forms: [(Say, String); 6] = [
        (
            |it| it.plain(Limit::NONE),
            format!("lang=ko · more: {page}"),
        ),
        (
            |it| it.marked("mrkdwn", Limit::NONE),
            format!("<{page}|more>"),
        ),
        (
            |it| it.marked("discord.md", Limit::NONE),
            format!("[more]({page})"),
        ),
        (
            |it| it.marked("telegram.html", Limit::NONE),
            format!("<a href=\"{page}\">more</a>"),
        ),
        (
            |it| it.marked("matrix.html", Limit::NONE),
            format!("<a href=\"{page}\">more</a>"),
        ),
        (|it| it.page(), format!("<a href=\"{page}\">its page</a>")),
    ];
    for (word, link) in forms {
        let said = linked(&alert(), word);
        assert!(said.contains(&link), "{link}\n{said}");
    }
    let lines = linked(&alert(), |it| it.plain(Limit::NONE));
    assert!(lines.lines().count() <= 6, "{lines}");
    let operator = Message::to_operator(
        "x".to_owned(),
        "channel-health",
        "desk is dead".to_owned(),
        String::new(),
        String::new(),
    );
    let operator = serde_json::to_value(operator).expect("JSON");
    let said = linked(&operator, |it| it.plain(Limit::NONE));
    assert!(
        said.ends_with("more: https://watch.example/w/outbox"),
        "{said}"
    );
}

#[test]
fn the_dashboards_address_is_the_public_one_or_that_on_which_others_reach_it() {
    let reached = |web: &str| {
        let text = format!(
            "[web]\n{web}\ntoken = \"long enough for a token\"\n[[channels]]\nname = \"desk\"\nkind = \"terminal\"\n"
        );
        let ran = Desk::new(&text).run(&["notify", "test", "desk"]).well();
        ran.split_once("more: ")
            .map(|it| it.1.lines().next().unwrap_or_default().to_owned())
    };
    assert_eq!(reached("listen = \"127.0.0.1:8787\""), None);
    assert_eq!(reached("listen = \"0.0.0.0:8787\""), None);
    assert_eq!(
        reached("listen = \"192.0.2.7:8787\"").as_deref(),
        Some("http://192.0.2.7:8787/")
    );
    let behind = "listen = \"127.0.0.1:8787\"\naddress = \"https://watch.example\"\nbase = \"/w\"";
    assert_eq!(reached(behind).as_deref(), Some("https://watch.example/w/"));
}

#[test]
fn a_digest_keeps_whole_lines_and_is_text_where_there_is_no_form_for_it() {
    let mut templates = templates();
    let lines = "{% for line in lines %}{{ line }}\n{% endfor %}";
    for (name, text) in [
        ("digest.txt", lines),
        ("digest.md", lines),
        ("digest.html", "<p>{{ subject }}"),
    ] {
        templates.set(name, text.to_owned()).expect("sound");
    }
    let line = "<b>one_two</b> https://a_b.example/c_d?e=f&g";
    let digest = json!({ "subject": "Digest\nof <Monday>", "lines": vec![line; 40] });
    let mut delivery = delivery(&digest, None);
    delivery.what = summitwatch::outbox::What::Digest;
    let content = Content::read(&delivery).expect("a digest");
    let words = Words {
        templates: &templates,
        content: &content,
    };
    assert_eq!(words.title(Limit::NONE), "Digest of <Monday>");
    assert_eq!(words.page(), "<p>Digest of &lt;Monday&gt;");
    let slack = words.marked("mrkdwn", Limit::utf16(300));
    let mut lines = slack.lines();
    assert_eq!(lines.next(), Some("Digest of &lt;Monday&gt;"));
    assert_eq!(
        lines.next(),
        Some("&lt;b&gt;oneˍtwo&lt;/b&gt; https://a_b.example/c_d?e=f&amp;g")
    );
    assert_eq!(lines.next_back(), Some("…"));
    assert!(slack.encode_utf16().count() <= 300);
    let telegram = words.marked("telegram.html", Limit::utf16(4_096));
    assert!(
        telegram.contains("&lt;b&gt;one_two&lt;/b&gt; https://a_b.example/c_d?e=f&amp;g"),
        "{telegram}"
    );
    let discord = words.marked("discord.md", Limit::utf16(2_000));
    assert!(discord.starts_with(r"\<b\>one\_two"), "{discord}");
}

#[test]
fn templates_of_ones_own_take_the_place_of_the_shipped_and_faults_name_their_line() {
    let desk = Desk::new("[[channels]]\nname = \"desk\"\nkind = \"terminal\"\n");
    desk.write(
        "templates/alert.txt",
        "{{ item.outlet }}: {{ headline|upper }}\n",
    );
    let said = desk.run(&["notify", "test", "desk"]).well();
    assert!(said.contains("▌ TEST · summitwatch can reach you here\n▌ summitwatch: SUMMITWATCH CAN REACH YOU HERE\n"), "{said}");
    desk.write("templates/alert.txt", "{{ headline }}\n{{ item.outlt }}\n");
    desk.run(&["check"]).ill(
        2,
        "error: templates/alert.txt:2: undefined value: `item.outlt` is undefined",
    );
    desk.write("templates/alert.txt", "{% if %}\n");
    let said = desk.run(&["check"]).err;
    assert!(
        said.starts_with("error: templates/alert.txt:1: syntax error"),
        "{said}"
    );
}

#[test]
fn a_template_that_fails_on_one_message_does_not_cost_it() {
    let mut templates = templates();
    let text = "{{ 1 / (story.id - 17) }}".to_owned();
    templates.set("alert.txt", text).expect("sound");
    let content = Content::read(&delivery(&alert(), None)).expect("a message");
    let words = Words {
        templates: &templates,
        content: &content,
    };
    assert!(
        words.text(Limit::NONE).contains("why: the first report"),
        "{}",
        words.text(Limit::NONE)
    );
}

/// Tags of an HTML text in their order, `/` before what closes; nothing where one is broken.
fn tags(html: &str) -> Option<Vec<String>> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '>']) {
        if !rest[at..].starts_with('<') {
            return None;
        }
        let end = rest[at..].find('>')? + at;
        let tag = &rest[at + 1..end];
        if tag.contains('<') {
            return None;
        }
        tags.push(tag.split(' ').next().unwrap_or_default().to_owned());
        rest = &rest[end + 1..];
    }
    Some(tags)
}

fn is_balanced(tags: &[String]) -> bool {
    let mut open: Vec<&str> = Vec::new();
    for tag in tags.iter().filter(|it| *it != "br") {
        match tag.strip_prefix('/') {
            Some(name) if open.pop() != Some(name) => return false,
            Some(_) => {}
            None => open.push(tag),
        }
    }
    open.is_empty()
}

/// Every `&` begins a reference that ends.
fn has_whole_references(html: &str) -> bool {
    html.match_indices('&').all(|(at, _)| {
        let name: String = html[at + 1..]
            .chars()
            .take_while(|c| *c != ';')
            .take(8)
            .collect();
        matches!(name.as_str(), "amp" | "lt" | "gt" | "quot" | "#39")
    })
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<b>&\"'"),
        Just("@everyone "),
        Just("<!channel>"),
        Just("](https://evil.example)"),
        Just("*_~`|"),
        Just("\r\nBcc: x"),
        Just("\u{202e}"),
        Just("\u{7}"),
        Just("👩‍🚀🇰🇷"),
        Just("북미 정상회담 "),
        Just("米朝首脳会談"),
        Just("cafe\u{301}"),
        Just("한"),
        Just("https://a_b.example/*x* "),
        Just("# "),
        Just("> "),
        Just("a long word of many letters "),
    ];
    proptest::collection::vec(piece, 0..120).prop_map(|it| it.concat())
}

fn message() -> impl Strategy<Value = Value> {
    (text(), text(), text(), 0..3_000_usize, 0..40_usize).prop_map(
        |(one, two, three, length, many)| {
            let mut message = hostile();
            message["headline"] = json!(one);
            message["new"][0]["text"] = json!(two);
            message["new"][0]["gloss"] = json!(three);
            message["reason"] = json!(two);
            message["story"]["title"] = json!(three);
            message["sources"] = json!(vec![one.clone(); many]);
            message["item"]["url"] = json!(format!(
                "https://a.example/{}?q=<\"&'|)",
                "x".repeat(length)
            ));
            message
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_outlets_write_stays_text_within_the_limits(message in message(), at_most in 40..5_000_usize) {
        let content = Content::read(&delivery(&message, None)).expect("a message");
        let templates = templates();
        let words = Words { templates: &templates, content: &content };
        let limit = Limit::utf16(at_most);
        let units = |text: &str| text.encode_utf16().count();
        for form in ["telegram.html", "matrix.html"] {
            let html = words.marked(form, limit);
            prop_assert!(units(&html) <= at_most);
            let tags = tags(&html);
            prop_assert!(tags.as_ref().is_some_and(|it| is_balanced(it)), "{form}: {html}");
            prop_assert!(has_whole_references(&html), "{form}: {html}");
        }
        let slack = words.marked("mrkdwn", limit);
        prop_assert!(units(&slack) <= at_most);
        prop_assert!(has_whole_references(&slack), "{slack}");
        // Whatever is in brackets is a link of ours, and it is whole.
        for part in slack.split('<').skip(1) {
            prop_assert!(part.starts_with("https://a.example/") && part.contains('|') && part.contains('>'), "{slack}");
        }
        let discord = words.marked("discord.md", limit);
        prop_assert!(units(&discord) <= at_most);
        let plain = words.plain(limit);
        prop_assert!(units(&plain) <= at_most);
        for said in [&slack, &discord, &plain, &words.title(limit), &words.page()] {
            let seen = |c: char| c == '\n' || !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}');
            prop_assert!(said.chars().all(seen), "{said:?}");
        }
        prop_assert!(!words.title(limit).contains('\n'));
        let page = tags(&words.page());
        prop_assert!(page.is_some());
    }
}
