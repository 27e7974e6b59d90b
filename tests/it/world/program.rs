//! The real program as a child process, in an environment of its own.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use crate::world::server::{DEADLINE, Watched};

/// `summitwatch` with these arguments, working in `folder`, where it finds nothing of this machine.
pub(crate) fn command(
    folder: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_summitwatch"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("TZ", "UTC");
    command
}

/// Runs it to its end, which must come.
#[track_caller]
pub(crate) fn output(mut command: Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let process = child.id();
    let mut pipe = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    // A program that refuses its arguments reads nothing, which is no concern of its caller.
    std::thread::spawn(move || drop(pipe.write_all(&input)));
    let (end, ended) = mpsc::channel();
    std::thread::spawn(move || end.send(child.wait_with_output()));
    let Ok(output) = ended.recv_timeout(DEADLINE) else {
        send_signal("KILL", process);
        panic!("{command:?} does not end");
    };
    output.expect("the program ends")
}

fn send_signal(name: &str, process: u32) {
    let kill = format!("kill -{name} {process}");
    let sent = Command::new("sh").args(["-c", &kill]).status();
    assert!(sent.expect("a shell").success(), "SIG{name} was not sent");
}

/// The running service. Dropped, it is killed.
pub(crate) struct Service {
    child: Child,
    log: Arc<Watched<String>>,
}

impl Service {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let log = Arc::new(Watched::<String>::default());
        let (lines, kept) = (
            BufReader::new(child.stderr.take().expect("a pipe")),
            Arc::clone(&log),
        );
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                kept.change(|log| {
                    log.push_str(&line);
                    log.push('\n');
                });
            }
        });
        Self { child, log }
    }

    #[track_caller]
    pub(crate) fn wait_for_log(&self, text: &str) {
        let came = self.log.wait(|log| log.contains(text));
        assert!(came, "waited in vain for {text:?} in:\n{}", self.log());
    }

    pub(crate) fn log(&self) -> String {
        self.log.see(Clone::clone)
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// kill -9, and gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a child to kill");
        self.child.wait().expect("a child to bury");
    }

    /// Sends a signal by its name, like `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        send_signal(name, self.child.id());
    }

    #[track_caller]
    pub(crate) fn wait_for_end(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the program to end", || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        });
        status.expect("just seen")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again and again, since another process says nothing when it is done.
#[track_caller]
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
