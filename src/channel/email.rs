//! E-mail over SMTP: one message in text and HTML to all recipients, those that a server puts off
//! tried again and the others not.

mod reply;
pub mod secure;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message};
use tokio::net::TcpStream;

use crate::channel::answer::retry;
use crate::channel::email::reply::{Readable, Reply, reply, say};
use crate::channel::email::secure::Tls;
use crate::channel::redact::redacted;
use crate::channel::words::{Content, Limit, Words};
use crate::item::hash;
use crate::outbox::{Delivery, Outcome};
use crate::route::Severity;
use crate::secret::Secret;
use crate::text::{cut, printable};

#[derive(Debug, Clone)]
pub struct Email {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub credentials: Option<(String, Secret)>,
    pub from: Mailbox,
    pub to: Vec<Mailbox>,
    /// Who took a message that others have yet to take, by its key.
    pub taken: Arc<Mutex<HashMap<String, HashSet<Address>>>>,
}

#[derive(Clone)]
pub enum Security {
    /// TLS from the first byte.
    Implicit(Tls),
    /// Never without: a server that does not offer it is not spoken to.
    Starttls(Tls),
    None,
}

impl std::fmt::Debug for Security {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Implicit(_) => "implicit TLS",
            Self::Starttls(_) => "STARTTLS",
            Self::None => "no TLS",
        })
    }
}

/// An address as mail servers take it: a domain in Unicode becomes ASCII (punycode). What stands before
/// the `@` cannot, and few servers take it otherwise (SMTPUTF8).
pub fn mailbox(key: &str, text: &str) -> Result<Mailbox, String> {
    let none = |error: &dyn std::fmt::Display| format!("{key}: \"{text}\" is no address: {error}");
    let written: Mailbox = text.parse().map_err(|error| none(&error))?;
    let (user, domain) = (written.email.user(), written.email.domain());
    if !user.is_ascii() {
        return Err(format!(
            "{key}: \"{text}\": \"{user}\" before the @ is not ASCII, which mail servers refuse; use an address in ASCII"
        ));
    }
    if domain.is_ascii() {
        return Ok(written);
    }
    let ascii = match url::Host::parse(domain) {
        Ok(url::Host::Domain(ascii)) => ascii,
        Ok(other) => return Err(none(&format!("{other} is no domain"))),
        Err(error) => return Err(none(&error)),
    };
    let email = Address::new(user, ascii).map_err(|error| none(&error))?;
    Ok(Mailbox::new(written.name, email))
}

/// The whole conversation, which must end before the delivery's lease does.
const TOTAL: Duration = Duration::from_secs(60);
const SILENCE: Duration = Duration::from_secs(20);
const SUBJECT: Limit = Limit::utf16(200);

/// What came of the recipients of one attempt.
#[derive(Debug, Default)]
struct Tally {
    taken: usize,
    put_off: Vec<String>,
    refused: Vec<String>,
}

impl Email {
    pub(super) async fn send(&self, words: Words<'_>, delivery: &Delivery) -> Outcome {
        let id = self.message_id(&delivery.idempotency_key);
        let message = match self.message(words, delivery, &id) {
            Ok(message) => message,
            Err(error) => return Outcome::Refused(format!("no mail can be made of it: {error}")),
        };
        let hand_over = self.hand_over(&message, &delivery.idempotency_key);
        let tally = match tokio::time::timeout(TOTAL, hand_over).await {
            Ok(Ok(tally)) => tally,
            Ok(Err(outcome)) => return outcome,
            Err(_) => return retry(format!("{} took longer than a minute", self.host)),
        };
        if !tally.put_off.is_empty() {
            return retry(format!("put off: {}", tally.put_off.join("; ")));
        }
        let before = self.forget(&delivery.idempotency_key);
        let refused = tally.refused.join("; ");
        if tally.taken + before == 0 {
            return Outcome::Refused(format!("refused: {refused}"));
        }
        if !refused.is_empty() {
            tracing::warn!(
                channel = delivery.channel,
                "{}: some recipients are refused: {refused}",
                delivery.channel
            );
        }
        Outcome::Sent {
            reference: Some(id),
        }
    }

    /// The same at every attempt, so that a mailbox which had it already can tell.
    fn message_id(&self, key: &str) -> String {
        let plain: String = key
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let hash = hash(key).cast_unsigned();
        format!(
            "<{}.{hash:016x}@{}>",
            &plain[..plain.len().min(80)],
            self.from.email.domain()
        )
    }

