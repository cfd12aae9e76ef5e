//! The hybrid backend over SQLite: reading from memory, filling it, writing through.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    pin::pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, Waker},
};

use rusqlite::{Connection, params};
use storeproof::{
    backend::{
        hybrid::HybridBackend,
        memory::MemoryBackend,
        sqlite::{SqliteBackend, SqliteOptions},
    },
    seam::{Backend, RecordId, SystemClock},
    workspace::{entities::Resource, json::Json, repository::Repository, store::WorkspaceStore},
};
use tempfile::TempDir;

use crate::measure::{Contender, Row};

/// How many resources a workspace has.
const RESOURCES: u64 = 100_000;

/// How many are written at once.
const BATCH: u64 = 100;

pub fn rows() -> Vec<Row> {
    vec![
        Row {
            what: "hybrid, get a resource's record".into(),
            unit: "gets",
            goal: ">= 1 000 000 a core",
            ours: Contender::new("storeproof", get_from_hybrid),
            baselines: vec![Contender::new("the memory backend alone", get_from_memory)],
        },
        Row {
            what: "hybrid, hydrating 100 000 resources from SQLite".into(),
            unit: "times",
            goal: ">= 0.5 (each in under 2 s)",
            ours: Contender::new("storeproof", hydrate),
            baselines: vec![Contender::new("rusqlite 0.41.1, a SELECT of all rows", select)],
        },
        Row {
            what: "upsert resources through SQLite, batches of 100".into(),
            unit: "resources",
            goal: ">= 5 000",
            ours: Contender::new("storeproof", upsert),
            baselines: vec![Contender::new("rusqlite 0.41.1, INSERT OR REPLACE", insert)],
        },
    ]
}

fn done<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("nobody else is there"),
    }
}

/// About 400 bytes of JSON.
fn resource(number: u64) -> Resource {
    let mut config = String::from("{");
    for place in 0..8 {
        let comma = if place == 0 { "" } else { "," };
        write!(config, r#"{comma}"setting-{place}":"value {number}""#).expect("a text");
    }
    Resource {
        id: format!("resource-{number:08}"),
        identifier: format!("cluster/namespace/{number:08}"),
        name: format!("resource {number}"),
        kind: "kubernetes".to_owned(),
        version: "v1".to_owned(),
        workspace_id: "bench".to_owned(),
        config: Json::parse(&(config + "}")).expect("an object"),
        metadata: Json::parse(r#"{"region":"north"}"#).expect("an object"),
        ..Resource::default()
    }
}

fn open(path: &Path) -> SqliteBackend {
    let opened = SqliteBackend::open(path, Arc::new(SystemClock), SqliteOptions::default());
    opened.expect("it opens")
}

fn workspace(durable: Arc<dyn Backend>) -> WorkspaceStore {
    let builder = WorkspaceStore::builder("bench", Arc::new(SystemClock)).durable(durable);
    done(builder.all_hybrid().open()).expect("it opens")
}

/// A database with all the resources, made once.
fn filled() -> &'static Path {
    static FILLED: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = FILLED.get_or_init(|| {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("filled.db");
        let store = workspace(Arc::new(open(&path)));
        for first in (0..RESOURCES).step_by(1_000) {
            let batch: Vec<Resource> = (first..first + 1_000).map(resource).collect();
            done(store.resources().upsert_batch(&batch)).expect("they are written");
        }
        (directory, path)
    });
    path
}

fn get_all(backend: &dyn Backend, count: u64) {
    let collection = done(backend.open(Repository::<Resource>::spec("bench"))).expect("it opens");
    let ids: Vec<RecordId> = (0..1_000)
        .map(|number| RecordId::new(resource(number * 97 % RESOURCES).id).expect("an id"))
        .collect();
    for id in ids.iter().cycle().take(usize::try_from(count).expect("so many")) {
        done(collection.get(id)).expect("it is there");
    }
}

/// A working set that is filled once.
fn get_from_hybrid(_job: u64, count: u64) {
    static HYBRID: OnceLock<HybridBackend> = OnceLock::new();
    let hybrid = HYBRID.get_or_init(|| {
        let hybrid = HybridBackend::new(Arc::new(open(filled())), Arc::new(SystemClock));
        done(hybrid.open(Repository::<Resource>::spec("bench"))).expect("it opens");
        hybrid
    });
    get_all(hybrid, count);
}

fn get_from_memory(_job: u64, count: u64) {
    static MEMORY: OnceLock<MemoryBackend> = OnceLock::new();
    let memory = MEMORY.get_or_init(|| {
        let memory = MemoryBackend::new(Arc::new(SystemClock));
        let store = workspace(Arc::new(memory.clone()));
        for number in 0..RESOURCES {
            let resource = resource(number);
            done(store.resources().upsert(&[&resource.id.clone()], resource)).expect("written");
        }
        memory
    });
    get_all(memory, count);
}

/// Fills so many working sets.
fn hydrate(_job: u64, count: u64) {
    for _ in 0..count {
        let hybrid = HybridBackend::new(Arc::new(open(filled())), Arc::new(SystemClock));
        done(hybrid.open(Repository::<Resource>::spec("bench"))).expect("it opens");
    }
}

fn select(_job: u64, count: u64) {
    for _ in 0..count {
        let connection = Connection::open(filled()).expect("it opens");
        let mut all = connection
            .prepare("SELECT id, data FROM records ORDER BY collection, id")
            .expect("a statement");
        let rows = all
            .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)))
            .expect("rows");
        let bytes: usize = rows.map(|row| row.expect("a row").1.len()).sum();
        assert!(bytes > 0, "there are resources");
    }
}

/// Synced, on the disk of the temporary directory.
fn upsert(_job: u64, count: u64) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = workspace(Arc::new(open(&directory.path().join("db"))));
    for first in (0..count).step_by(usize::try_from(BATCH).expect("small")) {
        let batch: Vec<Resource> = (first..first + BATCH).map(resource).collect();
        done(store.resources().upsert_batch(&batch)).expect("they are written");
    }
}

fn insert(_job: u64, count: u64) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut connection = Connection::open(directory.path().join("db")).expect("it opens");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE resources (id TEXT PRIMARY KEY, identifier TEXT UNIQUE, data BLOB)",
        )
        .expect("a table");
    for first in (0..count).step_by(usize::try_from(BATCH).expect("small")) {
        let transaction = connection.transaction().expect("a transaction");
        for number in first..first + BATCH {
            let resource = resource(number);
            let data = storeproof::workspace::entity::Entity::to_document(&resource).to_text();
            transaction
                .prepare_cached("INSERT OR REPLACE INTO resources VALUES (?1, ?2, ?3)")
                .expect("a statement")
                .execute(params![resource.id, resource.identifier, data.as_bytes()])
                .expect("it is written");
        }
        transaction.commit().expect("it is synced");
    }
}
