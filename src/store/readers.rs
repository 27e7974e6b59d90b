//! Connections that only read, beside the one that writes: for pages and the API.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use crate::store::query::stop_after;
use crate::store::{StoreError, open_read_only};

/// Opened when they are needed, and kept.
#[derive(Debug)]
pub struct Readers {
    archive: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub fn new(archive: PathBuf) -> Self {
        Self {
            archive,
            idle: Mutex::default(),
        }
    }

    /// Runs `work` over one state of the archive, for `limit` at most.
    pub fn read<T>(
        &self,
        limit: Duration,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => open_read_only(&self.archive)?,
        };
        stop_after(&connection, limit)?;
        let tx = connection.unchecked_transaction()?;
        let value = work(&tx)?;
        drop(tx);
        idle().push(connection);
        Ok(value)
    }
}