    fn message(
        &self,
        words: Words<'_>,
        delivery: &Delivery,
        id: &str,
    ) -> Result<Message, lettre::error::Error> {
        let mut mail = Message::builder()
            .from(self.from.clone())
            .subject(words.title(SUBJECT))
            .message_id(Some(id.to_owned()));
        for to in &self.to {
            mail = mail.to(to.clone());
        }
        if let Some(first) = delivery.thread.as_deref().filter(|it| it.starts_with('<')) {
            mail = mail
                .in_reply_to(first.to_owned())
                .references(first.to_owned());
        }
        let list = match words.content {
            Content::Message(message) => message.topic.clone(),
            Content::Digest(_) => "digest".to_owned(),
        };
        let domain = self.from.email.domain();
        let mut headers = vec![
            (
                "List-Id",
                format!("<{}.summitwatch.{domain}>", dotted(&list)),
            ),
            // Nobody's holiday notice answers it.
            ("Auto-Submitted", "auto-generated".to_owned()),
            ("X-Auto-Response-Suppress", "All".to_owned()),
        ];
        if let Some(at) = words.content.created_at() {
            let at = at.strftime("%a, %d %b %Y %H:%M:%S +0000");
            headers.push(("Date", at.to_string()));
        }
        if words.content.severity() == Severity::Urgent {
            headers.push(("Importance", "high".to_owned()));
        }
        for (name, value) in headers {
            let name = HeaderName::new_from_ascii_str(name);
            mail = mail.raw_header(HeaderValue::new(name, value));
        }
        // The boundary of the parts too is the same at every attempt.
        let boundary = format!("summitwatch-{:016x}", hash(id).cast_unsigned());
        let parts = MultiPart::alternative()
            .boundary(boundary)
            .singlepart(SinglePart::plain(words.plain(Limit::NONE) + "\n"))
            .singlepart(SinglePart::html(words.page() + "\n"));
        mail.multipart(parts)
    }

    async fn hand_over(&self, message: &Message, key: &str) -> Result<Tally, Outcome> {
        let hello = ClientId::Domain(self.from.email.domain().to_owned());
        let mut connection = self.connect(&hello).await?;
        let outcome = self.transact(&mut connection, message, key).await;
        connection.abort().await;
        outcome
    }

    async fn connect(&self, hello: &ClientId) -> Result<AsyncSmtpConnection, Outcome> {
        let stream = self
            .timed(
                "connect",
                TcpStream::connect((self.host.as_str(), self.port)),
            )
            .await?;
        let peer = self.timed("connect", async { stream.peer_addr() }).await?;
        let connected = match &self.security {
            Security::None => {
                let stream = Box::new(Readable::new(stream, peer));
                AsyncSmtpConnection::connect_with_transport(stream, hello).await
            }
            Security::Implicit(tls) => {
                let stream = self.timed("TLS", tls.secure(stream)).await?;
                let stream = Box::new(Readable::new(stream, peer));
                AsyncSmtpConnection::connect_with_transport(stream, hello).await
            }
            Security::Starttls(tls) => {
                let stream = self.before_tls(stream, hello).await?;
                let stream = self.timed("STARTTLS", tls.secure(stream)).await?;
                let stream = Box::new(Readable::new(stream, peer).greeted());
                AsyncSmtpConnection::connect_with_transport(stream, hello).await
            }
        };
        let mut connection = connected.map_err(|error| self.failure("connect", &error))?;
        if let Some((user, password)) = &self.credentials {
            let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            if let Err(error) = connection.auth(&mechanisms, &credentials).await {
                // What the server says may repeat what it was told.
                let why = format!("{} does not let {user} in", self.host);
                return Err(match error.status() {
                    Some(code) if error.is_permanent() => {
                        Outcome::Refused(format!("{why}: {code}"))
                    }
                    Some(code) => retry(format!("{why}: {code}")),
                    None if error.is_client() => {
                        Outcome::Refused(format!("{why}: no common way to log in"))
                    }
                    None => self.failure("AUTH", &error),
                });
            }
        }
        Ok(connection)
    }

