//! Digests: how far their schedules are accounted for, what goes into them, and what was made.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, Transaction, named_params, params};

use crate::digest::silence::{self, Silence};
use crate::digest::{Blind, FeedLine, Matter, Plan, Told};
use crate::feed::health::{Health, health, reason};
use crate::store::health::{SIGNS, signs_of};
use crate::store::outbox::furthest;
use crate::store::{At, CLOCK_SLACK, StoreError};
use crate::story::development::Voices;
use crate::story::ladder::State;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestId(pub i64);

/// How far a schedule is accounted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    pub counted_to: Timestamp,
    /// Where the next digest's span begins.
    pub told_to: Timestamp,
}

/// Opens an account for each configured digest; another rule counts from now.
pub fn sync(tx: &Transaction<'_>, plans: &[Plan], now: Timestamp) -> Result<(), StoreError> {
    for plan in plans {
        tx.prepare_cached(
            "INSERT INTO schedules (name, rule, counted_to, told_to) VALUES (?1, ?2, ?3, ?3)
             ON CONFLICT (name) DO UPDATE SET rule = excluded.rule, counted_to = excluded.counted_to
                WHERE rule <> excluded.rule",
        )?
        .execute(params![plan.name, plan.schedule.rule(), At(now)])?;
    }
    Ok(())
}

/// Until where the slots of `plan` are accounted for. What a clock that ran ahead wrote is not
/// believed; the slots it already made are not made again.
pub fn account(
    tx: &Connection,
    plan: &Plan,
    now: Timestamp,
) -> Result<Option<Account>, StoreError> {
    let mut statement =
        tx.prepare_cached("SELECT counted_to, told_to FROM schedules WHERE name = ?1")?;
    let found: Option<(At, At)> = statement
        .query_row([&plan.name], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((At(counted_to), At(told_to))) = found else {
        return Ok(None);
    };
    let mut account = Account {
        counted_to,
        told_to,
    };
    if told_to > now {
        let mut before = tx.prepare_cached(
            "SELECT max(until) FROM digests WHERE name = ?1 AND until <= ?2 AND outcome <> 'covered'",
        )?;
        let before: Option<At> = before.query_row(params![plan.name, At(now)], |row| row.get(0))?;
        account.told_to = before.map_or(now, |it| it.0);
    }
    if counted_to.duration_since(now) > CLOCK_SLACK {
        account.counted_to = account.told_to;
    }
    if (account.counted_to, account.told_to) != (counted_to, told_to) {
        tx.prepare_cached("UPDATE schedules SET counted_to = ?2, told_to = ?3 WHERE name = ?1")?
            .execute(params![
                plan.name,
                At(account.counted_to),
                At(account.told_to)
            ])?;
    }
    Ok(Some(account))
}

/// Writes down that the slots up to `counted_to` are accounted for, and what was told up to `now`.
pub fn count(
    tx: &Transaction<'_>,
    plan: &Plan,
    counted_to: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE schedules SET counted_to = ?2, told_to = ?3 WHERE name = ?1")?
        .execute(params![plan.name, At(counted_to), At(now)])?;
    Ok(())
}

/// What was made of a slot, or of a span somebody asked for.
#[derive(Debug, Clone)]
pub struct Made<'a> {
    pub name: &'a str,
    pub slot: &'a str,
    pub outcome: Outcome,
    pub late: bool,
    pub since: Timestamp,
    pub until: Timestamp,
    pub message: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Sent,
    /// Nothing had happened.
    Empty,
    /// It was missed, and a later one tells what it would have told.
    Covered,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Empty => "empty",
            Self::Covered => "covered",
        }
    }
}

