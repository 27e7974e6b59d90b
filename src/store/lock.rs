//! Who may write an archive: one process, whatever path leads to it. The lock is on the file itself, so a
//! symbolic link or a bind mount meets it too, and on a file beside it, which outlives a restore.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::store::backup::COMING;
use crate::store::{StoreError, beside};

/// What the lock file holds while an archive is open, and after an end in order. A `-wal` left behind says nothing then:
/// Litestream or a shell that holds the archive open keeps it.
const IN_USE: &[u8] = b"in use\n";
const CLOSED: &[u8] = b"closed\n";

/// Which file an archive is: its device and its inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity(u64, u64);

impl Identity {
    fn of(metadata: &fs::Metadata) -> Self {
        Self(metadata.dev(), metadata.ino())
    }
}

/// Both locks. The kernel drops them with the process, also after kill -9.
#[derive(Debug)]
pub(super) struct Lock {
    beside: File,
    archive: File,
    path: PathBuf,
    identity: Identity,
    /// The process that held the lock before did not end in order, and the archive is not checked since.
    unchecked: AtomicBool,
}

impl Lock {
    /// Takes both locks. Where there is no archive, an empty file is made: SQLite takes it for a new one.
    pub(super) fn take(named: &Path) -> Result<Self, StoreError> {
        let path = real(named);
        let (mut beside, unclean) = lock_beside(named)?;
        refuse_orphan(&path)?;
        let failed = |cause| StoreError::Lock {
            path: path.clone(),
            cause,
        };
        let archive = if path.exists() {
            File::open(&path)
        } else {
            let mut options = File::options();
            options.create(true).truncate(false).read(true).write(true);
            options.open(&path)
        };
        let archive = archive.map_err(failed)?;
        if let Err(error) = archive.try_lock() {
            // Closing this descriptor would end the POSIX locks that SQLite may hold on the same file in
            // this process. So it stays open; a second instance is about to end anyway.
            std::mem::forget(archive);
            return Err(refused(named, error));
        }
        let identity = Identity::of(&archive.metadata().map_err(failed)?);
        mark(&mut beside, IN_USE).map_err(failed)?;
        Ok(Self {
            beside,
            archive,
            path,
            identity,
            unchecked: AtomicBool::new(unclean),
        })
    }

    pub(super) fn is_unchecked(&self) -> bool {
        self.unchecked.load(Ordering::Relaxed)
    }

    /// The archive was found sound.
    pub(super) fn checked(&self) {
        self.unchecked.store(false, Ordering::Relaxed);
    }

    /// Refuses once the path leads to another file, or to none: what is written now would be lost.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match fs::metadata(&self.path) {
            Ok(found) if Identity::of(&found) == self.identity => Ok(()),
            Ok(_) => Err(StoreError::Replaced(self.path.clone())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(StoreError::TakenAway(self.path.clone()))
            }
            // A folder that cannot be read says nothing of the file, which is open.
            Err(_) => Ok(()),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // What was not found sound is checked at the next start too.
        if !self.is_unchecked() {
            let _ = mark(&mut self.beside, CLOSED);
        }
        let _ = self.archive.unlock();
    }
}

/// The lock on the file beside the archive; and whether its last holder did not end in order.
pub(super) fn lock_beside(archive: &Path) -> Result<(File, bool), StoreError> {
    let path = beside(&real(archive), ".lock");
    let failed = |cause| StoreError::Lock {
        path: path.clone(),
        cause,
    };
    let mut options = File::options();
    options.create(true).truncate(false).read(true).write(true);
    let mut file = options.open(&path).map_err(failed)?;
    file.try_lock().map_err(|error| refused(archive, error))?;
    let mut held = Vec::new();
    file.read_to_end(&mut held).map_err(failed)?;
    let unclean = match held.as_slice() {
        // Releases before 0.2 wrote nothing; there a log was the sign.
        [] => fs::metadata(beside(&real(archive), "-wal")).is_ok_and(|it| it.len() > 0),
        held => held != CLOSED,
    };
    Ok((file, unclean))
}

fn mark(file: &mut File, word: &[u8]) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(word)
}

fn refused(archive: &Path, error: TryLockError) -> StoreError {
    match error {
        TryLockError::WouldBlock => StoreError::Locked(archive.to_owned()),
        TryLockError::Error(cause) => StoreError::Lock {
            path: archive.to_owned(),
            cause,
        },
    }
}

/// The path without symbolic links. Of a file that is not there yet, that of its folder.
pub(super) fn real(path: &Path) -> PathBuf {
    if let Ok(real) = fs::canonicalize(path) {
        return real;
    }
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")));
    match (folder, path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// A log without its archive: somebody took the archive away. A copy on its way into its place: a restore did not
/// end. A new archive would begin with an empty memory and send everything of the last day again.
fn refuse_orphan(archive: &Path) -> Result<(), StoreError> {
    if archive.exists() {
        return Ok(());
    }
    let coming = beside(archive, COMING);
    if coming.exists() {
        return Err(StoreError::HalfRestored {
            archive: archive.to_owned(),
            copy: coming,
        });
    }
    if beside(archive, "-wal").exists() {
        return Err(StoreError::Orphan(archive.to_owned()));
    }
    Ok(())
}
