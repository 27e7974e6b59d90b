//! The archive: SQLite, every line of SQL, migrations. Store functions are plain functions over a
//! transaction; who opens it decides what commits together.

pub mod acts;
pub mod articles;
pub mod asks;
pub mod backup;
pub mod boards;
pub mod copies;
pub mod digests;
pub mod feeds;
pub mod follow;
pub mod health;
pub mod history;
pub mod items;
pub mod listing;
mod lock;
pub mod outages;
pub mod outbox;
pub mod published;
pub mod query;
pub mod readers;
pub mod retention;
pub mod search;
pub mod stories;
pub mod subscriptions;
pub mod view;
pub mod withdrawals;

use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use rusqlite_migration::{HookError, HookResult, M, Migrations};
use thiserror::Error;

use crate::clock::rfc3339;
use crate::store::backup::Checked;
use crate::store::lock::Lock;

static STEPS: LazyLock<Vec<M<'static>>> = LazyLock::new(|| {
    vec![
        M::up(include_str!("../migrations/0001_archive.sql")),
        M::up_with_hook(include_str!("../migrations/0002_search.sql"), reindexed),
        M::up(include_str!("../migrations/0003_web.sql")),
        M::up(include_str!("../migrations/0004_care.sql")),
        M::up(include_str!("../migrations/0005_reading.sql")),
        M::up(include_str!("../migrations/0006_developments.sql")),
        M::up_with_hook(include_str!("../migrations/0007_faults.sql"), reindexed),
        M::up(include_str!("../migrations/0008_operations.sql")),
        M::up(include_str!("../migrations/0009_readers.sql")),
        M::up(include_str!("../migrations/0010_push_and_follow.sql")),
    ]
});

/// The full-text index is cut by us, not by SQLite.
fn reindexed(tx: &Transaction<'_>) -> HookResult {
    items::reindex_all(tx).map_err(|error| HookError::Hook(error.to_string()))
}

/// Each says its cause itself, so none is called `source`: a chain of causes would say it again.
#[derive(Debug, Error)]
pub enum StoreError {
    #[error("cannot open the archive {path}: {cause}")]
    Open {
        path: PathBuf,
        cause: rusqlite::Error,
    },
    #[error("there is no archive at {0}; `summitwatch run` or `summitwatch poll` makes one")]
    Missing(PathBuf),
    #[error(
        "the archive {path} was written by a newer summitwatch (schema {found}, this one knows {known}); upgrade summitwatch, or use another archive"
    )]
    Newer {
        path: PathBuf,
        found: i64,
        known: usize,
    },
    #[error(
        "the archive {0} is that of an older summitwatch, which may still run; restart the service (systemctl restart summitwatch), then try again"
    )]
    Older(PathBuf),
    #[error("cannot bring the archive {path} up to date: {cause}")]
    Migrate {
        path: PathBuf,
        cause: rusqlite_migration::Error,
    },
    #[error(
        "{0} is in use by another summitwatch; stop it first (systemctl stop summitwatch), or use another archive"
    )]
    Locked(PathBuf),
    #[error(
        "another summitwatch sends from this archive until {until}; stop it, or wait until then if it was killed on another machine"
    )]
    Taken { until: Timestamp },
    #[error("another summitwatch sends from this archive now; this one stops")]
    Ousted,
    #[error(
        "cannot lock {path}: {cause}; the service needs a folder that it can write: `archive` or --archive names it"
    )]
    Lock {
        path: PathBuf,
        cause: std::io::Error,
    },
    #[error(
        "{0} is another file than the one that was opened: somebody put it there while summitwatch ran. What was kept until now is in the file that was moved away; this summitwatch stops, and the next start takes the file that is there"
    )]
    Replaced(PathBuf),
    #[error(
        "{0} is gone: somebody moved or deleted it while summitwatch ran. Put it back, or remove {0}-wal and {0}-shm to begin anew"
    )]
    TakenAway(PathBuf),
    #[error(
        "there is no archive at {0}, but its log {0}-wal is there: somebody took the archive away. Put it back, restore a backup, or remove {0}-wal and {0}-shm to begin anew"
    )]
    Orphan(PathBuf),
    #[error(
        "there is no archive at {archive}: a restore was interrupted. Run `summitwatch restore` again; {copy} is the backup's whole copy, and beside it, with `.before-` in its name, lies the archive as it was. Only to begin anew, remove the copy"
    )]
    HalfRestored { archive: PathBuf, copy: PathBuf },
    #[error("the archive's disk is full: {0}")]
    Full(rusqlite::Error),
    #[error("the archive cannot be written: {0}")]
    ReadOnly(rusqlite::Error),
    #[error("the archive is damaged: {0}; restore a backup, or run `sqlite3 ARCHIVE .recover`")]
    Damaged(rusqlite::Error),
    #[error("the question to the archive took too long")]
    Interrupted,
    #[error(
        "{path} is damaged: {found}; `summitwatch restore BACKUP` puts a backup in its place, `sqlite3 ARCHIVE .recover` saves what it can"
    )]
    Unsound { path: PathBuf, found: String },
    #[error("there is no file {0}")]
    NoBackup(PathBuf),
    #[error("{path}: {why}")]
    Backup { path: PathBuf, why: String },
    #[error("the archive: {0}")]
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        match error.sqlite_error_code() {
            Some(Code::DiskFull) => Self::Full(error),
            Some(
                Code::ReadOnly | Code::CannotOpen | Code::SystemIoFailure | Code::PermissionDenied,
            ) => Self::ReadOnly(error),
            Some(Code::OperationInterrupted) => Self::Interrupted,
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => Self::Damaged(error),
            _ => Self::Sql(error),
        }
    }
}

