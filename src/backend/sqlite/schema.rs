//! The tables, and what a database must be to be opened.

use std::{collections::BTreeMap, io, path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig, ffi};

use super::{
    SqliteOptions,
    errors::{is_busy, told},
};
use crate::{
    fs::Durability,
    seam::{Error, Outcome, Result, Site},
};

/// In the header of every database of ours: `stpf`.
const APPLICATION_ID: i32 = 0x7374_7066;

/// The version of [`LAYOUT`].
const VERSION: i32 = 1;

/// The condition under which a row can't be told to be a sound record without
/// looking closer: all damage that SQLite's functions find, and some sound
/// records (JSON of more levels than SQLite takes).
///
/// Instants lie in the years 0000 to 9999.
macro_rules! suspect {
    () => {
        "typeof(id) <> 'text'
    OR length(CAST(id AS BLOB)) NOT BETWEEN 1 AND 1024
    OR instr(CAST(id AS BLOB), x'00') > 0
    OR (typeof(data) <> 'blob' AND typeof(data) <> 'text')
    OR typeof(encoding) <> 'text'
    OR typeof(created_at_seconds) <> 'integer'
    OR created_at_seconds NOT BETWEEN -62167219200 AND 253402300799
    OR typeof(created_at_nanoseconds) <> 'integer'
    OR created_at_nanoseconds NOT BETWEEN 0 AND 999999999
    OR typeof(updated_at_seconds) <> 'integer'
    OR updated_at_seconds NOT BETWEEN -62167219200 AND 253402300799
    OR typeof(updated_at_nanoseconds) <> 'integer'
    OR updated_at_nanoseconds NOT BETWEEN 0 AND 999999999
    OR (typeof(expires_at_seconds) <> 'integer' AND typeof(expires_at_seconds) <> 'null')
    OR expires_at_seconds NOT BETWEEN -62167219200 AND 253402300799
    OR typeof(expires_at_nanoseconds) <> typeof(expires_at_seconds)
    OR expires_at_nanoseconds NOT BETWEEN 0 AND 999999999
    OR (encoding = 'json' AND (
        instr(CAST(data AS BLOB), x'00') > 0 OR NOT json_valid(CAST(data AS TEXT))
    ))"
    };
}
pub(super) use suspect;

/// All that the schema consists of, as SQLite keeps it. Instants are two
/// integers: seconds since the Unix epoch, and nanoseconds after them.
///
/// `records` has rowids: a record may be large, and SQLite would keep it in the
/// inner nodes of a table without them. The types are not enforced: what someone
/// else puts there is to be found and named, not lost.
const LAYOUT: [(&str, &str); 9] = [
    (
        "records",
        "CREATE TABLE records (
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    data BLOB,
    encoding TEXT,
    created_at_seconds INTEGER,
    created_at_nanoseconds INTEGER,
    updated_at_seconds INTEGER,
    updated_at_nanoseconds INTEGER,
    expires_at_seconds INTEGER,
    expires_at_nanoseconds INTEGER,
    PRIMARY KEY (collection, id)
)",
    ),
    (
        "records_by_creation",
        "CREATE INDEX records_by_creation
    ON records (collection, created_at_seconds, created_at_nanoseconds, id)",
    ),
    (
        "records_by_expiry",
        "CREATE INDEX records_by_expiry
    ON records (collection, expires_at_seconds, expires_at_nanoseconds)
    WHERE expires_at_seconds IS NOT NULL",
    ),
    (
        "records_suspect",
        concat!("CREATE INDEX records_suspect ON records (collection, id) WHERE ", suspect!()),
    ),
    // Which record has which value of which key: derived from the records, by
    // every writer, for every key that any handle ever declared.
    (
        "record_keys",
        "CREATE TABLE record_keys (
    collection TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (collection, key, value, id)
) WITHOUT ROWID",
    ),
    ("record_keys_by_record", "CREATE INDEX record_keys_by_record ON record_keys (collection, id)"),
    // Who removes a record removes its keys, whoever it is.
    (
        "records_removed",
        "CREATE TRIGGER records_removed AFTER DELETE ON records BEGIN
    DELETE FROM record_keys WHERE collection = old.collection AND id = old.id;
END",
    ),
    // `keys`: a JSON array of what `record_keys.key` may be.
    (
        "collections",
        "CREATE TABLE collections (
    name TEXT NOT NULL PRIMARY KEY,
    keys TEXT NOT NULL,
    version INTEGER NOT NULL
) WITHOUT ROWID",
    ),
    (
        "quarantine",
        "CREATE TABLE quarantine (
    number INTEGER PRIMARY KEY,
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    data BLOB,
    encoding TEXT,
    created_at_seconds INTEGER,
    created_at_nanoseconds INTEGER,
    updated_at_seconds INTEGER,
    updated_at_nanoseconds INTEGER,
    expires_at_seconds INTEGER,
    expires_at_nanoseconds INTEGER,
    quarantined_at_seconds INTEGER NOT NULL,
    quarantined_at_nanoseconds INTEGER NOT NULL
)",
    ),
];

