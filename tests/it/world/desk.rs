//! A person at a terminal: a folder with a configuration, and the program run in it.

use serde_json::Value;
use tempfile::TempDir;

use crate::world::program::{command, output};

/// A folder with a configuration, `summitwatch.toml`, in which the program runs.
pub(crate) struct Desk {
    pub(crate) folder: TempDir,
}

#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Desk {
    pub(crate) fn new(config: &str) -> Self {
        let desk = Self {
            folder: TempDir::new().expect("a folder"),
        };
        desk.write("summitwatch.toml", config);
        desk
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
        self
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.folder.path().join(name).exists()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, b"")
    }

    /// The program with this configuration, reading `input`.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &[u8]) -> Ran {
        let arguments = [arguments, &["--config", "summitwatch.toml"]].concat();
        let output = output(command(self.folder.path(), arguments), input);
        Ran {
            status: output.status.code().expect("an exit status"),
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn well(self) -> String {
        assert_eq!((self.status, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }

    /// It failed with this status, said this, and printed nothing.
    #[track_caller]
    pub(crate) fn ill(self, status: i32, said: &str) {
        assert_eq!(
            (self.status, self.err.trim_end(), self.out.as_str()),
            (status, said, "")
        );
    }

    #[track_caller]
    pub(crate) fn json_lines(self) -> Vec<Value> {
        self.well()
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }

    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.well()).expect("JSON")
    }
}
