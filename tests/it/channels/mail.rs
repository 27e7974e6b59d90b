//! E-mail against a small SMTP server of the tests' own; `tests/smtp/run.sh` does the same with TLS
//! against a real one.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use summitwatch::outbox::Outcome;

use crate::channels::bench::{Bench, PLANTED, alert, delivery, hostile, update};
use crate::world::server::{Server, Watched};

/// What one client said and what it was answered.
#[derive(Debug, Default)]
pub(super) struct Heard {
    commands: Vec<String>,
    mails: Vec<String>,
}

/// Answers by the beginning of a command, one after the other and the last for ever; else takes it.
type Script = HashMap<&'static str, Vec<&'static str>>;

pub(super) struct Smtp {
    pub(super) port: u16,
    heard: Arc<Watched<Heard>>,
}

impl Smtp {
    pub(super) fn start(answers: &[(&'static str, &[&'static str])]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
        let port = listener.local_addr().expect("an address").port();
        let heard = Arc::new(Watched::<Heard>::default());
        let told = Arc::clone(&heard);
        let mut script: Script = answers
            .iter()
            .map(|(on, say)| (*on, say.to_vec()))
            .collect();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                drop(talk(stream, &mut script, &told));
            }
        });
        Self { port, heard }
    }

    fn bench(&self, keys: &str) -> Bench {
        let toml = format!(
            "kind = \"email\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n\
             from = \"Summit Watch <watch@desk.example>\"\n{keys}",
            self.port
        );
        Bench::with(&toml, Server::start())
    }

    fn mails(&self) -> Vec<String> {
        self.heard.see(|it| it.mails.clone())
    }

    fn commands(&self, beginning: &str) -> Vec<String> {
        self.heard.see(|it| {
            let said = it.commands.iter().filter(|it| it.starts_with(beginning));
            said.cloned().collect()
        })
    }
}

/// An empty answer hangs up.
fn talk(stream: TcpStream, script: &mut Script, heard: &Watched<Heard>) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream).lines();
    out.write_all(b"220 mail.example\r\n")?;
    while let Some(line) = lines.next() {
        let line = line?;
        heard.change(|it| it.commands.push(line.clone()));
        let usual = match line.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => "250-mail.example\r\n250 AUTH PLAIN",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 so be it",
        };
        let answer = answer(script, &line).unwrap_or(usual);
        if answer.is_empty() {
            return Ok(());
        }
        out.write_all(&written(answer))?;
        if answer.starts_with("354") {
            let mut mail = String::new();
            for line in lines.by_ref() {
                let line = line?;
                if line == "." {
                    break;
                }
                mail.push_str(line.strip_prefix('.').unwrap_or(&line));
                mail.push('\n');
            }
            heard.change(|it| it.mails.push(mail));
            match self::answer(script, "message") {
                Some("") => return Ok(()),
                answer => {
                    let answer = answer.unwrap_or("250 kept");
                    out.write_all(&written(answer))?;
                }
            }
        }
    }
    Ok(())
}

/// An answer as it is sent; after `RAW`, with words in EUC-KR behind it.
fn written(answer: &str) -> Vec<u8> {
    match answer.strip_prefix("RAW") {
        Some(answer) => [answer.as_bytes(), b"\xb8\xde\xc0\xcf \xb9\xde\xc0\xbd\r\n"].concat(),
        None => format!("{answer}\r\n").into_bytes(),
    }
}

fn answer(script: &mut Script, line: &str) -> Option<&'static str> {
    let key = *script.keys().find(|it| line.starts_with(**it))?;
    let answers = script.get_mut(key)?;
    if answers.len() > 1 {
        Some(answers.remove(0))
    } else {
        answers.first().copied()
    }
}

const TO_ME: &str = "to = [\"me@a.example\"]";
const TO_TWO: &str = "to = [\"me@a.example\", \"You <you@b.example>\"]";

#[test]
fn a_mail_is_kept_under_an_id_made_of_its_key_and_threads_under_the_first() {
    let smtp = Smtp::start(&[]);
    let bench = smtp.bench(TO_ME);
    let reference = match bench.send(&delivery(&alert(), None)) {
        Outcome::Sent {
            reference: Some(it),
        } => it,
        other => panic!("{other:?}"),
    };
    bench.send(&delivery(&alert(), None));
    bench.send(&delivery(&update(), Some(&reference)));
    let mails = smtp.mails();
    assert_eq!(mails[0], mails[1], "a repeat is the same, to the byte");
    assert!(
        mails[0].contains(&format!("\nMessage-ID: {reference}\n")),
        "{}",
        mails[0]
    );
    let later = &mails[2];
    assert!(!later.contains(&format!("\nMessage-ID: {reference}\n")));
    for header in ["In-Reply-To", "References"] {
        assert!(
            later.contains(&format!("\n{header}: {reference}\n")),
            "{later}"
        );
    }
    for header in [
        "List-Id: <us-dprk-summit.summitwatch.desk.example>",
        "Auto-Submitted: auto-generated",
        "Importance: high",
        "Date: Mon, 09 Mar 2026 13:06:00 +0000",
        "MIME-Version: 1.0",
    ] {
        assert!(
            later.contains(&format!("\n{header}\n")),
            "{header} is not in {later}"
        );
    }
    assert!(later.is_ascii(), "what is not ASCII is encoded");
    assert!(
        later.lines().all(|it| it.len() <= 998),
        "no line is too long for SMTP"
    );
}

