//! What a reader does to stories and developments: mute, follow, mark, star, note; and takes back.

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};
use jiff::SignedDuration;

use crate::clock::Clock;
use crate::command::{Context, Done, output, span};
use crate::config::file::Span;
use crate::store::acts::{self, Asked, Kind, On};
use crate::store::{Store, open_read_only, view};
use crate::text::printable;

#[derive(Debug, Subcommand)]
pub(super) enum Acts {
    /// Tell nothing more of a story until its meeting stands elsewhere, or for a time
    Mute {
        /// Number of a story
        story: i64,
        /// For so long, like 12h or 3d
        #[arg(long, value_name = "SPAN", value_parser = span)]
        r#for: Option<Span>,
        #[command(flatten)]
        by: By,
    },
    /// Tell every development of a story, however slight; with a channel, every further report too
    Follow {
        /// Number of a story
        story: i64,
        /// Channel that every report goes to, repeats among them
        #[arg(long, value_name = "NAME")]
        channel: Option<String>,
        #[command(flatten)]
        by: By,
    },
    /// Mark a development as wrong (not on topic) or as no news; `acts cases` gives the cases
    Mark {
        /// Number of a development
        development: i64,
        #[arg(value_parser = ["wrong", "not-news"])]
        kind: String,
        #[command(flatten)]
        by: By,
    },
    /// Star a development
    Star {
        /// Number of a development
        development: i64,
        #[command(flatten)]
        by: By,
    },
    /// Write a note to a development
    Note {
        /// Number of a development
        development: i64,
        text: String,
        #[command(flatten)]
        by: By,
    },
    /// Take an act back
    Undo {
        /// Number of an act, as `acts list` shows it
        act: i64,
        #[command(flatten)]
        by: By,
    },
    /// What readers did, the last first
    List {
        /// What was taken back too
        #[arg(long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Cases of a topic out of what readers marked, for its file of cases
    Cases {
        /// Name of a topic
        topic: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct By {
    /// Who does it [default: the user's name]
    #[arg(long = "by", value_name = "NAME")]
    reader: Option<String>,
}

impl By {
    pub(super) fn name(self) -> String {
        let user = || std::env::var("USER").ok().filter(|it| !it.is_empty());
        self.reader
            .or_else(user)
            .unwrap_or_else(|| "somebody".to_owned())
    }
}

/// Rows that are listed.
const LISTED: usize = 1_000;

impl Acts {
    pub(super) fn run(self, context: &Context) -> Done {
        let archive = context.archive()?;
        let now = Clock::System.now();
        let mut to = None;
        let (kind, on, by, note, until) = match self {
            Self::Mute { story, r#for, by } => {
                let until = r#for.map(|it| -> anyhow::Result<_> {
                    Ok(now.checked_add(SignedDuration::try_from(it.0)?)?)
                });
                (Kind::Mute, On::Story(story), by, None, until.transpose()?)
            }
            Self::Follow { story, channel, by } => {
                to = channel;
                (Kind::Follow, On::Story(story), by, None, None)
            }
            Self::Mark {
                development,
                kind,
                by,
            } => {
                let kind = Kind::of(&kind).unwrap_or(Kind::Wrong);
                (kind, On::Development(development), by, None, None)
            }
            Self::Star { development, by } => {
                (Kind::Star, On::Development(development), by, None, None)
            }
            Self::Note {
                development,
                text,
                by,
            } => (
                Kind::Note,
                On::Development(development),
                by,
                Some(text),
                None,
            ),
            Self::Undo { act, by } => {
                let store = Store::open_beside(&archive)?;
                let name = by.name();
                if !store.write(|tx| acts::undo(tx, act, &name, now))? {
                    bail!("no act {act} stands; `summitwatch acts list` shows them");
                }
                say!("act {act} is taken back")?;
                return Ok(ExitCode::SUCCESS);
            }
            Self::List { all, json } => {
                let connection = open_read_only(&archive)?;
                let acts = view::acts::list(&connection, all, LISTED)?;
                output::print(&context.look(), &output::table_of(&acts)?, json)?;
                return Ok(ExitCode::SUCCESS);
            }
            Self::Cases { topic } => {
                let connection = open_read_only(&archive)?;
                output::text(&cases(&view::acts::marked(&connection, &topic)?))?;
                return Ok(ExitCode::SUCCESS);
            }
        };
        let store = Store::open_beside(&archive)?;
        let asked = Asked {
            kind,
            on,
            note,
            until,
            channel: to,
            reader: by.name(),
        };
        match store.write(|tx| acts::act(tx, &asked, now))? {
            acts::Done::Now(id) => {
                say!("act {id}; `summitwatch acts undo {id}` takes it back")?;
            }
            acts::Done::Before(id) => say!("it stands already, as act {id}")?,
            acts::Done::Unknown => bail!("there is no such story or development"),
            acts::Done::NoChannel => bail!("no channel of that name is configured"),
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// As a file of cases reads them: what is wrong must not match, what is no news must not be told.
pub(super) fn cases(marked: &[view::acts::Marked]) -> String {
    let quoted = |text: &str| serde_json::Value::from(printable(text)).to_string();
    let mut out = String::from(
        "# Made of what readers marked. Put what you agree with into the topic's .cases.toml.\n",
    );
    for it in marked {
        let (day, reader) = (
            it.done_at.get(..10).unwrap_or_default(),
            printable(&it.reader),
        );
        if it.kind == "wrong" {
            out.push_str(&format!(
                "\n[[cases]]\nabout = {}\n",
                quoted(&format!("marked as wrong by {reader}, {day}"))
            ));
            if let Some(language) = &it.language {
                out.push_str(&format!("language = {}\n", quoted(language)));
            }
            out.push_str(&format!(
                "no-match = [{{ title = {}, summary = {} }}]\n",
                quoted(&it.title),
                quoted(&it.summary)
            ));
        } else {
            // On topic, and an alert may not tell it: after what was told before, or by itself.
            let about = quoted(&format!("marked as no news by {reader}, {day}"));
            let (title, summary) = (quoted(&it.title), quoted(&it.summary));
            out.push_str(&match &it.after {
                Some(after) => format!(
                    "\n[[sequences]]\nabout = {about}\nafter = [{}]\ntitle = {title}\nsummary = {summary}\ntold = false\n",
                    quoted(after)
                ),
                None => format!(
                    "\n[[cases]]\nabout = {about}\nmatch = [{{ title = {title}, summary = {summary}, alert = false }}]\n"
                ),
            });
        }
    }
    out
}
