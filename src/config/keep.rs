//! The list of feeds as people and pages change it: in the configuration's own files, each written whole, and put back
//! where the configuration is not sound then.

use std::path::{Path, PathBuf};

use crate::config::edit::{self, NewFeed};
use crate::config::fault::Faults;
use crate::config::{Config, Origin};
use crate::text::fold::fold;
use crate::text::nearest;

/// Why the list was left as it was.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    #[error("nothing was changed: {0}")]
    Unsound(Faults),
    #[error("{0}")]
    Failed(String),
}

impl From<String> for KeepError {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

/// Adds to the last file that holds feeds, where a person looks for the newest. Says which that is.
pub fn add(config: &Config, feeds: &[NewFeed]) -> Result<PathBuf, KeepError> {
    let file = files(config)?
        .pop()
        .ok_or_else(|| "a configuration has a file".to_owned())?;
    let text = read(&file)?;
    let edited = edit::with_feeds(&text, feeds).map_err(|error| fault(&file, &error))?;
    write_checked(config, &file, &text, &edited)?;
    Ok(file)
}

/// Takes a feed out, with the comment before it.
pub fn remove(config: &Config, name: &str) -> Result<PathBuf, KeepError> {
    change(config, name, |text| edit::without_feed(text, name))
}

/// Has a feed rest, or be visited again.
pub fn pause(config: &Config, name: &str, paused: bool) -> Result<PathBuf, KeepError> {
    change(config, name, |text| edit::paused(text, name, paused))
}

/// Changes the file in which the feed stands.
fn change(
    config: &Config,
    name: &str,
    edit: impl Fn(&str) -> Result<Option<String>, String>,
) -> Result<PathBuf, KeepError> {
    for file in files(config)? {
        let text = read(&file)?;
        if let Some(edited) = edit(&text).map_err(|error| fault(&file, &error))? {
            write_checked(config, &file, &text, &edited)?;
            return Ok(file);
        }
    }
    let near = nearest(name, config.feeds.iter().map(|it| it.name.as_str()));
    let near = near.map_or(String::new(), |it| format!("; did you mean \"{it}\"?"));
    Err(format!("no feed is called \"{name}\"{near}").into())
}

/// The configuration's file and those that it includes.
fn files(config: &Config) -> Result<Vec<PathBuf>, String> {
    let Origin::File(main) = &config.origin else {
        return Err(
            "the shipped configuration cannot be changed; `summitwatch init` writes one to change"
                .to_owned(),
        );
    };
    let included = edit::includes(&read(main)?).map_err(|error| fault(main, &error))?;
    let folder = main.parent().unwrap_or(Path::new(""));
    let included = included.iter().map(|it| folder.join(it));
    Ok(std::iter::once(main.clone()).chain(included).collect())
}

/// Writes a file of the configuration; where that is not sound then, the old one comes back.
fn write_checked(config: &Config, file: &Path, old: &str, new: &str) -> Result<(), KeepError> {
    replace(file, new)?;
    let Origin::File(main) = &config.origin else {
        return Ok(());
    };
    let refused = match Config::read(main) {
        Err(faults) => Some(faults),
        // What was there before is no fault of this change.
        Ok(changed) if changed.cautions.0.len() > config.cautions.0.len() => Some(changed.cautions),
        Ok(_) => None,
    };
    match refused {
        Some(faults) => {
            replace(file, old)?;
            Err(KeepError::Unsound(faults))
        }
        None => Ok(()),
    }
}

/// Whole or not at all: a service that reloads meanwhile reads no half of it.
fn replace(file: &Path, text: &str) -> Result<(), String> {
    // Written through a link, not over it.
    let file =
        std::fs::canonicalize(file).map_err(|error| format!("find {}: {error}", file.display()))?;
    let mut partial = file.clone().into_os_string();
    partial.push(".partial");
    std::fs::write(&partial, text)
        .and_then(|()| std::fs::set_permissions(&partial, std::fs::metadata(&file)?.permissions()))
        .and_then(|()| std::fs::rename(&partial, &file))
        .map_err(|error| format!("write {}: {error}", file.display()))
}

fn read(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|error| format!("read {}: {error}", file.display()))
}

fn fault(file: &Path, error: &str) -> String {
    format!("{}: {error}", file.display())
}

/// A name made of a title: letters and digits of any script, and a number where it is taken.
pub fn unused(title: &str, taken: &[String]) -> String {
    let words: Vec<String> = fold(title)
        .split(|c: char| !c.is_alphanumeric())
        .filter(|it| !it.is_empty())
        .take(6)
        .map(str::to_owned)
        .collect();
    let base = if words.is_empty() {
        "feed".to_owned()
    } else {
        words.join("-").chars().take(40).collect()
    };
    let free = |name: &String| !taken.contains(name);
    let numbered = (2..).map(|n| format!("{base}-{n}"));
    std::iter::once(base.clone())
        .chain(numbered)
        .find(free)
        .expect("numbers do not end")
}
