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

#[cfg(test)]
mod tests {
    use std::io;

    use rusqlite::ffi;

    use super::{is_busy, told};
    use crate::seam::{Error, Outcome, Site};

    fn told_of(code: i32) -> Error {
        let error = rusqlite::Error::SqliteFailure(
            ffi::Error::new(code),
            Some("SELECT 'a secret'".to_owned()),
        );
        told(&error, &Site::new("put", &"things".into(), None), "writing", Outcome::Unknown)
    }

    #[test]
    fn what_the_medium_did_is_an_error_of_input_and_output() {
        for (code, expected) in [
            (ffi::SQLITE_IOERR_FSYNC, io::ErrorKind::Other),
            (ffi::SQLITE_CANTOPEN, io::ErrorKind::Other),
            (ffi::SQLITE_FULL, io::ErrorKind::StorageFull),
            (ffi::SQLITE_READONLY, io::ErrorKind::ReadOnlyFilesystem),
            (ffi::SQLITE_PERM, io::ErrorKind::PermissionDenied),
        ] {
            let error = told_of(code);
            let Error::Io { source, outcome, .. } = &error else { panic!("{code}: {error}") };
            assert_eq!((source.kind(), *outcome), (expected, Outcome::Unknown), "{code}");
        }
    }

    #[test]
    fn everything_else_is_the_databases_and_says_what_to_do() {
        for (code, advice) in [
            (ffi::SQLITE_BUSY, "try again"),
            (ffi::SQLITE_LOCKED, "try again"),
            (ffi::SQLITE_CORRUPT, "restore a backup"),
            (ffi::SQLITE_NOTADB, "choose another path"),
            (ffi::SQLITE_TOOBIG, "writing"),
        ] {
            let error = told_of(code);
            assert!(matches!(error, Error::Backend { .. }), "{code}: {error}");
            assert!(error.to_string().contains(advice), "{code}: {error}");
            assert!(!error.to_string().contains("secret"), "{code}: {error}");
        }
    }

    #[test]
    fn only_another_connection_is_a_reason_to_try_again() {
        let busy = |code| is_busy(&rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        assert!(busy(ffi::SQLITE_BUSY) && busy(ffi::SQLITE_LOCKED));
        assert!(busy(ffi::SQLITE_BUSY_SNAPSHOT));
        assert!(!busy(ffi::SQLITE_FULL) && !busy(ffi::SQLITE_CORRUPT));
    }
}
