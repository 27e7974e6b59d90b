//! Tools for the person who writes rules: `topics concepts`, `check`, `test` and `suggest`.

mod check;
mod concepts;
mod sequences;
mod suggest;
mod test;

use std::path::Path;

use clap::Subcommand;

use crate::command::{Context, Done};
use crate::config::fault::Faults;
use crate::config::{Config, TopicRef};

#[derive(Debug, Subcommand)]
pub(super) enum Topics {
    /// List the concepts that rules may name
    Concepts(concepts::Concepts),
    /// Find rules that can never fire or always do, terms that hide or repeat each other
    Check(check::Check),
    /// Run the cases beside a topic
    Test(test::Test),
    /// Show unmatched items that stand near matched ones, and propose terms
    Suggest(suggest::Suggest),
}

impl Topics {
    pub(super) fn run(&self, context: &Context) -> Done {
        match self {
            Self::Concepts(concepts) => concepts.run(context),
            Self::Check(check) => check.run(context),
            Self::Test(test) => test.run(context),
            Self::Suggest(suggest) => suggest.run(context),
        }
    }
}

/// The file of a topic, or the name of a configured or shipped one.
pub(super) fn reference(config: &Config, text: &str) -> Result<TopicRef, Faults> {
    let path = Path::new(text);
    if path.extension().is_none_or(|it| it != "toml") {
        return config.topic(text);
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(TopicRef {
        alerts: config.alerts_of(&name),
        name: name.into_owned(),
        file: Some(path.to_owned()),
    })
}

/// Topics to work on: those asked for, else every configured one that has rules.
fn references(config: &Config, asked: &[String]) -> Result<Vec<TopicRef>, Faults> {
    if asked.is_empty() {
        let configured = config.topics.iter().filter(|it| it.name != "all");
        return Ok(configured.cloned().collect());
    }
    asked.iter().map(|it| reference(config, it)).collect()
}

/// For messages: the topic's file, or its name where it is compiled in.
pub(super) fn place(topic: &TopicRef) -> String {
    match &topic.file {
        Some(file) => file.display().to_string(),
        None => format!("{} (shipped)", topic.name),
    }
}
