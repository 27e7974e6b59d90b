//! What the service counts of itself since it started, and what its archive says in numbers, in Prometheus' text
//! format. Names no feed and no address: whoever may scrape need not know what is watched.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::store::view::gauges::Gauges;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Result {
    result: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Loop {
    r#loop: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Channel {
    channel: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Owed {
    channel: String,
    state: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Topic {
    topic: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: String,
}

/// Seconds from document to delivery: an alert goes out at once, waits for a retry, or for the morning.
const DELIVERY: [f64; 12] = [
    1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0,
];
/// Seconds of a turn: the archive takes a batch within milliseconds, or its disk is slow.
const TURN: [f64; 9] = [0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0];

/// Counted by the loops.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    visits: Family<Result, Counter>,
    bytes: Counter,
    new: Counter,
    delivered: Family<Channel, Histogram>,
    turns: Family<Loop, Histogram>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let visits = Family::<Result, Counter>::default();
        let (bytes, new) = (Counter::default(), Counter::default());
        let delivered =
            Family::<Channel, Histogram>::new_with_constructor(|| Histogram::new(DELIVERY));
        let turns = Family::<Loop, Histogram>::new_with_constructor(|| Histogram::new(TURN));
        let mut add =
            |name: &str, help: &str, metric: Counter| registry.register(name, help, metric);
        add(
            "summitwatch_fetched_bytes",
            "Bytes of documents, after decompression",
            bytes.clone(),
        );
        add(
            "summitwatch_new_items",
            "Items that visits brought since the start",
            new.clone(),
        );
        registry.register(
            "summitwatch_visits",
            "Visits to feeds by their result: ok, not-modified, unreached or a class of error",
            visits.clone(),
        );
        registry.register(
            "summitwatch_delivery_seconds",
            "From the document that made an alert to its delivery",
            delivered.clone(),
        );
        registry.register(
            "summitwatch_turn_seconds",
            "What the archive took for a batch of visits, and for a turn of the deliveries",
            turns.clone(),
        );
        Self {
            registry,
            visits,
            bytes,
            new,
            delivered,
            turns,
        }
    }
}

impl Metrics {
    /// A visit with its result, the bytes of its document and the items that were new.
    pub fn visited(&self, result: &str, bytes: usize, new: usize) {
        let result = result.to_owned();
        self.visits.get_or_create(&Result { result }).inc();
        self.bytes.inc_by(u64::try_from(bytes).unwrap_or(u64::MAX));
        self.new.inc_by(u64::try_from(new).unwrap_or(u64::MAX));
    }

    /// A channel counts from zero: Prometheus sees no rise where a series begins with its first delivery.
    pub fn knows(&self, channel: &str) {
        let channel = channel.to_owned();
        drop(self.delivered.get_or_create(&Channel { channel }));
    }

    pub fn delivered(&self, channel: &str, after: Duration) {
        let channel = channel.to_owned();
        let histogram = self.delivered.get_or_create(&Channel { channel });
        histogram.observe(after.as_secs_f64());
    }