/// Writes a digest down; None where its slot has one. A slot that only a clock far ahead missed
/// was not told, and still can be.
pub fn insert(
    tx: &Transaction<'_>,
    made: &Made<'_>,
    now: Timestamp,
) -> Result<Option<DigestId>, StoreError> {
    let id = tx
        .prepare_cached(
            "INSERT INTO digests (name, slot, outcome, late, since, until, message, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (name, slot) DO UPDATE SET outcome = excluded.outcome, late = excluded.late,
                since = excluded.since, until = excluded.until, message = excluded.message, created_at = excluded.created_at
                WHERE outcome = 'covered' AND excluded.outcome <> 'covered'
             RETURNING id",
        )?
        .query_row(
            params![
                made.name,
                made.slot,
                made.outcome.as_str(),
                made.late,
                At(made.since),
                At(made.until),
                made.message,
                At(now)
            ],
            |row| row.get(0).map(DigestId),
        )
        .optional()?;
    Ok(id)
}

/// One row in the outbox for each channel.
pub fn owe(
    tx: &Transaction<'_>,
    digest: DigestId,
    channels: &[String],
    key: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    for channel in channels {
        tx.prepare_cached(
            "INSERT OR IGNORE INTO deliveries (digest_id, channel, state, next_attempt_at, idempotency_key, created_at)
             VALUES (?1, ?2, 'pending', ?3, ?4, ?3)",
        )?
        .execute(params![digest.0, channel, At(now), format!("{key}-{channel}")])?;
    }
    Ok(())
}

const TOLD: &str = "SELECT s.id, s.topic, s.title, s.state, d.kind, d.verdict, d.reason, d.created_at, i.title, f.outlet,
        i.language, i.url, d.id, d.summary
     FROM developments d JOIN stories s ON s.id = d.story_id LEFT JOIN alerts a ON a.development_id = d.id
     JOIN items i ON i.id = coalesce(a.item_id, d.item_id) JOIN feeds f ON f.id = i.feed_id";

fn told(row: &Row<'_>) -> rusqlite::Result<Told> {
    let state: Option<String> = row.get(3)?;
    Ok(Told {
        story: row.get(0)?,
        topic: row.get(1)?,
        title: row.get(2)?,
        state: state.as_deref().and_then(State::of),
        kind: row.get(4)?,
        verdict: row.get(5)?,
        reason: row.get(6)?,
        at: row.get::<_, At>(7)?.0,
        headline: row.get(8)?,
        outlet: row.get(9)?,
        language: row.get(10)?,
        url: row.get(11)?,
        development: row.get(12)?,
        summary: row.get::<_, Option<String>>(13)?.unwrap_or_default(),
        reports: 0,
        sources: Vec::new(),
    })
}

fn all(
    connection: &Connection,
    filter: &str,
    params: &[(&str, &dyn ToSql)],
) -> Result<Vec<Told>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{TOLD} {filter}"))?;
    let rows = statement.query_map(params, told)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn list(names: &[String]) -> String {
    serde_json::Value::from(names.to_vec()).to_string()
}

/// Everything a digest of `topics` tells of a span: from `since` on, before `until`.
pub fn matter(
    connection: &Connection,
    topics: &[String],
    since: Timestamp,
    until: Timestamp,
) -> Result<Matter, StoreError> {
    let topics = list(topics);
    let told = all(
        connection,
        "WHERE s.topic IN (SELECT value FROM json_each(:topics)) AND d.created_at >= :since AND d.created_at < :until
         ORDER BY d.created_at, d.id",
        named_params! {":topics": topics, ":since": At(since), ":until": At(until)},
    )?;
    let unsent = all(
        connection,
        "WHERE s.topic IN (SELECT value FROM json_each(:topics)) AND d.id IN (SELECT a.development_id
            FROM deliveries e JOIN alerts a ON a.id = e.alert_id WHERE e.state = 'expired' AND e.folded_into IS NULL)
         ORDER BY d.created_at, d.id",
        named_params! {":topics": topics},
    )?;
    let mut matter = Matter {
        told,
        unsent,
        silences: silences(connection, &topics, until)?,
        ..Matter::default()
    };
    who_reports(connection, &mut matter.told, until)?;
    who_reports(connection, &mut matter.unsent, until)?;
    about_stories(connection, &mut matter, since, until)?;
    (matter.feeds, matter.n_feeds) = feeds(connection, until)?;
    matter.n_seen = seen(connection, since)?;
    matter.blind = blind(connection, since, until)?;
    Ok(matter)
}

