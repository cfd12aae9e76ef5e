//! `storeproof driver`.

use std::{
    io::{self, ErrorKind},
    sync::Arc,
};

use clap::ValueEnum;

use super::{Format, Status, usage::Failure};
use crate::{
    driver::{BackendChoice, Server, serve},
    seam::{OsEntropy, SystemClock},
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where storages lie when a client does not say.
    #[arg(long, value_enum, default_value_t = Backend::File)]
    backend: Backend,
    /// Taken as by every subcommand; the protocol is JSON in either case.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Backend {
    /// In directories of the real file system; several processes may share
    /// them.
    File,
    /// In memory, as long as the process lives.
    Memory,
    /// In an SQLite database in each data directory; several processes may share
    /// it.
    Sqlite,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status, Failure> {
    let choice = match arguments.backend {
        Backend::File => BackendChoice::File,
        Backend::Memory => BackendChoice::Memory,
        Backend::Sqlite => BackendChoice::Sqlite,
    };
    let mut server = Server::new(choice, Arc::new(SystemClock), Arc::new(OsEntropy));
    match serve(&mut server, io::stdin().lock(), io::stdout().lock()) {
        // A client that went away is the end of input.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("standard input or output: {error}")))
        }
        _ => Ok(Status::Holds),
    }
}
