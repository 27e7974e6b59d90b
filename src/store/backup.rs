//! Copies of the archive: made while the service writes, checked before they count, put back only
//! where nothing is lost by it.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::store::lock::{Lock, lock_beside, real};
use crate::store::{StoreError, beside, open_read_only, refuse_newer};

/// Copies the archive at `from` to the file `to`, which is there whole and sound or not at all. An
/// older backup in its place is replaced.
pub fn backup(from: &Path, to: &Path) -> Result<(), StoreError> {
    let source = open_read_only(from)?;
    if fs::canonicalize(from).is_ok_and(|from| fs::canonicalize(to).is_ok_and(|to| from == to)) {
        return Err(refused(to, "it is the archive itself"));
    }
    if to.exists() && !is_archive(to).unwrap_or(false) {
        return Err(refused(
            to,
            "the file there is no backup; give another name",
        ));
    }
    copy(&source, to)
}

/// A copy for programs with an older SQLite than ours (3.43 has what the full-text index is): the same without that
/// index. It is no backup: `restore` refuses it.
pub fn export(from: &Path, to: &Path) -> Result<(), StoreError> {
    let source = open_read_only(from)?;
    if to.exists() {
        return Err(refused(to, "there is a file already; give another name"));
    }
    let plain = |copy: &Connection| copy.execute_batch("DROP TABLE items_fts; VACUUM");
    copy_as(&source, to, plain)
}

/// What lies beside an archive and belongs to it: SQLite would apply each to whatever file is beside it.
const PARTS: [&str; 4] = ["", "-wal", "-shm", "-journal"];
/// A whole and checked copy on its way into the archive's place. Where it lies and the archive does not, a restore
/// ended between the two renames, and nothing is begun anew.
pub(super) const COMING: &str = ".restored";

/// Checks `from` and makes it the archive at `to`: the copy is whole before anything is moved. The archive that was
/// there is kept beside it, its name ending in `aside`, and a number where that name is taken. Returns where.
pub fn restore(from: &Path, to: &Path, aside: &str) -> Result<Option<PathBuf>, StoreError> {
    let source = verified(from)?;
    let to = &real(to);
    if real(from) == *to {
        return Err(refused(to, "it is the backup itself"));
    }
    let (_whole, _path) = if to.exists() {
        (Some(Lock::take(to)?), None)
    } else {
        (None, Some(lock_beside(to)?))
    };
    let coming = beside(to, COMING);
    copy(&source, &coming)?;
    let rename = |old: &Path, new: &Path| {
        fs::rename(old, new).map_err(|error| refused(new, &error.to_string()))
    };
    // The archive goes first: from then on the copy that lies there says what happened. A log without its archive
    // belongs to none.
    let parts = PARTS.map(|part| (part, beside(to, part)));
    let there: Vec<_> = parts.into_iter().filter(|(_, it)| it.exists()).collect();
    let kept = (!there.is_empty()).then(|| unused(&beside(to, aside)));
    if let Some(kept) = &kept {
        for (part, old) in there {
            rename(&old, &beside(kept, part))?;
        }
    }
    rename(&coming, to)?;
    // The names reach the disk with their folder.
    if let Some(folder) = to.parent() {
        let synced = fs::File::open(folder).and_then(|it| it.sync_all());
        synced.map_err(|error| refused(folder, &error.to_string()))?;
    }
    Ok(kept)
}

/// The name, or the first with a number at its end that no file has: two restores may fall into one second.
fn unused(name: &Path) -> PathBuf {
    let taken = |it: &Path| PARTS.iter().any(|part| beside(it, part).exists());
    let numbered = (2..).map(|n: u32| beside(name, &format!("-{n}")));
    std::iter::once(name.to_owned())
        .chain(numbered)
        .find(|it| !taken(it))
        .expect("numbers do not end")
}

/// Opens a file that is a sound archive of this or an older summitwatch.
pub fn verified(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::NoBackup(path.to_owned()));
    }
    match is_archive(path) {
        Ok(true) => {}
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseCorrupt) => {
            return Err(StoreError::Unsound {
                path: path.to_owned(),
                found: error.to_string(),
            });
        }
        _ => return Err(refused(path, "it is no archive of summitwatch")),
    }
    let connection = open_read_only(path)?;
    check(&connection, path, || false)?;
    refuse_newer(&connection, path)?;
    Ok(connection)
}

/// How far a check came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    Whole,
    /// No fault so far; it was ended before it was through.
    InPart,
}

/// Asks SQLite whether the file is sound, indexes included, until `enough` says so.
pub fn check(
    connection: &Connection,
    path: &Path,
    enough: impl FnMut() -> bool + Send + 'static,
) -> Result<Checked, StoreError> {
    connection.progress_handler(100_000, Some(enough))?;
    let found: Result<String, rusqlite::Error> =
        connection.pragma_query_value(None, "integrity_check", |row| row.get(0));
    connection.progress_handler(0, None::<fn() -> bool>)?;
    match found {
        Ok(found) if found == "ok" => Ok(Checked::Whole),
        Ok(found) => Err(StoreError::Unsound {
            path: path.to_owned(),
            found,
        }),
        Err(error)
            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) =>
        {
            Ok(Checked::InPart)
        }
        Err(error) => Err(StoreError::Unsound {
            path: path.to_owned(),
            found: error.to_string(),
        }),
    }
}

/// Copies all of `source` in one read transaction, so that nobody who writes meanwhile waits or
/// makes it begin anew, checks the copy and gives it its name.
pub(super) fn copy(source: &Connection, to: &Path) -> Result<(), StoreError> {
    copy_as(source, to, |_| Ok(()))
}

/// [`copy`], with something done to the copy.
fn copy_as(
    source: &Connection,
    to: &Path,
    then: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> Result<(), StoreError> {
    let partial = beside(to, ".partial");
    let failed = |error: std::io::Error| refused(to, &error.to_string());
    let clear = || PARTS.map(|part| fs::remove_file(beside(&partial, part)));
    let _ = clear();
    let copied = copied(source, &partial, then);
    if copied.is_err() {
        let _ = clear();
    }
    copied?;
    fs::File::open(&partial)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&partial, to))
        .map_err(failed)
}

fn copied(
    source: &Connection,
    partial: &Path,
    then: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> Result<(), StoreError> {
    let mut target = Connection::open(partial)?;
    let step = Backup::new(source, &mut target)?.step(-1)?;
    if step != StepResult::Done {
        return Err(refused(partial, "the archive is busy; try again"));
    }
    then(&target)?;
    // One file, with no log beside it.
    target.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))?;
    check(&target, partial, || false)?;
    Ok(())
}

/// Whether the file is a database that holds items of ours, whole.
fn is_archive(path: &Path) -> rusqlite::Result<bool> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    Ok(connection.table_exists(None, "items")? && connection.table_exists(None, "items_fts")?)
}

fn refused(path: &Path, why: &str) -> StoreError {
    StoreError::Backup {
        path: path.to_owned(),
        why: why.to_owned(),
    }
}
