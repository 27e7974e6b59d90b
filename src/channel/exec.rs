//! A program of the user's own: JSON on its standard input, no shell, and an environment that holds
//! what is written down for it. It says by its exit status what came of the message: 0 taken, 75
//! (EX_TEMPFAIL) to be tried again, any other final.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::pin;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::channel::answer::retry;
use crate::channel::redact::redacted;
use crate::channel::words::{Limit, Words};
use crate::outbox::{Delivery, Outcome, What};
use crate::secret::Secret;
use crate::text::{cut, printable};

#[derive(Debug, Clone)]
pub struct Exec {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    pub directory: PathBuf,
    pub env: BTreeMap<String, Secret>,
    pub timeout: Duration,
}

/// What programs need to find themselves at home; nothing of it is ours.
const PASSED_ON: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];
const EX_TEMPFAIL: i32 = 75;
/// Of what it prints; the rest is read and dropped.
const KEPT: usize = 4_096;
/// How long its output is read once it has ended, where something that it started has it still.
const LINGER: Duration = Duration::from_millis(500);

impl Exec {
    pub(super) async fn send(&self, words: Words<'_>, delivery: &Delivery) -> Outcome {
        let input = input(words, delivery).to_string();
        self.run(input).await
    }

    async fn run(&self, input: String) -> Outcome {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .current_dir(&self.directory)
            .env_clear()
            .envs(
                PASSED_ON
                    .iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .envs(self.env.iter().map(|(name, value)| (name, value.reveal())))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own, so that what it started ends with it where it does not end in time.
            .process_group(0)
            .kill_on_drop(true);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                return retry(format!("cannot start {}: {error}", self.program.display()));
            }
        };
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async move {
            if let Some(mut stdin) = stdin {
                // A program that has seen enough may close its input.
                let _ = stdin.write_all(input.as_bytes()).await;
            }
        };
        let mut group = Group::of(&child);
        let (out, err) = (Kept::default(), Kept::default());
        let mut pipes = pin!(async { tokio::join!(feed, out.keep(stdout), err.keep(stderr)) });
        let until = Instant::now() + self.timeout;
        let mut are_closed = false;
        // Its end alone counts: what it started may keep its pipes for as long as it likes.
        let status = loop {
            tokio::select! {
                status = tokio::time::timeout_at(until, child.wait()) => break status,
                _ = &mut pipes, if !are_closed => are_closed = true,
            }
        };
        let Ok(status) = status else {
            group.end();
            return retry(format!("did not end within {} s", self.timeout.as_secs()));
        };
        group.leave();
        if !are_closed {
            let _ = tokio::time::timeout(LINGER, pipes).await;
        }
        let (out, err) = (out.text(), err.text());
        let secrets: Vec<&str> = self.env.values().map(Secret::reveal).collect();
        let line = |text: &str| cut(&redacted(printable(text).trim(), &secrets), 200);
        let why = |what: String| match line(&err) {
            said if said.is_empty() => what,
            said => format!("{what}: {said}"),
        };
        match status.map(|it| it.code()) {
            Ok(Some(0)) => Outcome::Sent {
                reference: out.lines().next().map(line).filter(|it| !it.is_empty()),
            },
            Ok(Some(EX_TEMPFAIL)) => retry(why("asks to be tried again (75)".to_owned())),
            Ok(Some(code)) => Outcome::Refused(why(format!("exit status {code}"))),
            Ok(None) => retry(why("was killed".to_owned())),
            Err(error) => retry(format!("cannot be waited for: {error}")),
        }
    }
}

pub(super) fn input(words: Words<'_>, delivery: &Delivery) -> Value {
    let message: Value = serde_json::from_str(&delivery.message).unwrap_or_default();
    json!({
        "what": match delivery.what {
            What::Alert => "alert",
            What::Digest => "digest",
            What::Health => "health",
        },
        "idempotency_key": delivery.idempotency_key,
        "channel": delivery.channel,
        "thread": delivery.thread,
        "title": words.title(Limit::NONE),
        "text": words.text(Limit::NONE),
        "message": message,
    })
}

/// The process group of a program; unless it is left, it ends when this is dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|it| i32::try_from(it).ok());
        Self(id.and_then(Pid::from_raw))
    }

    /// What runs on runs on.
    fn leave(&mut self) {
        self.0 = None;
    }

    fn end(&mut self) {
        if let Some(group) = self.0.take() {
            // It may have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

/// The beginning of everything that comes through a pipe.
#[derive(Default)]
struct Kept(Mutex<Vec<u8>>);

impl Kept {
    async fn keep(&self, pipe: Option<impl AsyncRead + Unpin>) {
        let Some(mut pipe) = pipe else {
            return;
        };
        let mut piece = [0; 4_096];
        while let Ok(n @ 1..) = pipe.read(&mut piece).await {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let room = KEPT - kept.len().min(KEPT);
            kept.extend_from_slice(&piece[..n.min(room)]);
        }
    }

    fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).into_owned()
    }
}
