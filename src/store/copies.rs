//! Whether readers were told what a copy repeats. Only what was told may silence.

use rusqlite::{Connection, OptionalExtension, params};

use crate::store::StoreError;
use crate::store::items::Known;

/// Of the items of one article: told, or a repeat of what was told.
const TOLD: &str = "('alert', 'held', 'told', 'copy')";

/// Whether `topic` has told the article of `original`, by any of its copies.
pub fn was_told(tx: &Connection, original: &Known, topic: &str) -> Result<bool, StoreError> {
    let mut statement = tx.prepare_cached(&format!(
        "SELECT 1 FROM items i JOIN story_items si ON si.item_id = i.id JOIN stories s ON s.id = si.story_id
         WHERE (i.id = ?1 OR i.duplicate_of = ?1) AND s.topic = ?2 AND si.code IN {TOLD}"
    ))?;
    let first = original.duplicate_of.unwrap_or(original.id);
    Ok(statement
        .query_row(params![first.0, topic], |_| Ok(()))
        .optional()?
        .is_some())
}

/// Whether an article is on a topic and no topic told it: it was old when it was seen, somebody's view,
/// or held back.
pub fn is_untold(tx: &Connection, original: &Known) -> Result<bool, StoreError> {
    let mut statement = tx.prepare_cached(&format!(
        "SELECT count(*) > 0 AND sum(si.code IN {TOLD}) = 0
         FROM items i JOIN story_items si ON si.item_id = i.id WHERE i.id = ?1 OR i.duplicate_of = ?1"
    ))?;
    let first = original.duplicate_of.unwrap_or(original.id);
    Ok(statement.query_row([first.0], |row| {
        Ok(row.get::<_, Option<bool>>(0)?.unwrap_or(false))
    })?)
}
