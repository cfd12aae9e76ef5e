//! What SQLite's errors mean to the caller.

use std::io;

use rusqlite::{ErrorCode, ffi};

use crate::seam::{Error, Outcome, Site};

/// Why a step of an operation failed.
pub(super) enum Failed {
    /// By a rule of the seam.
    Told(Error),
    /// In SQLite.
    Sqlite(rusqlite::Error),
}

/// The result of a step.
pub(super) type Step<T> = Result<T, Failed>;

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Failed {
    /// The error of an operation of which nothing was done.
    pub(super) fn told(self, site: impl FnOnce() -> Site, doing: &str) -> Error {
        match self {
            Self::Told(error) => error,
            Self::Sqlite(error) => told(&error, &site(), doing, Outcome::NotDone),
        }
    }
}

/// Whether another connection was in the way, and nothing else.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// SQLite's error in the seam's terms. Its own message is left out, since it may
/// hold a statement: the code says as much.
pub(super) fn told(error: &rusqlite::Error, site: &Site, doing: &str, outcome: Outcome) -> Error {
    let meaning = match error.sqlite_error() {
        Some(code) => ffi::code_to_str(code.extended_code),
        None => "a value of another type than ours",
    };
    let io = |kind| Error::Io {
        doing: doing.to_owned(),
        outcome,
        source: io::Error::new(kind, meaning),
        site: site.clone(),
    };
    let backend = |advice: &str| Error::Backend {
        problem: format!("{doing}: {meaning}{advice}"),
        outcome,
        site: site.clone(),
    };
    match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => io(io::ErrorKind::Other),
        Some(ErrorCode::DiskFull) => io(io::ErrorKind::StorageFull),
        Some(ErrorCode::ReadOnly) => io(io::ErrorKind::ReadOnlyFilesystem),
        Some(ErrorCode::PermissionDenied) => io(io::ErrorKind::PermissionDenied),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            backend(", for longer than the busy timeout; try again")
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            backend("; restore a backup, or save what is left with sqlite3's .recover")
        }
        Some(ErrorCode::NotADatabase) => {
            backend(": this is no SQLite database; choose another path")
        }
        _ => backend(""),
    }
}