#[test]
fn no_headline_writes_a_header() {
    let smtp = Smtp::start(&[]);
    smtp.bench(TO_ME).send(&delivery(&hostile(), None));
    let mail = &smtp.mails()[0];
    let (head, _) = mail.split_once("\n\n").expect("a head");
    assert!(!head.lines().any(|it| it.starts_with("Bcc")), "{head}");
    assert_eq!(smtp.commands("RCPT"), ["RCPT TO:<me@a.example>"]);
}

#[track_caller]
fn check(answers: &[(&'static str, &[&'static str])], keys: &str, expected: &str) {
    let smtp = Smtp::start(answers);
    let outcome = format!("{:?}", smtp.bench(keys).send(&delivery(&alert(), None)));
    assert!(outcome.starts_with(expected), "{outcome} is not {expected}");
    assert!(!outcome.contains(PLANTED), "{outcome}");
}

#[test]
fn four_hundreds_are_tried_again_and_five_hundreds_are_final() {
    let login = format!("{TO_ME}\nuser = \"me\"\nsecret = \"{PLANTED}\"");
    check(&[("MAIL", &["451 try later"])], TO_ME, "Retry");
    check(&[("MAIL", &["550 not you"])], TO_ME, "Refused");
    check(&[("RCPT", &["450 greylisted"])], TO_ME, "Retry");
    check(&[("RCPT", &["550 no such user"])], TO_ME, "Refused");
    check(&[("DATA", &["452 disk full"])], TO_ME, "Retry");
    check(&[("message", &["554 spam"])], TO_ME, "Refused");
    check(&[("message", &["421 closing"])], TO_ME, "Retry");
    // The answer is lost: perhaps it was taken, and its Message-ID is the same next time.
    check(&[("message", &[""])], TO_ME, "Retry");
    check(&[("EHLO", &[""])], TO_ME, "Retry");
    check(&[("EHLO", &["502 what?"])], TO_ME, "Refused");
    check(&[], &login, "Sent");
    check(
        &[("AUTH", &["535 AGhuntr2 hunter2-5f3a9c is wrong"])],
        &login,
        "Refused",
    );
    check(&[("AUTH", &["454 later"])], &login, "Retry");
    check(&[("EHLO", &["250 mail.example"])], &login, "Refused");
}

#[test]
fn the_digits_count_whatever_charset_the_words_are_in() {
    // What EUC-KR and GBK write is no UTF-8.
    check(&[("message", &["250 \u{fffd}"])], TO_ME, "Sent");
    let smtp = Smtp::start(&[("message", &["RAW250 2.0.0 "])]);
    let outcome = smtp.bench(TO_ME).send(&delivery(&alert(), None));
    assert!(matches!(outcome, Outcome::Sent { .. }), "{outcome:?}");
    assert_eq!(smtp.mails().len(), 1);
    check(&[("RCPT", &["RAW550 "])], TO_ME, "Refused");
    check(&[("MAIL", &["RAW451 "])], TO_ME, "Retry");
}

#[test]
fn a_domain_in_unicode_goes_out_in_ascii() {
    let smtp = Smtp::start(&[]);
    smtp.bench("to = [\"desk@한국.example\"]")
        .send(&delivery(&alert(), None));
    assert_eq!(
        smtp.commands("RCPT"),
        ["RCPT TO:<desk@xn--3e0b707e.example>"]
    );
}

#[test]
fn a_server_without_tls_is_not_spoken_to_where_tls_is_wanted() {
    let smtp = Smtp::start(&[]);
    for tls in ["starttls", "implicit"] {
        let toml = format!(
            "kind = \"email\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"{tls}\"\nfrom = \"a@a.example\"\n{TO_ME}\n\
             user = \"me\"\nsecret = \"{PLANTED}\"",
            smtp.port
        );
        let outcome = Bench::with(&toml, Server::start()).send(&delivery(&alert(), None));
        assert!(
            matches!(outcome, Outcome::Retry { .. }),
            "{tls}: {outcome:?}"
        );
    }
    assert!(smtp.commands("AUTH").is_empty() && smtp.mails().is_empty());
}

#[test]
fn who_took_it_is_not_sent_it_again_when_another_is_put_off() {
    let smtp = Smtp::start(&[("RCPT TO:<you@", &["450 greylisted", "450 still", "250 now"])]);
    let bench = smtp.bench(TO_TWO);
    let delivery = delivery(&alert(), None);
    for _ in 0..2 {
        let outcome = bench.send(&delivery);
        assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    }
    let outcome = bench.send(&delivery);
    assert!(matches!(outcome, Outcome::Sent { .. }), "{outcome:?}");
    assert_eq!(smtp.commands("RCPT TO:<me@").len(), 1);
    assert_eq!(smtp.commands("RCPT TO:<you@").len(), 3);
    assert_eq!(smtp.mails().len(), 2, "one for each");
}

#[test]
fn who_is_refused_hinders_nobody() {
    let smtp = Smtp::start(&[("RCPT TO:<you@", &["550 no such user"])]);
    let outcome = smtp.bench(TO_TWO).send(&delivery(&alert(), None));
    assert!(matches!(outcome, Outcome::Sent { .. }), "{outcome:?}");
    assert_eq!(smtp.mails().len(), 1);
}