/// What quiet hours held for a channel and now let go.
pub fn held(connection: &Connection, channel: &str, now: Timestamp) -> Result<Matter, StoreError> {
    let told = all(
        connection,
        "WHERE d.id IN (SELECT a.development_id FROM deliveries e JOIN alerts a ON a.id = e.alert_id
            WHERE e.channel = :channel AND e.state = 'held' AND e.held_by = 'quiet' AND e.folded_into IS NULL
                AND (e.next_attempt_at <= :now OR e.next_attempt_at > :furthest))
         ORDER BY d.created_at, d.id",
        named_params! {":channel": channel, ":now": At(now), ":furthest": furthest(now)},
    )?;
    let mut matter = Matter {
        told,
        ..Matter::default()
    };
    // They are alerts, whatever their verdict was.
    for told in &mut matter.told {
        "alert".clone_into(&mut told.verdict);
    }
    let since = matter.told.first().map_or(now, |it| it.at);
    who_reports(connection, &mut matter.told, now)?;
    about_stories(connection, &mut matter, since, now)?;
    Ok(matter)
}

/// What quiet hours held for a channel is told by this digest.
pub fn fold_held(
    tx: &Transaction<'_>,
    digest: DigestId,
    channel: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE deliveries SET folded_into = ?1 WHERE channel = ?2 AND state = 'held' AND held_by = 'quiet'
            AND folded_into IS NULL AND (next_attempt_at <= ?3 OR next_attempt_at > ?4)",
    )?
    .execute(params![digest.0, channel, At(now), furthest(now)])?;
    Ok(())
}

/// Alerts of `topics` that did not arrive in time are told by this digest.
pub fn fold_expired(
    tx: &Transaction<'_>,
    digest: DigestId,
    topics: &[String],
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE deliveries SET folded_into = ?1 WHERE state = 'expired' AND folded_into IS NULL
            AND (SELECT s.topic FROM alerts a JOIN developments d ON d.id = a.development_id
                JOIN stories s ON s.id = d.story_id WHERE a.id = alert_id) IN (SELECT value FROM json_each(?2))",
    )?
    .execute(params![digest.0, list(topics)])?;
    Ok(())
}

/// Who has reported each development until then, as its alert would count them.
fn who_reports(
    connection: &Connection,
    told: &mut [Told],
    until: Timestamp,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT outlet, origin FROM reports WHERE development_id = ?1 AND reported_at < ?2
         ORDER BY reported_at, item_id",
    )?;
    for it in told {
        let mut voices = Voices::default();
        let mut rows = statement.query(params![it.development, At(until)])?;
        while let Some(row) = rows.next()? {
            voices.add(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?);
            it.reports += 1;
        }
        it.sources = voices.sources();
    }
    Ok(())
}

/// Where the stories came within the span, and who reports them.
fn about_stories(
    connection: &Connection,
    matter: &mut Matter,
    since: Timestamp,
    until: Timestamp,
) -> Result<(), StoreError> {
    let mut stories: Vec<i64> = matter.told.iter().map(|it| it.story).collect();
    stories.sort_unstable();
    stories.dedup();
    let mut origins = connection.prepare_cached(
        "SELECT r.outlet, r.origin FROM reports r JOIN developments d ON d.id = r.development_id
         WHERE d.story_id = ?1 AND r.reported_at < ?2 ORDER BY r.reported_at, r.item_id",
    )?;
    let mut states = connection.prepare_cached(
        "SELECT si.state, a.created_at FROM developments d JOIN alerts a ON a.development_id = d.id
         JOIN story_items si ON si.story_id = d.story_id AND si.item_id = a.item_id
         WHERE d.story_id = ?1 AND d.kind = 'state' AND si.state IS NOT NULL
            AND a.created_at >= ?2 AND a.created_at < ?3 ORDER BY a.id",
    )?;
    for story in stories {
        let mut voices = Voices::default();
        let mut rows = origins.query(params![story, At(until)])?;
        while let Some(row) = rows.next()? {
            voices.add(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?);
        }
        let sources = voices.sources().into_iter();
        matter.sources.extend(sources.map(|it| (story, it)));
        let rows = states.query_map(params![story, At(since), At(until)], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, At>(1)?))
        })?;
        for row in rows {
            let (state, at) = row?;
            if let Some(state) = State::of(&state) {
                matter.steps.push((story, state, at.0));
            }
        }
    }
    Ok(())
}