/// The version of a collection's rows, in `collections.version`.
pub(super) const COLLECTION_VERSION: i64 = 1;

/// Whose a database is.
enum Identity {
    /// Nobody's: it is empty.
    New,
    Ours,
}

/// What opening is about.
struct Opening<'a> {
    path: &'a Path,
    site: &'a Site,
}

impl Opening<'_> {
    fn refused(&self, problem: &str) -> Error {
        Error::Backend {
            site: self.site.clone(),
            problem: format!("the database {}: {problem}", self.path.display()),
            outcome: Outcome::NotDone,
        }
    }

    fn failed(&self, error: &rusqlite::Error) -> Error {
        let doing = format!("opening the database {}", self.path.display());
        told(error, self.site, &doing, Outcome::NotDone)
    }

    fn pragma(&self, connection: &Connection, name: &str) -> Result<i32> {
        connection
            .pragma_query_value(None, name, |row| row.get(0))
            .map_err(|error| self.failed(&error))
    }

    /// Reads only: a database that is not ours stays as it is.
    fn identify(&self, connection: &Connection) -> Result<Identity> {
        let application = self.pragma(connection, "application_id")?;
        let version = self.pragma(connection, "user_version")?;
        match (application, version) {
            (APPLICATION_ID, VERSION) => return Ok(Identity::Ours),
            (APPLICATION_ID, newer) if newer > VERSION => {
                return Err(self.refused(&format!(
                    "its schema has version {newer}, and this release knows {VERSION}: open it \
                     with a newer release"
                )));
            }
            (APPLICATION_ID, other) => {
                return Err(self.refused(&format!(
                    "its schema has version {other}, which no release wrote: restore a backup, or \
                     choose another path"
                )));
            }
            _ => {}
        }
        let objects: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(|error| self.failed(&error))?;
        if (application, version, objects) == (0, 0, 0) {
            return Ok(Identity::New);
        }
        Err(self.refused(
            "it is an SQLite database of something else: choose another path for the records",
        ))
    }

    fn make(&self, connection: &mut Connection) -> Result<()> {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| self.failed(&error))?;
        // Somebody may have made it since.
        if matches!(self.identify(&transaction)?, Identity::New) {
            let statements = || -> rusqlite::Result<()> {
                for (_, statement) in LAYOUT {
                    transaction.execute_batch(statement)?;
                }
                transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
                transaction.pragma_update(None, "user_version", VERSION)
            };
            statements().map_err(|error| self.failed(&error))?;
        }
        transaction.commit().map_err(|error| self.failed(&error))
    }

    /// Whether everything is as [`LAYOUT`] says; whatever else there is, is not
    /// ours to judge.
    fn check_layout(&self, connection: &Connection) -> Result<()> {
        let encoding: String = connection
            .pragma_query_value(None, "encoding", |row| row.get(0))
            .map_err(|error| self.failed(&error))?;
        if encoding != "UTF-8" {
            return Err(self.refused(&format!(
                "its text is {encoding}, which has another order than UTF-8: choose another path"
            )));
        }
        let schema = || -> rusqlite::Result<BTreeMap<String, Option<String>>> {
            let mut all = connection.prepare("SELECT name, sql FROM sqlite_schema")?;
            let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        };
        let schema = schema().map_err(|error| self.failed(&error))?;
        for (name, statement) in LAYOUT {
            let what = match schema.get(name) {
                Some(Some(stored)) if stored == statement => continue,
                Some(_) => "has another layout",
                None => "is missing",
            };
            return Err(self.refused(&format!(
                "{name:?} {what}: somebody changed the schema; restore a backup, or choose \
                 another path"
            )));
        }
        Ok(())
    }

    /// Writers append to a log, and readers wait for nobody. A database stays so.
    /// Two connections that switch a new database at the same moment may be in
    /// each other's way, past the busy handler: then whoever was, waits for the
    /// other's transaction.
    fn log_ahead(&self, connection: &Connection) -> Result<()> {
        let switch = || -> rusqlite::Result<String> {
            connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        };
        let mut switched = switch();
        for _ in 0..MOST_SWITCHES {
            match &switched {
                Err(error) if is_busy(error) => {}
                _ => break,
            }
            let waited = connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK");
            waited.map_err(|error| self.failed(&error))?;
            switched = switch();
        }
        match switched.map_err(|error| self.failed(&error))?.as_str() {
            "wal" => Ok(()),
            mode => Err(self.refused(&format!(
                "its file system can't share memory between processes (journal mode {mode}): put \
                 it on a local disk"
            ))),
        }
    }
}

