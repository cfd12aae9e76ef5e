//! The SQLite backend: what is its own, beside the rules that every backend
//! keeps.

mod damage;
mod keys;
mod opening;
mod processes;
mod writers;

use std::{path::Path, sync::Arc};

use rusqlite::Connection;
use storeproof::{
    backend::sqlite::{SqliteBackend, SqliteOptions},
    fs::Durability,
    seam::{
        Backend, Collection, CollectionSpec, Instant, KeySpec, Payload, Record, RecordId, Result,
    },
};

use super::backends::wait;

struct Still;

impl storeproof::seam::Clock for Still {
    fn now(&self) -> Instant {
        Instant::UNIX_EPOCH
    }
}

fn backend(path: &Path) -> Result<SqliteBackend> {
    let options = SqliteOptions { durability: Durability::Process, ..SqliteOptions::default() };
    SqliteBackend::open(path, Arc::new(Still), options)
}

fn open(path: &Path, spec: CollectionSpec) -> Arc<dyn Collection> {
    wait(backend(path).unwrap().open(spec)).unwrap()
}

/// A collection with a unique key and a shared one.
fn things() -> CollectionSpec {
    CollectionSpec::new("things")
        .with_keys([KeySpec::unique("key", &["/key"]), KeySpec::shared("tag", &["/tag", "/more"])])
}

fn id(text: &str) -> RecordId {
    RecordId::new(text).unwrap()
}

fn record(text: &str, json: &str) -> Record {
    let data = Payload::json(json.as_bytes()).unwrap();
    Record::json(id(text), data, Instant::UNIX_EPOCH)
}

/// The database, as another program sees it.
fn someone_else(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}
