//! Who hears how the service is, and when.

use std::path::Path;
use std::time::Duration;

use crate::channel::heartbeat::Heartbeat;
use crate::config::channels::ChannelConfig;
use crate::config::fault::{Fault, Faults, Text};
use crate::config::file::{Health, SecretRef};
use crate::config::{known_channels, read_secret};
use crate::fetch::Limits;

/// What of `[health]` is not the feeds'. The heartbeat's address is read when the configuration is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthConfig {
    /// Nothing was seen for so long: the operator is told.
    pub offline_after: Duration,
    /// The operator's channels were written down, and not chosen by default.
    pub named: bool,
    heartbeat: Option<HeartbeatConfig>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct HeartbeatConfig {
    url: SecretRef,
    every: Duration,
    allow_private: bool,
    where_written: (String, Option<usize>),
}

/// A switch that is pressed more often than this says no more, and costs its service.
const SHORTEST: Duration = Duration::from_secs(1);

impl HealthConfig {
    pub(super) fn check(
        written: &Health,
        source: &Text<'_>,
        directory: &Path,
        faults: &mut Faults,
    ) -> Self {
        let heartbeat = written.heartbeat.as_ref().map(|it| {
            let beat = it.get_ref();
            if beat.every.0 < SHORTEST {
                faults.push(source.fault(it, "[health] heartbeat: every must be at least 1s"));
            }
            HeartbeatConfig {
                url: beat.url.beside(directory),
                every: beat.every.0,
                allow_private: beat.allow_private,
                where_written: (source.file.to_owned(), source.line_of(it)),
            }
        });
        Self {
            offline_after: written.offline_after.0,
            named: written.channels.is_some(),
            heartbeat,
        }
    }

    /// The credential that the heartbeat's address is, which only the service can read.
    pub fn credential(&self) -> Option<&str> {
        self.heartbeat.as_ref().and_then(|it| it.url.credential())
    }

    pub(super) fn without_heartbeat(&mut self) {
        self.heartbeat = None;
    }

    /// Reads the heartbeat's address.
    pub fn open(&self, limits: &Limits) -> Result<Option<Heartbeat>, Faults> {
        let Some(beat) = &self.heartbeat else {
            return Ok(None);
        };
        let (file, line) = &beat.where_written;
        let opened = read_secret(&beat.url)
            .and_then(|url| Heartbeat::open(limits, beat.allow_private, url, beat.every));
        opened.map(Some).map_err(|message| {
            Fault::new(file, *line, format!("[health] heartbeat: {message}")).into()
        })
    }
}

/// Who is told: the channels that are named, none where the list is empty, and where nothing is said the
/// terminal, else the first channel.
pub(super) fn operator(
    written: &Health,
    source: &Text<'_>,
    channels: &[ChannelConfig],
    faults: &mut Faults,
) -> Vec<String> {
    if let Some(named) = &written.channels {
        return known_channels(named, source, channels, faults);
    }
    let terminal = channels.iter().find(|it| it.is_terminal());
    let usual = terminal.or(channels.first());
    usual.map(|it| it.name.clone()).into_iter().collect()
}
