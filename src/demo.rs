//! The whole service against recorded sample feeds: a loopback server plays back three days of a
//! fictional newswire while a simulated clock runs through them.

mod playback;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use jiff::SignedDuration;

use crate::clock::Clock;
use crate::config::{Config, Origin};
use crate::daemon::deliver::Deliverer;
use crate::daemon::poll::Poller;
use crate::daemon::{Setup, prepare};
use crate::demo::playback::{Playback, Scenario};
use crate::store::listing::{Totals, first_told, totals};
use crate::store::{Store, open_read_only};

/// How far the simulated clock moves between two looks at what is due.
const STEP: SignedDuration = SignedDuration::from_mins(5);

#[derive(Debug)]
pub struct Outcome {
    pub totals: Totals,
    pub feeds: usize,
    pub days: i64,
    /// The item of the first alert, and its story.
    pub told: Option<(i64, i64)>,
    /// For the commands that are suggested next.
    pub config: PathBuf,
}

/// Plays the scenario into `directory`, which afterwards holds the archive and a configuration
/// for the commands that read it. Alerts are printed as they arise, as long as somebody reads them.
pub async fn play(directory: &Path, is_read: impl Fn() -> bool) -> anyhow::Result<Outcome> {
    let scenario = Scenario::built_in();
    let clock = Clock::manual(scenario.start);
    let (start, end, feeds) = (scenario.start, scenario.end, scenario.feeds().len());
    let playback = Playback::start(scenario, clock.clone())
        .await
        .context("start the loopback server")?;
    std::fs::create_dir_all(directory).with_context(|| format!("make {}", directory.display()))?;
    refuse_anothers(directory)?;
    let config_path = directory.join("summitwatch.toml");
    let mark = directory.join(MARK);
    std::fs::write(&mark, MARKED).with_context(|| format!("write {}", mark.display()))?;
    let text = playback.configuration();
    std::fs::write(&config_path, &text)
        .with_context(|| format!("write {}", config_path.display()))?;
    let config = Config::parse(Origin::File(config_path.clone()), directory, &text)?;
    let archive = config.archive.clone();
    clear(&archive)?;
    let setup = Arc::new(Setup::new(config)?);
    let store = Arc::new(Store::open(&archive)?);
    prepare(&store, &setup, &clock)?;
    // One visit after the other and one jitter: every demo tells the same.
    let poller = Poller::new(Arc::clone(&store), clock.clone(), Arc::clone(&setup))?;
    let mut poller = poller.seeded(1);
    let mut deliverer = Deliverer::new(Arc::clone(&store), clock.clone(), setup);
    let mut now = start;
    while now <= end {
        clock.set(now);
        poller.poll_due().await?;
        if !is_read() {
            return Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into());
        }
        deliverer.deliver_due().await?;
        now = now.checked_add(STEP)?;
    }
    drop((poller, deliverer, store));
    let connection = open_read_only(&archive)?;
    Ok(Outcome {
        totals: totals(&connection)?,
        feeds,
        days: end.duration_since(start).as_hours() / 24,
        told: first_told(&connection)?,
        config: config_path,
    })
}

/// Lies in a folder that a demo wrote, so that the next one may write there again.
const MARK: &str = "demo.txt";
const MARKED: &str =
    "Written by `summitwatch demo`, which may replace every file of this folder.\n";

/// An archive or a configuration that a demo did not write is somebody's own.
fn refuse_anothers(directory: &Path) -> anyhow::Result<()> {
    let read = || format!("read {}", directory.display());
    let mut there = std::fs::read_dir(directory).with_context(read)?;
    let is_empty = there.next().is_none();
    let is_a_demos = std::fs::read_to_string(directory.join(MARK)).is_ok_and(|it| it == MARKED);
    if is_empty || is_a_demos {
        return Ok(());
    }
    anyhow::bail!(
        "{} holds files that no demo wrote; nothing was changed. Give an empty folder with --dir",
        directory.display()
    );
}

/// Removes the archive of an earlier demo, unless somebody uses it.
fn clear(archive: &Path) -> anyhow::Result<()> {
    if !archive.exists() {
        return Ok(());
    }
    drop(Store::open(archive)?);
    for suffix in ["", "-wal", "-shm"] {
        let mut name = archive.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error)
                    .with_context(|| format!("remove {}", Path::new(&name).display()));
            }
            _ => {}
        }
    }
    Ok(())
}