    /// `which` is `poll` or `deliver`.
    pub fn turned(&self, which: &str, took: Duration) {
        let r#loop = which.to_owned();
        let histogram = self.turns.get_or_create(&Loop { r#loop });
        histogram.observe(took.as_secs_f64());
    }

    /// All of it as text. `log_bytes` is the size of the archive's write-ahead log.
    pub fn text(&self, archive: &Gauges, log_bytes: u64, now: Timestamp) -> String {
        let mut text = String::new();
        let mut gauges = Registry::default();
        fill(&mut gauges, archive, log_bytes, now);
        // Writing to a string fails for nothing.
        let _ = encode(&mut text, &gauges);
        let _ = encode(&mut text, &self.registry);
        classic(&text)
    }
}

fn fill(registry: &mut Registry, archive: &Gauges, log_bytes: u64, now: Timestamp) {
    let mut one = |name: &str, help: &str, value: i64| {
        let gauge = Gauge::<i64>::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    let offline = archive.offline_since;
    one(
        "summitwatch_offline",
        "1 while no feed can be reached",
        i64::from(offline.is_some()),
    );
    one(
        "summitwatch_offline_seconds",
        "For how long no feed could be reached until now",
        offline.map_or(0, |it| now.duration_since(it).as_secs()),
    );
    one(
        "summitwatch_poll_overdue_seconds",
        "For how long the feed that waits longest has been due",
        archive.overdue_secs,
    );
    one(
        "summitwatch_archive_items",
        "Items that ever came",
        archive.items,
    );
    one(
        "summitwatch_archive_alerts",
        "Alerts ever made",
        archive.alerts,
    );
    one(
        "summitwatch_oldest_owed_seconds",
        "Age of the oldest delivery that is owed and not held",
        archive.oldest_owed_secs,
    );
    one(
        "summitwatch_archive_bytes",
        "Size of the archive",
        archive.archive_bytes,
    );
    one(
        "summitwatch_archive_log_bytes",
        "Size of the archive's write-ahead log",
        i64::try_from(log_bytes).unwrap_or(i64::MAX),
    );
    one(
        "process_resident_memory_bytes",
        "Memory of the process",
        resident_bytes().unwrap_or(0),
    );
    by_label(registry, archive);
}

fn by_label(registry: &mut Registry, archive: &Gauges) {
    let build = Family::<Build, Gauge>::default();
    let version = env!("CARGO_PKG_VERSION").to_owned();
    build.get_or_create(&Build { version }).set(1);
    registry.register("summitwatch_build_info", "The program's version", build);
    let feeds = Family::<State, Gauge>::default();
    for (state, n) in &archive.feeds {
        let state = state.clone();
        feeds.get_or_create(&State { state }).set(*n);
    }
    registry.register("summitwatch_feeds", "Configured feeds by state", feeds);
    for (name, help, rows) in [
        (
            "summitwatch_archive_matches",
            "Items that ever matched, by topic",
            &archive.matches,
        ),
        (
            "summitwatch_archive_developments",
            "Developments ever seen, by topic",
            &archive.developments,
        ),
    ] {
        let family = Family::<Topic, Gauge>::default();
        for (topic, n) in rows {
            let topic = topic.clone();
            family.get_or_create(&Topic { topic }).set(*n);
        }
        registry.register(name, help, family);
    }
    let deliveries = Family::<Owed, Gauge>::default();
    for count in &archive.deliveries {
        let (channel, state) = (count.channel.clone(), count.state.clone());
        deliveries
            .get_or_create(&Owed { channel, state })
            .set(count.deliveries);
    }
    registry.register(
        "summitwatch_deliveries",
        "Deliveries in the archive by channel and state",
        deliveries,
    );
    let failing = Family::<Channel, Gauge>::default();
    for (channel, n) in &archive.failing_channels {
        let channel = channel.clone();
        failing.get_or_create(&Channel { channel }).set(*n);
    }
    registry.register(
        "summitwatch_channel_failures",
        "Attempts in a row that a channel did not take",
        failing,
    );
}

/// Memory that the process holds, as Linux counts it.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    let kilobytes: i64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// The crate writes OpenMetrics, where a counter is declared without the ending that its samples have. Prometheus' older
/// text format, which every tool reads, declares it with the ending and knows no end mark.
fn classic(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut help = None;
    for line in text.lines() {
        if line == "# EOF" {
            continue;
        }
        if line.starts_with("# HELP ") {
            help = Some(line);
            continue;
        }
        let kind = line.strip_prefix("# TYPE ");
        let counter = kind.and_then(|it| it.strip_suffix(" counter"));
        match (help.take(), counter, kind) {
            (help, Some(name), _) => {
                let said = help.and_then(|it| it.split_once(&format!("# HELP {name} ")));
                let _ = writeln!(out, "# HELP {name}_total {}", said.map_or("", |it| it.1));
                let _ = writeln!(out, "# TYPE {name}_total counter");
            }
            (Some(help), None, _) => {
                let _ = writeln!(out, "{help}\n{line}");
            }
            (None, None, _) => {
                let _ = writeln!(out, "{line}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_written_as_prometheus_reads_it() {
        let metrics = Metrics::default();
        metrics.visited("ok", 120, 3);
        metrics.visited("ok", 0, 0);
        metrics.visited("connect", 0, 0);
        metrics.delivered("desk \"1\"", Duration::from_secs(3));
        metrics.knows("desk \"1\"");
        metrics.knows("idle");
        metrics.turned("poll", Duration::from_millis(2));
        let archive = Gauges {
            feeds: vec![("ok".to_owned(), 7)],
            offline_since: Some(Timestamp::UNIX_EPOCH),
            ..Gauges::default()
        };
        let now = Timestamp::from_second(90).expect("an instant");
        let text = metrics.text(&archive, 5, now);
        for line in [
            "# TYPE summitwatch_visits_total counter",
            "summitwatch_visits_total{result=\"ok\"} 2",
            "summitwatch_visits_total{result=\"connect\"} 1",
            "summitwatch_fetched_bytes_total 120",
            "summitwatch_new_items_total 3",
            "summitwatch_delivery_seconds_bucket{le=\"5.0\",channel=\"desk \\\"1\\\"\"} 1",
            "summitwatch_delivery_seconds_count{channel=\"desk \\\"1\\\"\"} 1",
            "summitwatch_delivery_seconds_count{channel=\"idle\"} 0",
            "summitwatch_turn_seconds_count{loop=\"poll\"} 1",
            "summitwatch_feeds{state=\"ok\"} 7",
            "summitwatch_offline 1",
            "summitwatch_offline_seconds 90",
            "summitwatch_archive_log_bytes 5",
        ] {
            assert!(
                text.lines().any(|it| it == line),
                "{line} is not in:\n{text}"
            );
        }
        assert!(
            !text.contains("# EOF") && !text.contains("_total_total"),
            "{text}"
        );
        assert_eq!(
            text.matches("# HELP").count(),
            text.matches("# TYPE").count()
        );
        assert!(resident_bytes().is_some_and(|it| it > 1 << 20));
    }
}
