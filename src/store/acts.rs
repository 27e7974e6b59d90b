//! What developments and stories are called, for people.

use rusqlite::{Transaction, params};

use crate::message::DevelopmentLine;
use crate::store::StoreError;
use crate::story::StoryId;

/// Writes down what a development says: at its first report, and anew at the one that is told.
pub fn describe(tx: &Transaction<'_>, said: &DevelopmentLine) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE developments SET summary = ?2, state = ?3, day = ?4, place = ?5 WHERE id = ?1",
    )?
    .execute(params![
        said.id,
        said.summary,
        said.state,
        said.when,
        said.r#where
    ])?;
    Ok(())
}

/// Gives a story its name. That of one which tells where a meeting stands changes with it; another keeps the
/// name that its first alert gave it.
pub fn name(
    tx: &Transaction<'_>,
    story: StoryId,
    name: &str,
    tells_course: bool,
) -> Result<(), StoreError> {
    if name.is_empty() {
        return Ok(());
    }
    tx.prepare_cached(
        "UPDATE stories SET title = ?2 WHERE id = ?1 AND (?3 OR NOT EXISTS (
            SELECT 1 FROM alerts a JOIN developments d ON d.id = a.development_id WHERE d.story_id = ?1))",
    )?
    .execute(params![story.0, name, tells_course])?;
    Ok(())
}