/// Clocks are corrected by seconds all the time. What was written further in the future was written by
/// a clock that ran ahead.
pub const CLOCK_SLACK: SignedDuration = SignedDuration::from_mins(2);

/// How long the writer waits for another process that writes.
const PATIENCE: Duration = Duration::from_secs(30);
/// The log is some 4 MB long as long as nobody reads an old state for long.
const LARGE_LOG: u64 = 16 * 1024 * 1024;

/// The check at the start after an unclean end takes no longer: news do not wait for a large archive. The whole check
/// is made behind the running service.
const CHECK_LIMIT: Duration = Duration::from_secs(2);

/// Bytes of the write-ahead log that are kept for later use once it was written back: a cold poll of a thousand
/// feeds fills about 30 MB.
const LOG_KEPT: i64 = 64 << 20;

/// The one writer of an archive. Holds a lock that a second instance runs into.
#[derive(Debug)]
pub struct Store {
    /// For looks of the loops, which must not wait for a writer; none in memory. It is closed before the
    /// writer, whose close then takes the log back.
    reader: Option<Mutex<Connection>>,
    connection: Mutex<Connection>,
    path: PathBuf,
    /// Dropped after the connection: closing the locked file would end SQLite's own locks on it.
    lock: Option<Lock>,
}

impl Store {
    /// Opens for writing; makes and migrates the archive where needed.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = Lock::take(path)?;
        let opened = |cause| StoreError::Open {
            path: path.to_owned(),
            cause,
        };
        let connection = Connection::open(path).map_err(opened)?;
        if lock.is_unchecked() {
            tracing::info!("the service did not end in order; checking the archive");
            let started = Instant::now();
            match backup::check(&connection, path, move || started.elapsed() > CHECK_LIMIT)? {
                Checked::Whole => lock.checked(),
                Checked::InPart => {
                    tracing::info!("no fault so far; the rest is checked while the service runs");
                }
            }
        }
        Self::prepare(connection, path, Some(lock))
    }

    /// Opens beside the process that holds the lock, to add rows that it will see. Nobody sends
    /// from here.
    pub fn open_beside(path: &Path) -> Result<Self, StoreError> {
        let running = open_read_only(path)?;
        let found: i64 = running.pragma_query_value(None, "user_version", |row| row.get(0))?;
        // The service that runs knows the archive as it is: it is not brought up to date under it.
        if usize::try_from(found) != Ok(STEPS.len()) {
            return Err(StoreError::Older(path.to_owned()));
        }
        drop(running);
        let opened = |cause| StoreError::Open {
            path: path.to_owned(),
            cause,
        };
        let connection = Connection::open(path).map_err(opened)?;
        Self::prepare(connection, path, None)
    }

    pub fn in_memory() -> Result<Self, StoreError> {
        Self::prepare(Connection::open_in_memory()?, Path::new(":memory:"), None)
    }

    fn prepare(
        mut connection: Connection,
        path: &Path,
        lock: Option<Lock>,
    ) -> Result<Self, StoreError> {
        connection.busy_timeout(PATIENCE)?;
        refuse_newer(&connection, path)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
        tracing::debug!(mode, "journal mode");
        // With WAL, NORMAL may lose the last commits at a power cut; a lost "delivered" is a double.
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "cache_size", -2_000)?;
        // After a reader let the log grow, what is beyond this goes back to the disk.
        connection.pragma_update_and_check(None, "journal_size_limit", LOG_KEPT, |_| Ok(()))?;
        connection.pragma_update(None, "temp_store", "memory")?;
        connection.set_prepared_statement_cache_capacity(64);
        keep_before_migration(&connection, path)?;
        Migrations::from_slice(&STEPS)
            .to_latest(&mut connection)
            .map_err(|cause| StoreError::Migrate {
                path: path.to_owned(),
                cause,
            })?;
        let reader = match path.to_str() {
            Some(":memory:") => None,
            _ => Some(Mutex::new(open_read_only(path)?)),
        };
        Ok(Self {
            connection: Mutex::new(connection),
            reader,
            path: path.to_owned(),
            lock,
        })
    }

    /// Gives what was deleted back to the disk, and puts the index in order.
    pub fn vacuum(&self) -> Result<(), StoreError> {
        let connection = self.connection();
        items::tidy_index(&connection)?;
        Ok(connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")?)
    }

    /// Gives back the memory that a burst of writing took.
    pub fn shrink(&self) -> Result<(), StoreError> {
        Ok(self.connection().execute_batch("PRAGMA shrink_memory")?)
    }

    /// Gives the disk back what the write-ahead log grew by while somebody read an old state, once nobody
    /// does: whether it was done. Who reads on is not waited for.
    pub fn truncate_log(&self) -> Result<bool, StoreError> {
        let mut log = self.path.as_os_str().to_owned();
        log.push("-wal");
        if std::fs::metadata(log).map_or(0, |it| it.len()) < LARGE_LOG {
            return Ok(false);
        }
        let connection = self.connection();
        connection.busy_timeout(Duration::ZERO)?;
        let busy: rusqlite::Result<i64> =
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        connection.busy_timeout(PATIENCE)?;
        Ok(busy? == 0)
    }

    /// Whether an unclean end came before this start, and nobody has checked the whole archive since.
    pub fn is_unchecked(&self) -> bool {
        self.lock.as_ref().is_some_and(Lock::is_unchecked)
    }

    /// Checks the whole archive on a connection of its own, beside readers and the writer, until `enough` says so:
    /// some 20 s for 700,000 items. Until it was found sound, an end of the service counts as unclean.
    pub fn check_whole(
        &self,
        enough: impl FnMut() -> bool + Send + 'static,
    ) -> Result<Checked, StoreError> {
        let connection = open_read_only(&self.path)?;
        let checked = backup::check(&connection, &self.path, enough)?;
        if let (Checked::Whole, Some(lock)) = (checked, &self.lock) {
            lock.checked();
        }
        Ok(checked)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` in one immediate transaction; commits when it succeeds.
    pub fn write<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.check_file()?;
        let mut connection = self.connection();
        let tx = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StoreError::from)?;
        let value = work(&tx)?;
        tx.commit().map_err(StoreError::from)?;
        Ok(value)
    }

    /// Runs `work`, which only reads, on a connection of its own: what is committed is seen, and no
    /// writer is waited for, be it this process's or another's.
    pub fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match &self.reader {
            Some(reader) => work(&reader.lock().unwrap_or_else(PoisonError::into_inner)),
            None => work(&self.connection()),
        }
    }

    /// Runs `work` on the writer's connection outside a transaction.
    pub fn on_writer<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        work(&self.connection())
    }

    /// Refuses once the archive's file was moved, deleted or replaced.
    pub fn check_file(&self) -> Result<(), StoreError> {
        self.lock.as_ref().map_or(Ok(()), Lock::check)
    }

    /// After [`Self::check_file`] refused: writes what the log holds into the file that was opened, wherever that is
    /// now, so that the log beside the path is empty and is applied to no other file.
    pub fn give_up_log(&self) {
        let emptied =
            self.connection()
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = emptied {
            tracing::warn!("the log of the archive that was taken away cannot be emptied: {error}");
        }
    }

    /// Bytes of the write-ahead log. A reader that keeps a snapshot open lets it grow.
    pub fn log_bytes(&self) -> u64 {
        std::fs::metadata(beside(&self.path, "-wal")).map_or(0, |it| it.len())
    }

    /// Says whether another connection has written since `seen`, and what to compare with next time.
    pub fn data_version(&self) -> Result<i64, StoreError> {
        Ok(self
            .connection()
            .pragma_query_value(None, "data_version", |row| row.get(0))?)
    }

    /// A panic in a transaction rolled it back; the connection is sound.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The path with an ending, as SQLite names what lies beside an archive.
fn beside(archive: &Path, ending: &str) -> PathBuf {
    let mut name = archive.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Migrations lead forward only, so the archive is copied before one: `summitwatch.db.schema-3`.
fn keep_before_migration(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found == 0 || usize::try_from(found) == Ok(STEPS.len()) {
        return Ok(());
    }
    let kept = beside(path, &format!(".schema-{found}"));
    tracing::info!(
        "the archive is brought up to date; a copy of it is {}",
        kept.display()
    );
    backup::copy(connection, &kept)
}

/// Opens an existing archive for reading only, beside a running service.
pub fn open_read_only(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing(path.to_owned()));
    }
    let opened = |cause| StoreError::Open {
        path: path.to_owned(),
        cause,
    };
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(opened)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    refuse_newer(&connection, path)?;
    Ok(connection)
}

fn refuse_newer(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if usize::try_from(found).is_ok_and(|found| found > STEPS.len()) {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known: STEPS.len(),
        });
    }
    Ok(())
}

/// An instant as the archive spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At(pub Timestamp);

impl ToSql for At {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(rfc3339(self.0).into())
    }
}

impl FromSql for At {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value
            .as_str()?
            .parse()
            .map(Self)
            .map_err(|error| FromSqlError::Other(Box::new(error)))
    }
}

#[cfg(test)]
mod tests;
