//! Collections in an SQLite database: one file, several processes.
//!
//! | file | what it is about |
//! |---|---|
//! | `schema.rs` | the tables, and what a database must be to be opened |
//! | `connection.rs` | a connection, and transactions on it |
//! | `errors.rs` | what SQLite's errors mean to the caller |
//! | `row.rs` | a row as a record, and back |
//! | `declared.rs` | the keys that any handle declared |
//! | `query.rs` | reading |
//! | `commit.rs` | writing |
//! | `remove.rs` | claims, purges, quarantine |
//! | `collection.rs` | the operations of a collection |
//!
//! Every operation is one transaction: a read sees one moment, a write takes the
//! database's write lock before it reads anything (`BEGIN IMMEDIATE`), so that
//! two writers wait for each other and never deadlock. Whatever a commit is
//! judged by, unique keys included, is read under that lock. Readers wait for
//! nobody (WAL). Calls block their thread.
//!
//! A record is damaged when its row is not what a writer of ours leaves: someone
//! else changed it. An index of such rows (`records_suspect`), which SQLite
//! itself keeps, lets every listing name them without reading the others.

mod collection;
mod commit;
mod connection;
mod declared;
mod errors;
mod query;
mod remove;
mod row;
mod schema;

use std::{
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use rusqlite::Connection;

use self::{
    collection::SqliteCollection,
    connection::{Handle, Witness},
    declared::declare,
    schema::connect,
};
use crate::{
    fs::Durability,
    seam::{Backend, Clock, Collection, CollectionSpec, Result, Site},
};

/// The page size where [`SqliteOptions`] say no other.
pub const DEFAULT_PAGE_SIZE: u32 = 100;

/// How a database is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    /// What an acknowledged write survives. With [`Durability::Process`] a loss
    /// of power may also damage the database itself.
    pub durability: Durability,
    /// How many records a page has where the caller does not say, at least 1.
    pub page_size: u32,
    /// How long a write waits for those of others; longer than some 25 days is that.
    pub busy_timeout: Duration,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Full,
            page_size: DEFAULT_PAGE_SIZE,
            busy_timeout: Duration::from_secs(10),
        }
    }
}

/// Collections in one SQLite database. Every collection that is opened has a
/// connection of its own.
pub struct SqliteBackend {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    options: SqliteOptions,
    /// The connection that `open` made, for the first collection.
    spare: Mutex<Option<Connection>>,
    witness: Option<Witness>,
}

impl SqliteBackend {
    /// Opens the database at `path`, and makes it where there is none or an
    /// empty file; its directory must exist. A relative path is one of the
    /// directory that the process works in now, wherever it goes later on.
    /// What is made only its owner may read.
    /// `clock` decides what has expired.
    ///
    /// # Errors
    /// `Io` when it can't be opened or made; `Backend` when it is something
    /// else than a database of ours, or one of another layout or of a newer
    /// release.
    pub fn open(
        path: impl Into<PathBuf>,
        clock: Arc<dyn Clock>,
        options: SqliteOptions,
    ) -> Result<Self> {
        let path = path.into();
        // An empty path has no absolute form: it can't be opened, as SQLite will say.
        let path = std::path::absolute(&path).unwrap_or(path);
        let options = SqliteOptions { page_size: options.page_size.max(1), ..options };
        // SQLite would have others read what it makes. What it can't make, it says.
        drop(OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path));
        let connection = connect(&path, &options, &Site::new("open", &Arc::from(""), None))?;
        Ok(Self { path, clock, options, spare: Mutex::new(Some(connection)), witness: None })
    }

    /// Calls `witness` before every transaction of the collections that are opened from now
    /// on, on the thread that makes it, when it holds nothing yet: for who counts them, or
    /// decides who comes next.
    #[must_use]
    pub fn with_witness(self, witness: impl Fn() + Send + Sync + 'static) -> Self {
        Self { witness: Some(Arc::new(witness)), ..self }
    }

    /// Where the database is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn take_spare(&self) -> Option<Connection> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[async_trait]
impl Backend for SqliteBackend {
    async fn open(&self, spec: CollectionSpec) -> Result<Arc<dyn Collection>> {
        spec.validate()?;
        let site = Site::new("open", &spec.name, None);
        let connection = match self.take_spare() {
            Some(connection) => connection,
            None => connect(&self.path, &self.options, &site)?,
        };
        let handle = Handle::new(connection, Arc::clone(&spec.name), self.witness.clone());
        declare(&handle, &spec, &site)?;
        let clock = Arc::clone(&self.clock);
        Ok(Arc::new(SqliteCollection::new(handle, spec, clock, self.options.page_size)))
    }
}
