//! Where the archive is. One rule: `--archive`; else `archive` of the configuration, which is `summitwatch.db` when left
//! out. A relative path begins at the configuration's folder; for a configuration in /etc/summitwatch, where no service
//! may write, at /var/lib/summitwatch; and for the shipped one at systemd's StateDirectory, else the user's data folder.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::config::Origin;

/// The archive's path, and why it is that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub path: PathBuf,
    pub by: By,
}

/// Where the path begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Option,
    Absolute,
    Folder,
    Etc,
    StateDirectory,
    DataHome,
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Option => "by --archive",
            Self::Absolute => "by `archive` in the configuration",
            Self::Folder => "by `archive`, from the configuration's folder",
            Self::Etc => "by `archive`; for /etc/summitwatch it is below /var/lib/summitwatch",
            Self::StateDirectory => "below $STATE_DIRECTORY, for the shipped configuration",
            Self::DataHome => "in the user's data folder, for the shipped configuration",
        })
    }
}

pub const NAME: &str = "summitwatch.db";
/// Where packages and the documented install keep the configuration, and what goes with it.
const ETC: &str = "/etc/summitwatch";
const STATE: &str = "/var/lib/summitwatch";

/// Of the environment, what says where state is kept.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    pub state_directory: Option<OsString>,
    pub data_home: Option<OsString>,
    pub home: Option<OsString>,
}

impl Surroundings {
    pub fn here() -> Self {
        let of = |name| std::env::var_os(name).filter(|it| !it.is_empty());
        Self {
            state_directory: of("STATE_DIRECTORY"),
            data_home: of("XDG_DATA_HOME"),
            home: of("HOME"),
        }
    }

    /// Where the shipped configuration's archive lies; relative where nothing says.
    fn folder(&self) -> (PathBuf, By) {
        let data = |it: &OsString| Path::new(it).join("summitwatch");
        let home = |it: &OsString| Path::new(it).join(".local/share/summitwatch");
        if let Some(state) = &self.state_directory {
            return (PathBuf::from(state), By::StateDirectory);
        }
        let folder = self.data_home.as_ref().map(data);
        let folder = folder.or_else(|| self.home.as_ref().map(home));
        (folder.unwrap_or_default(), By::DataHome)
    }
}

pub fn place(
    written: Option<&Path>,
    origin: &Origin,
    directory: &Path,
    here: &Surroundings,
) -> Place {
    let written = written.unwrap_or(Path::new(NAME));
    let (folder, by) = match origin {
        _ if written.is_absolute() => (PathBuf::new(), By::Absolute),
        Origin::File(file) if file.starts_with(ETC) => (PathBuf::from(STATE), By::Etc),
        Origin::File(_) => (directory.to_owned(), By::Folder),
        Origin::Shipped => here.folder(),
    };
    Place {
        path: folder.join(written),
        by,
    }
}

/// What `init` writes as `archive` into a configuration in `directory`, so that the archive stays where it is without
/// one. None where it would lie there anyway, or nothing says where it is.
pub fn kept_by_init(directory: &Path, here: &Surroundings) -> Option<PathBuf> {
    let (folder, _) = here.folder();
    let stays = directory.starts_with(ETC) || directory.join(NAME).exists();
    (!stays && folder.is_absolute()).then(|| folder.join(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> Surroundings {
        Surroundings {
            home: Some("/home/u".into()),
            ..Surroundings::default()
        }
    }

    #[test]
    fn one_rule_says_where_the_archive_is() {
        let service = Surroundings {
            state_directory: Some("/var/lib/other".into()),
            ..user()
        };
        let file = |path: &str| Origin::File(path.into());
        let check =
            |written: Option<&str>, origin: &Origin, here: &Surroundings, expected: &str| {
                let directory = match origin {
                    Origin::File(file) => file.parent().expect("a folder"),
                    Origin::Shipped => Path::new(""),
                };
                let found = place(written.map(Path::new), origin, directory, here);
                assert_eq!(found.path, Path::new(expected));
            };
        let etc = file("/etc/summitwatch/summitwatch.toml");
        let own = file("config/summitwatch.toml");
        check(Some("a.db"), &own, &user(), "config/a.db");
        check(None, &own, &service, "config/summitwatch.db");
        check(Some("/x/a.db"), &etc, &service, "/x/a.db");
        // The service and who asks by sudo find the same.
        for here in [&user(), &service] {
            check(None, &etc, here, "/var/lib/summitwatch/summitwatch.db");
            check(Some("a.db"), &etc, here, "/var/lib/summitwatch/a.db");
        }
        check(
            None,
            &Origin::Shipped,
            &service,
            "/var/lib/other/summitwatch.db",
        );
        let data = "/home/u/.local/share/summitwatch/summitwatch.db";
        check(None, &Origin::Shipped, &user(), data);
        // A configuration that `init` writes leaves it there.
        let kept = kept_by_init(Path::new("config"), &user()).expect("a place");
        assert_eq!(kept, Path::new(data));
        assert_eq!(kept_by_init(Path::new("/etc/summitwatch"), &user()), None);
        assert_eq!(
            kept_by_init(Path::new("config"), &Surroundings::default()),
            None
        );
    }
}
