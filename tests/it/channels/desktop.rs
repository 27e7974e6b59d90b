//! Desktop notifications, on a bus with nobody on it but a desktop of the tests' own.
#![expect(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    clippy::used_underscore_binding,
    reason = "methods are as the specification and zbus want them"
)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use summitwatch::outbox::Outcome;
use tempfile::TempDir;
use tokio::net::UnixListener;
use zbus::OwnedVariant;

use crate::channels::bench::{alert, delivery, hostile, open, update};
use crate::world::runtime;

/// What was shown: summary, body and urgency.
type Shown = Arc<Mutex<Vec<(String, String, u8)>>>;

struct Notifications {
    markup: bool,
    shown: Shown,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    fn get_capabilities(&self) -> Vec<String> {
        let markup = self.markup.then(|| "body-markup".to_owned());
        markup.into_iter().chain(["body".to_owned()]).collect()
    }

    #[expect(clippy::too_many_arguments, reason = "as the specification has it")]
    fn notify(
        &self,
        _app: String,
        replaces: u32,
        _icon: String,
        summary: String,
        body: String,
        _actions: Vec<String>,
        hints: HashMap<String, OwnedVariant>,
        _timeout: i32,
    ) -> u32 {
        assert_eq!(replaces, 0);
        let urgency = hints.get("urgency").and_then(|it| u8::try_from(it).ok());
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.push((summary, body, urgency.expect("an urgency")));
        41 + u32::try_from(shown.len()).expect("a few")
    }
}

/// The bus itself, as far as it is asked for anything.
struct Bus;

#[zbus::interface(name = "org.freedesktop.DBus")]
impl Bus {
    fn hello(&self) -> String {
        ":1.1".to_owned()
    }
}

/// What comes of these alerts, and what was shown of them.
fn show(alerts: &[serde_json::Value], markup: bool) -> (Vec<Outcome>, Vec<(String, String, u8)>) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("bus");
    let toml = format!("kind = \"desktop\"\nbus = \"unix:path={}\"", path.display());
    let channel = open(&toml, folder.path()).expect("a channel");
    let shown = Shown::default();
    let outcomes = runtime().block_on(async {
        let listener = UnixListener::bind(&path).expect("a socket");
        let mut outcomes = Vec::new();
        for alert in alerts {
            let notifications = Notifications {
                markup,
                shown: Arc::clone(&shown),
            };
            let desktop = async {
                let (stream, _) = listener.accept().await.expect("a client");
                let stream = stream.into_std().expect("a stream");
                zbus::connection::Builder::unix_stream(stream)
                    .server(zbus::Guid::generate())
                    .p2p()
                    .serve_at("/org/freedesktop/DBus", Bus)
                    .serve_at("/org/freedesktop/Notifications", notifications)
                    .build()
                    .await
                    .expect("a bus")
            };
            let delivery = delivery(alert, None);
            let (_bus, outcome) = tokio::join!(desktop, channel.send(&delivery));
            outcomes.push(outcome);
        }
        outcomes
    });
    let shown = shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (outcomes, shown)
}

#[test]
fn an_alert_is_shown_with_its_urgency_and_a_later_one_beside_it() {
    let (outcomes, shown) = show(&[alert(), update()], false);
    let reference = |id: &str| Outcome::Sent {
        reference: Some(id.to_owned()),
    };
    assert_eq!(outcomes, [reference("42"), reference("43")]);
    assert_eq!(
        shown[0].0,
        "NEW STORY · Seoul's presidential office: a meeting is planned · Panmunjom, 21 Apr, in 50 days"
    );
    assert!(shown[0].1.contains("[Korean]"), "{}", shown[0].1);
    assert_eq!((shown[0].2, shown[1].2), (1, 2));
}

#[test]
fn a_desktop_that_reads_markup_is_given_none_of_an_outlets() {
    let (_, shown) = show(&[hostile()], true);
    let body = &shown[0].1;
    assert!(body.contains("&lt;/b&gt;") && !body.contains('<'), "{body}");
    let (_, shown) = show(&[hostile()], false);
    assert!(shown[0].1.contains("</b>"), "{}", shown[0].1);
}

#[test]
fn without_a_session_bus_it_says_so_and_is_tried_again() {
    let folder = TempDir::new().expect("a folder");
    let toml = "kind = \"desktop\"\nbus = \"unix:path=/nonexistent/bus\"";
    let channel = open(toml, folder.path()).expect("a channel");
    match runtime().block_on(channel.send(&delivery(&alert(), None))) {
        Outcome::Retry { why, .. } => assert!(why.contains("no session bus"), "{why}"),
        other => panic!("{other:?}"),
    }
}