/// So far back goes the rhythm of an origin.
const RHYTHM: SignedDuration = SignedDuration::from_hours(90 * 24);

fn silences(
    connection: &Connection,
    topics: &str,
    now: Timestamp,
) -> Result<Vec<Silence>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT si.origin, s.topic, coalesce(i.published_at, i.first_seen_at) AS at
         FROM story_items si JOIN stories s ON s.id = si.story_id JOIN items i ON i.id = si.item_id
         WHERE s.topic IN (SELECT value FROM json_each(?1)) AND si.placed_at >= ?2 AND si.placed_at < ?3 AND at >= ?2
         ORDER BY s.topic, si.origin, at",
    )?;
    let since = now.checked_sub(RHYTHM).unwrap_or(Timestamp::MIN);
    let mut rows = statement.query(params![topics, At(since), At(now)])?;
    let mut found = Vec::new();
    let mut who: Option<(String, String)> = None;
    let mut reports: Vec<Timestamp> = Vec::new();
    let mut close = |who: &Option<(String, String)>, reports: &[Timestamp]| {
        if let Some((origin, topic)) = who {
            found.extend(silence::silence(origin, topic, reports, now));
        }
    };
    while let Some(row) = rows.next()? {
        let this = Some((row.get(0)?, row.get(1)?));
        if this != who {
            close(&who, &reports);
            reports.clear();
            who = this;
        }
        reports.push(row.get::<_, At>(2)?.0);
    }
    close(&who, &reports);
    Ok(silence::notable(found))
}

/// Feeds that are not well as of their last visit, and how many there are.
fn feeds(connection: &Connection, now: Timestamp) -> Result<(Vec<FeedLine>, usize), StoreError> {
    let sql = format!(
        "SELECT name, outlet, last_poll_at, {SIGNS} FROM feeds WHERE active AND last_poll_at IS NOT NULL ORDER BY name"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([], |row| {
        let signs = signs_of(row, 3)?;
        let health = health(&signs, row.get::<_, At>(2)?.0.min(now));
        Ok(FeedLine {
            name: row.get(0)?,
            outlet: row.get(1)?,
            reason: reason(health, &signs),
            health: health.as_str().to_owned(),
        })
    })?;
    let feeds: Vec<FeedLine> = rows.collect::<Result<_, _>>()?;
    let n = feeds.len();
    let ailing = feeds
        .into_iter()
        .filter(|it| it.health != Health::Ok.as_str());
    Ok((ailing.collect(), n))
}

/// How many feeds answered since then.
fn seen(connection: &Connection, since: Timestamp) -> Result<usize, StoreError> {
    let n: i64 = connection
        .prepare_cached("SELECT count(*) FROM feeds WHERE active AND last_success_at >= ?1")?
        .query_row([At(since)], |row| row.get(0))?;
    Ok(usize::try_from(n).unwrap_or(0))
}

/// Outages that the operator was told of, or that last, within a span.
fn blind(
    connection: &Connection,
    since: Timestamp,
    until: Timestamp,
) -> Result<Vec<Blind>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT since, until FROM outages WHERE since < ?2 AND coalesce(until, ?2) >= ?1
            AND (told_at IS NOT NULL OR until IS NULL) ORDER BY id",
    )?;
    let rows = statement.query_map([At(since), At(until)], |row| {
        Ok(Blind {
            since: row.get(0)?,
            until: row.get(1)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