    /// The conversation up to where TLS begins.
    async fn before_tls(
        &self,
        mut stream: TcpStream,
        hello: &ClientId,
    ) -> Result<TcpStream, Outcome> {
        let greeting = self.timed("connect", reply(&mut stream)).await?;
        self.positive("connect", &greeting)?;
        let offers = self
            .timed("EHLO", say(&mut stream, &format!("EHLO {hello}")))
            .await?;
        self.positive("EHLO", &offers)?;
        let offered = offers.text.lines().filter_map(|it| it.get(4..));
        if !offered
            .into_iter()
            .any(|it| it.trim().eq_ignore_ascii_case("STARTTLS"))
        {
            return Err(retry(format!("{} offers no STARTTLS", self.host)));
        }
        let ready = self.timed("STARTTLS", say(&mut stream, "STARTTLS")).await?;
        self.positive("STARTTLS", &ready)?;
        Ok(stream)
    }

    fn positive(&self, step: &str, reply: &Reply) -> Result<(), Outcome> {
        let why = || format!("{}: {step}: {}", self.host, self.clean(&reply.text));
        match reply.code {
            200..=399 => Ok(()),
            500..=599 => Err(Outcome::Refused(why())),
            _ => Err(retry(why())),
        }
    }

    /// Awaits a step below SMTP. Whatever goes wrong may go right next time.
    async fn timed<T>(
        &self,
        step: &str,
        work: impl Future<Output = std::io::Result<T>>,
    ) -> Result<T, Outcome> {
        match tokio::time::timeout(SILENCE, work).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(retry(format!(
                "{}: {step}: {}",
                self.host,
                self.clean(&error.to_string())
            ))),
            Err(_) => Err(retry(format!(
                "{}: {step}: no answer within {} s",
                self.host,
                SILENCE.as_secs()
            ))),
        }
    }

    async fn transact(
        &self,
        connection: &mut AsyncSmtpConnection,
        message: &Message,
        key: &str,
    ) -> Result<Tally, Outcome> {
        let from = Mail::new(Some(self.from.email.clone()), Vec::new());
        let started = connection.command(from).await;
        started.map_err(|error| self.failure("MAIL FROM", &error))?;
        let mut tally = Tally::default();
        let mut taken = Vec::new();
        for to in self.waiting(key) {
            match connection.command(Rcpt::new(to.clone(), Vec::new())).await {
                Ok(_) => taken.push(to),
                Err(error) if error.is_transient() => {
                    tally.put_off.push(format!("{to}: {}", self.said(&error)));
                }
                Err(error) if error.is_permanent() => {
                    tally.refused.push(format!("{to}: {}", self.said(&error)));
                }
                Err(error) => return Err(self.failure("RCPT TO", &error)),
            }
        }
        if taken.is_empty() {
            return Ok(tally);
        }
        let ready = connection.command(Data).await;
        ready.map_err(|error| self.failure("DATA", &error))?;
        let sent = connection.message(&message.formatted()).await;
        sent.map_err(|error| self.failure("the message", &error))?;
        tally.taken = taken.len();
        if !tally.put_off.is_empty() {
            let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(key.to_owned()).or_default().extend(taken);
        }
        Ok(tally)
    }

    /// Recipients that did not take it at an earlier attempt.
    fn waiting(&self, key: &str) -> Vec<Address> {
        let all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = all.get(key);
        let waiting = self.to.iter().map(|it| it.email.clone());
        waiting
            .filter(|it| taken.is_none_or(|taken| !taken.contains(it)))
            .collect()
    }

    /// How many took it at earlier attempts, now that there will be none.
    fn forget(&self, key: &str) -> usize {
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(key).map_or(0, |it| it.len())
    }

    /// 5xx is final; 4xx, and whatever the network and TLS do, may be otherwise next time.
    fn failure(&self, step: &str, error: &Error) -> Outcome {
        let why = format!("{}: {step}: {}", self.host, self.said(error));
        if error.is_permanent() {
            Outcome::Refused(why)
        } else {
            retry(why)
        }
    }

    fn said(&self, error: &Error) -> String {
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            let inner_text = inner.to_string();
            if !text.contains(&inner_text) {
                text = format!("{text}: {inner_text}");
            }
            cause = inner.source();
        }
        self.clean(&text)
    }

    fn clean(&self, text: &str) -> String {
        let password = self.credentials.as_ref().map_or("", |it| it.1.reveal());
        cut(redacted(&printable(text), &[password]).trim(), 200)
    }
}

/// As a label of a List-Id.
fn dotted(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect()
}
