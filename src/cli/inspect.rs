//! `storeproof inspect`.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use super::{
    Format, Status,
    data_directory::{KeySource, Progress, failed, open},
    usage::{Failure, print},
};
use crate::{
    directory::{content, inspect::Inspection},
    fs::block_on,
    report::directory,
    seam::{Clock, SystemClock},
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The data directory.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    key: KeySource,
    /// List every record's file, too. (JSON always does.)
    #[arg(long)]
    files: bool,
    /// How to write the results.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

pub(super) fn run(arguments: &Arguments, stop: &Arc<AtomicBool>) -> Result<Status, Failure> {
    let fs = open(&arguments.directory)?;
    let key = arguments.key.key(&arguments.directory, &fs)?;
    let progress = Progress::new(stop);
    let content = block_on(content::read(&fs, key.as_ref(), SystemClock.now(), &progress.watch()));
    progress.finish();
    let content = content.map_err(|error| failed(&arguments.directory, &error))?;
    let inspection = Inspection::of(&content);
    match arguments.format {
        Format::Human => print(&directory::inspection(&inspection, arguments.files))?,
        Format::Json => {
            print(&inspection.to_text().map_err(|error| Failure::new(error.to_string()))?)?;
        }
    }
    Ok(if inspection.holds() { Status::Holds } else { Status::Violated })
}
