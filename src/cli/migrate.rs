//! `storeproof migrate`.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use super::{
    Format, Status,
    data_directory::{Progress, failed, open},
    usage::{Failure, print},
};
use crate::{
    directory::migrate::Migrator,
    fs::block_on,
    report::directory,
    seam::{OsEntropy, SystemClock},
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The data directory.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Change nothing, and say what would be done.
    #[arg(long)]
    dry_run: bool,
    /// How to write the results.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

pub(super) fn run(arguments: &Arguments, stop: &Arc<AtomicBool>) -> Result<Status, Failure> {
    let progress = Progress::new(stop);
    let migrator = Migrator {
        fs: open(&arguments.directory)?,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        dry_run: arguments.dry_run,
        watch: progress.watch(),
    };
    let migration = block_on(migrator.run());
    progress.finish();
    let migration = migration.map_err(|error| failed(&arguments.directory, &error))?;
    match arguments.format {
        Format::Human => print(&directory::migration(&migration))?,
        Format::Json => {
            print(&migration.to_text().map_err(|error| Failure::new(error.to_string()))?)?;
        }
    }
    Ok(Status::of(!migration.holds(), migration.interrupted))
}
