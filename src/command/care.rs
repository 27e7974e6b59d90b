//! Care of the archive: backup, restore, vacuum.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::clock::Clock;
use crate::command::{Context, Done};
use crate::store::{Store, backup};

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// Where to write the copy; an older backup there is replaced
    file: PathBuf,
}

impl Backup {
    pub(super) fn run(&self, context: &Context) -> Done {
        let archive = context.archive()?;
        backup::backup(&archive, &self.file)?;
        let bytes = std::fs::metadata(&self.file)?.len();
        say!("{} ({bytes} bytes), checked", self.file.display())?;
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// A backup
    file: PathBuf,
    /// Only say whether it could be restored
    #[arg(long)]
    check: bool,
}

impl Restore {
    pub(super) fn run(&self, context: &Context) -> Done {
        if self.check {
            backup::verified(&self.file)?;
            say!("{} is sound and can be restored", self.file.display())?;
            return Ok(ExitCode::SUCCESS);
        }
        let archive = context.archive()?;
        let now = Clock::System.now().strftime("%Y%m%dT%H%M%SZ");
        let kept = backup::restore(&self.file, &archive, &format!(".before-{now}"))?;
        say!("{} is the archive now", self.file.display())?;
        if let Some(kept) = kept {
            say!("the one before is kept as {}", kept.display())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Gives the space of what was deleted back to the disk; wants the service stopped.
pub(super) fn vacuum(context: &Context) -> Done {
    let archive = context.archive()?;
    if !archive.exists() {
        return Err(crate::store::StoreError::Missing(archive).into());
    }
    let size = || std::fs::metadata(&archive).map(|it| it.len());
    let before = size()?;
    Store::open(&archive)?.vacuum()?;
    say!(
        "{}: {before} bytes before, {} after",
        archive.display(),
        size()?
    )?;
    Ok(ExitCode::SUCCESS)
}
