//! Feeds as of their last visit, with their rhythm.

use rusqlite::{Connection, params};
use serde::Serialize;
use utoipa::ToSchema;

use crate::feed::health::{Health, health, reason};
use crate::fetch::page::shown;
use crate::store::health::{N_SIGNS, SIGNS, signs_of};
use crate::store::view::rows;
use crate::store::{At, StoreError};

/// A polled source.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Feed {
    pub id: i64,
    pub name: String,
    pub outlet: String,
    pub language: Option<String>,
    pub country: Option<String>,
    /// Without user and query, which may be secret.
    pub url: String,
    /// new, paused, ok, gap, odd, silent, zombie, failing, blocked, gone
    pub state: String,
    /// Why it is so, where it is not well.
    pub reason: Option<String>,
    pub last_poll_at: Option<String>,
    pub last_success_at: Option<String>,
    pub last_item_at: Option<String>,
    pub next_poll_at: Option<String>,
    pub failures: i64,
    pub last_error: Option<String>,
    /// Items it brought on each day since the day asked for.
    #[serde(skip)]
    pub days: Vec<(String, i64)>,
}

impl Feed {
    pub fn is_well(&self) -> bool {
        matches!(self.state.as_str(), "ok" | "new" | "paused")
    }
}

/// Every configured feed, by name, with what it brought on each day from `since` (`2026-03-01`) on.
pub fn feeds(connection: &Connection, since: &str) -> Result<Vec<Feed>, StoreError> {
    let sql = format!(
        "SELECT {SIGNS}, id, name, outlet, language, country, url, last_poll_at, last_success_at, last_item_at,
            iif(gone_at IS NULL AND NOT paused, next_poll_at, NULL), failures, last_error, paused
         FROM feeds WHERE active ORDER BY name"
    );
    let mut feeds = rows(connection, &sql, &[], |row| {
        let polled_at: Option<At> = row.get(N_SIGNS + 6)?;
        let signs = signs_of(row, 0)?;
        let paused: bool = row.get(N_SIGNS + 12)?;
        let now = polled_at.filter(|_| !paused).map(|at| health(&signs, at.0));
        let url: String = row.get(N_SIGNS + 5)?;
        Ok(Feed {
            id: row.get(N_SIGNS)?,
            name: row.get(N_SIGNS + 1)?,
            outlet: row.get(N_SIGNS + 2)?,
            language: row.get(N_SIGNS + 3)?,
            country: row.get(N_SIGNS + 4)?,
            url: url::Url::parse(&url)
                .map(|it| shown(&it))
                .unwrap_or_default(),
            state: now
                .map_or(if paused { "paused" } else { "new" }, Health::as_str)
                .to_owned(),
            reason: now
                .filter(|it| *it != Health::Ok)
                .map(|it| reason(it, &signs)),
            last_poll_at: row.get(N_SIGNS + 6)?,
            last_success_at: row.get(N_SIGNS + 7)?,
            last_item_at: row.get(N_SIGNS + 8)?,
            next_poll_at: row.get(N_SIGNS + 9)?,
            failures: row.get(N_SIGNS + 10)?,
            last_error: row.get(N_SIGNS + 11)?,
            days: Vec::new(),
        })
    })?;
    let sql = "SELECT feed_id, day, items FROM feed_days WHERE day >= ?1";
    for (id, day, items) in rows(connection, sql, params![since], |row| {
        Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?))
    })? {
        if let Some(feed) = feeds.iter_mut().find(|it| it.id == id) {
            feed.days.push((day, items));
        }
    }
    Ok(feeds)
}
