//! `storeproof export`.

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
    directory::{content, export::export},
    fs::block_on,
    report::json::indented,
    seam::{Clock, SystemClock},
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The data directory.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    key: KeySource,
    /// The document is JSON in either case: an entity a line, or indented for
    /// people.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
}

pub(super) fn run(arguments: &Arguments, stop: &Arc<AtomicBool>) -> Result<Status, Failure> {
    let fs = open(&arguments.directory)?;
    let key = arguments.key.key(&arguments.directory, &fs)?;
    let progress = Progress::new(stop);
    let content = block_on(content::read(&fs, key.as_ref(), SystemClock.now(), &progress.watch()));
    progress.finish();
    let exported = export(content.map_err(|error| failed(&arguments.directory, &error))?);
    match arguments.format {
        Format::Json => print(&exported.text)?,
        Format::Human => print(&indented(&exported.text))?,
    }
    Ok(if exported.problems.is_empty() { Status::Holds } else { Status::Violated })
}
