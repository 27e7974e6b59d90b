//! Recorded items or documents through the pipeline, and what another configuration makes of them.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{ArgGroup, Args};

use crate::command::archive::text;
use crate::command::{Context, Done, Usage};
use crate::config::Config;
use crate::replay::Summary;
use crate::store::listing;
use crate::store::open_read_only;
use crate::text::counted;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("input").required(true).args(["items", "documents"]))]
pub(super) struct Replay {
    /// JSON lines of items in time order; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    items: Option<PathBuf>,
    /// A folder of documents with a manifest.jsonl
    #[arg(long, value_name = "DIR")]
    documents: Option<PathBuf>,
    /// The archive to write
    #[arg(long, value_name = "PATH")]
    db: PathBuf,
    /// One topic instead of the configured ones
    #[arg(long)]
    topic: Option<String>,
    /// Show which alerts this other configuration would have gained and lost
    #[arg(long, value_name = "CONFIG")]
    compare: Option<PathBuf>,
}

impl Replay {
    pub(super) fn run(&self, context: &Context) -> Done {
        if self.compare.is_some() && self.items.as_deref() == Some(Path::new("-")) {
            return Err(Usage("--compare reads the items twice; give a file".to_owned()).into());
        }
        let summary = self.replay(&context.config()?, &self.db)?;
        say!(
            "replayed {} into {}: {}, {} matched, {}",
            summary.taken,
            self.db.display(),
            counted(summary.new, "new item"),
            summary.matched,
            counted(summary.alerts, "alert")
        )?;
        if let Some(path) = &self.compare {
            let folder = folder_beside(&self.db)?;
            let other = folder.join("archive.db");
            let replayed = self.replay(&Config::read(path)?, &other);
            let told = replayed.and_then(|_| Ok((told(&self.db)?, told(&other)?)));
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("remove {}", folder.display()))?;
            let (here, there) = told?;
            print_difference(&here, &there, path)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn replay(&self, config: &Config, db: &Path) -> anyhow::Result<Summary> {
        let engine = match &self.topic {
            Some(topic) => config.engine_for(topic)?,
            None => config.engine()?,
        };
        let tables = Arc::new(config.tables(&engine)?);
        let topics = engine.topics.iter().map(|it| it.name.as_str());
        let desk = crate::daemon::desk(config, tables, topics);
        let mut replay =
            crate::replay::Replay::new(db, engine, desk, config.poll)?.of(&config.feeds);
        match (&self.items, &self.documents) {
            (Some(path), _) if path.as_os_str() == "-" => {
                replay.items(std::io::stdin().lock().lines())
            }
            (Some(path), _) => {
                let file = std::fs::File::open(path)
                    .with_context(|| format!("read {}", path.display()))?;
                replay
                    .items(std::io::BufReader::new(file).lines())
                    .with_context(|| path.display().to_string())
            }
            (None, Some(directory)) => replay.documents(directory),
            (None, None) => Err(Usage("give --items or --documents".to_owned()).into()),
        }
    }
}

/// A folder beside the archive for the other one.
fn folder_beside(db: &Path) -> anyhow::Result<PathBuf> {
    let mut name = db.as_os_str().to_owned();
    name.push(".compared");
    let folder = PathBuf::from(name);
    std::fs::create_dir(&folder).with_context(|| format!("make {}", folder.display()))?;
    Ok(folder)
}

/// Alerts of an archive: what identifies each, and how it is shown.
fn told(db: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let connection = open_read_only(db)?;
    let alerts = listing::told(&connection)?;
    let told = alerts.rows.iter().map(|row| {
        let [topic, item, at, kind, outlet, title] = row.as_slice() else {
            return Default::default();
        };
        let key = format!("{} {}", text(topic), text(item));
        let shown = [at, kind, outlet, title].map(text).join("  ");
        (key, shown)
    });
    Ok(told.collect())
}

fn print_difference(
    here: &[(String, String)],
    there: &[(String, String)],
    path: &Path,
) -> io::Result<()> {
    let lacks = |told: &[(String, String)], key: &str| !told.iter().any(|it| it.0 == key);
    let gained: Vec<_> = there.iter().filter(|it| lacks(here, &it.0)).collect();
    let lost: Vec<_> = here.iter().filter(|it| lacks(there, &it.0)).collect();
    say!(
        "with {}: {} alerts, {} gained and {} lost",
        path.display(),
        there.len(),
        gained.len(),
        lost.len()
    )?;
    for (mark, told) in [("+", gained), ("-", lost)] {
        for (_, shown) in told {
            say!("{mark} {shown}")?;
        }
    }
    Ok(())
}
