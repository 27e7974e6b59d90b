//! A line that tells how far a long command is, on a terminal only.

use std::io::{IsTerminal, Write};
use std::time::Instant;

pub(super) struct Progress {
    what: &'static str,
    of: usize,
    started: Instant,
    /// Nobody watches a file or a pipe.
    shown: bool,
}

const WIDTH: usize = 30;

impl Progress {
    pub(super) fn new(what: &'static str, of: usize) -> Self {
        Self {
            what,
            of: of.max(1),
            started: Instant::now(),
            shown: std::io::stderr().is_terminal(),
        }
    }

    pub(super) fn at(&self, done: usize) {
        if self.shown {
            let line = line(
                self.what,
                done,
                self.of,
                self.started.elapsed().as_secs_f64(),
            );
            // A terminal that cannot be written to is no reason to stop.
            let _ = write!(std::io::stderr(), "\r{line}\x1b[K");
        }
    }

    /// Leaves the line to what comes next.
    pub(super) fn end(&self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(what: &str, done: usize, of: usize, elapsed: f64) -> String {
    let done = done.min(of);
    let full = done * WIDTH / of;
    let bar = "█".repeat(full) + &"░".repeat(WIDTH - full);
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let left = if done > 0 {
        format!(", {:.0} s left", elapsed * number(of - done) / number(done))
    } else {
        String::new()
    };
    format!("{what} {bar} {done} of {of}{left}")
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn the_line_tells_share_and_time_left() {
        let half = format!(
            "items {}{} 50 of 100, 2 s left",
            "█".repeat(15),
            "░".repeat(15)
        );
        assert_eq!(line("items", 50, 100, 2.0), half);
        assert!(line("items", 0, 100, 0.0).ends_with("0 of 100"));
    }
}