/// SQLite counts milliseconds in 31 bits: some 25 days.
const MOST_PATIENCE: Duration = Duration::from_millis(i32::MAX as u64);

/// How often a connection tries to switch to the log.
const MOST_SWITCHES: usize = 1_000;

/// A connection to the database at `path`, which is made where it is missing.
///
/// # Errors
/// As [`SqliteBackend::open`](super::SqliteBackend::open) says.
pub(super) fn connect(path: &Path, options: &SqliteOptions, site: &Site) -> Result<Connection> {
    let opening = Opening { path, site };
    // Some names have a meaning to SQLite (":memory:", none at all); no path
    // with a directory has.
    let place = if path.is_absolute() { path.to_owned() } else { Path::new(".").join(path) };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(place, flags);
    let mut connection = opened.map_err(|error| cannot_open(&opening, &error))?;
    connection.set_prepared_statement_cache_capacity(64);
    // Else every statement that might use the index of suspects, which is one of some rows
    // only, is prepared anew whenever it is given other values.
    let planned = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true);
    planned.map_err(|error| opening.failed(&error))?;
    let timeout = connection.busy_timeout(options.busy_timeout.min(MOST_PATIENCE));
    timeout.map_err(|error| opening.failed(&error))?;
    let identity = {
        // One moment: somebody may be making the database.
        let transaction = connection.transaction().map_err(|error| opening.failed(&error))?;
        opening.identify(&transaction)?
    };
    if connection.is_readonly("main").map_err(|error| opening.failed(&error))? {
        return Err(Error::Io {
            doing: format!("opening the database {}: it can't be written", path.display()),
            outcome: Outcome::NotDone,
            source: io::ErrorKind::PermissionDenied.into(),
            site: site.clone(),
        });
    }
    opening.log_ahead(&connection)?;
    let synchronous = match options.durability {
        Durability::Full => "FULL",
        Durability::Process => "OFF",
    };
    let set = connection.pragma_update(None, "synchronous", synchronous);
    set.map_err(|error| opening.failed(&error))?;
    if matches!(identity, Identity::New) {
        opening.make(&mut connection)?;
    }
    opening.check_layout(&connection)?;
    Ok(connection)
}

fn cannot_open(opening: &Opening<'_>, error: &rusqlite::Error) -> Error {
    if error.sqlite_error().is_none_or(|code| code.extended_code != ffi::SQLITE_CANTOPEN) {
        return opening.failed(error);
    }
    Error::Io {
        doing: format!(
            "opening the database {}: it is no file that can be opened, or its directory does not \
             exist",
            opening.path.display()
        ),
        outcome: Outcome::NotDone,
        source: io::Error::other(ffi::code_to_str(ffi::SQLITE_CANTOPEN)),
        site: opening.site.clone(),
    }
}
