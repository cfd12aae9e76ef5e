//! `storeproof client`: what `check` starts for clients in processes of their own.

use std::io::{self, ErrorKind};

use super::{Status, usage::Failure};
use crate::check::processes::{Program, child};

pub(super) fn run() -> Result<Status, Failure> {
    match child::serve(io::stdin().lock(), io::stdout().lock()) {
        // A parent that went away is the end of input.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("standard input or output: {error}")))
        }
        _ => Ok(Status::Holds),
    }
}

/// This very program, as a client.
pub(super) fn program() -> Result<Program, Failure> {
    let path = std::env::current_exe()
        .map_err(|error| Failure::new(format!("where this program is can't be told: {error}")))?;
    Ok(Program { path, arguments: vec!["client".to_owned()], environment: Vec::new() })
}
