//! A program of the user's own: JSON on its standard input, no shell, and an environment that holds
//! what is written down for it. It says by its exit status what came of the message: 0 taken, 75
//! (EX_TEMPFAIL) to be tried again, any other final.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use crate::channel::answer::{redacted, retry};
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

impl Exec {
    pub(super) async fn send(&self, words: Words<'_>, delivery: &Delivery) -> Outcome {
        let input = input(words, delivery).to_string();
        match tokio::time::timeout(self.timeout, self.run(input)).await {
            Ok(outcome) => outcome,
            // Dropped with its future, the program is killed.
            Err(_) => retry(format!("did not end within {} s", self.timeout.as_secs())),
        }
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
        let ((), out, err, status) = tokio::join!(feed, kept(stdout), kept(stderr), child.wait());
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

/// Everything that comes, of which the beginning is kept.
async fn kept(pipe: Option<impl AsyncRead + Unpin>) -> String {
    let mut kept = Vec::new();
    let Some(mut pipe) = pipe else {
        return String::new();
    };
    let mut piece = [0; 4_096];
    while let Ok(n @ 1..) = pipe.read(&mut piece).await {
        kept.extend_from_slice(&piece[..n.min(KEPT - kept.len().min(KEPT))]);
    }
    String::from_utf8_lossy(&kept).into_owned()
}
