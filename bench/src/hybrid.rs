//! The hybrid backend over SQLite: reading from memory, filling it, writing through.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    pin::pin,
    sync::{Arc, LazyLock, Mutex, OnceLock},
    task::{Context, Poll, Waker},
};

use rusqlite::{Connection, params};
use storeproof::{
    backend::{
        hybrid::HybridBackend,
        memory::MemoryBackend,
        sqlite::{SqliteBackend, SqliteOptions},
    },
    fs::Durability,
    seam::{Backend, Clock, Collection, Record, RecordId, SystemClock, Write},
    workspace::{
        entities::Resource, entity::Entity, json::Json, kind::Kind, repository::Repository,
        store::WorkspaceStore,
    },
};
use tempfile::TempDir;

use crate::measure::{Contender, Row};

/// How many resources a workspace has.
const RESOURCES: u64 = 100_000;

/// How many are written at once.
const BATCH: u64 = 100;

/// How many there are where they are replaced again and again.
const REPLACED: u64 = 20_000;

pub fn rows() -> Vec<Row> {
    let upserts = |what: &str, resources: u64| Row {
        what: format!("{what} resources, synced, batches of 100"),
        unit: "resources",
        goal: ">= 5 000 a core",
        ours: upsert("storeproof, hybrid over SQLite", resources, || through_store(true)),
        baselines: vec![
            upsert("storeproof, SQLite alone", resources, || through_store(false)),
            upsert("rusqlite 0.41.1, INSERT OR REPLACE", resources, through_statement),
        ],
    };
    let filled = Arc::new(LazyLock::new(filled as fn() -> Filled));
    let (to_get, to_hydrate, to_select) = (Arc::clone(&filled), Arc::clone(&filled), filled);
    vec![
        Row {
            what: "hybrid, get a resource's record".into(),
            unit: "gets",
            goal: ">= 1 000 000 a core",
            ours: get("storeproof", move || hydrated(&to_get)),
            baselines: vec![get("the memory backend alone", in_memory)],
        },
        Row {
            what: "hydrate 100 000 resources from SQLite".into(),
            unit: "times",
            goal: ">= 0.5 a core (each in under 2 s)",
            ours: Contender::new("storeproof, hybrid", move |_, times| {
                (0..times).for_each(|_| drop(hydrated(&to_hydrate)));
            }),
            baselines: vec![Contender::new(
                "rusqlite 0.41.1, a SELECT of them",
                move |_, times| {
                    (0..times).for_each(|_| select(&to_select));
                },
            )],
        },
        upserts("create", u64::MAX),
        upserts("replace", REPLACED),
    ]
}

fn done<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("nobody else is there"),
    }
}

/// About 500 bytes of JSON.
fn resource(number: u64, version: u64) -> Resource {
    let mut config = String::from("{");
    for place in 0..8 {
        let comma = if place == 0 { "" } else { "," };
        write!(config, r#"{comma}"setting-{place}":"value {version}""#).expect("a text");
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

fn open(path: &Path) -> Arc<dyn Backend> {
    let opened = SqliteBackend::open(path, Arc::new(SystemClock), SqliteOptions::default());
    Arc::new(opened.expect("it opens"))
}

fn collection(backend: &dyn Backend) -> Arc<dyn Collection> {
    done(backend.open(Repository::<Resource>::spec("bench"))).expect("it opens")
}

fn fill(collection: &dyn Collection) {
    let create = |number| {
        let resource = resource(number, 0);
        let id = RecordId::new(resource.id.as_str()).expect("an id");
        Write::create(Record::json(id, resource.to_payload(), SystemClock.now()))
    };
    for first in (0..RESOURCES).step_by(1_000) {
        done(collection.commit((first..first + 1_000).map(create).collect())).expect("written");
    }
}

/// A database with all the resources.
struct Filled {
    path: PathBuf,
    _directory: TempDir,
}

fn filled() -> Filled {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("db");
    let options = SqliteOptions { durability: Durability::Process, ..SqliteOptions::default() };
    let backend = SqliteBackend::open(&path, Arc::new(SystemClock), options);
    fill(&*collection(&backend.expect("it opens")));
    Filled { path, _directory: directory }
}

fn in_memory() -> Arc<dyn Collection> {
    let collection = collection(&MemoryBackend::new(Arc::new(SystemClock)));
    fill(&*collection);
    collection
}

/// A working set with all that the database has.
fn hydrated(database: &Filled) -> Arc<dyn Collection> {
    let last = Arc::new(Mutex::new(None));
    let told = Arc::clone(&last);
    let hybrid = HybridBackend::new(open(&database.path), Arc::new(SystemClock))
        .with_progress(move |progress| *told.lock().expect("no panic") = Some(progress.clone()));
    let collection = collection(&hybrid);
    let last = last.lock().expect("no panic").take().expect("progress was told");
    assert!(last.is_complete && last.records as u64 == RESOURCES, "{last:?}");
    collection
}

/// Gets records by ids that lie far from each other; all threads read one collection.
fn get(name: &str, make: impl Fn() -> Arc<dyn Collection> + Sync + 'static) -> Contender {
    let made: OnceLock<(Arc<dyn Collection>, Vec<RecordId>)> = OnceLock::new();
    Contender::new(name, move |job, count| {
        let (collection, ids) = made.get_or_init(|| {
            let numbers = (0..RESOURCES).map(|number| number * 61_803 % RESOURCES);
            let id = |number| RecordId::new(resource(number, 0).id).expect("an id");
            (make(), numbers.map(id).collect())
        });
        let first = usize::try_from(job * 31).expect("few threads");
        let ids = ids.iter().cycle().skip(first);
        for id in ids.take(usize::try_from(count).expect("so many")) {
            done(collection.get(id)).expect("it is there");
        }
    })
}

fn select(database: &Filled) {
    let connection = Connection::open(&database.path).expect("it opens");
    let mut all = connection
        .prepare("SELECT id, data FROM records ORDER BY collection, id")
        .expect("a statement");
    let rows = all
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .expect("rows");
    let rows: Vec<(String, Vec<u8>)> = rows.collect::<Result<_, _>>().expect("rows");
    assert_eq!(rows.len() as u64, RESOURCES);
}

/// Writes a batch to a storage of its own, synced, on the disk of the temporary directory.
type Writer = Box<dyn FnMut(&[Resource]) + Send>;

/// Writes so many different resources, and then these again and again; every thread has
/// its own storage.
fn upsert(name: &str, resources: u64, writer: fn() -> Writer) -> Contender {
    let writers: Mutex<BTreeMap<u64, Arc<Mutex<(Writer, u64)>>>> = Mutex::default();
    Contender::new(name, move |job, count| {
        let own = {
            let mut writers = writers.lock().expect("no panic");
            Arc::clone(writers.entry(job).or_insert_with(|| Arc::new(Mutex::new((writer(), 0)))))
        };
        let (write, written) = &mut *own.lock().expect("no panic");
        let is_first = *written == 0 && resources < u64::MAX;
        let end = *written + count + if is_first { resources } else { 0 };
        while *written < end {
            let next = end.min(*written + BATCH);
            let numbers = *written..next;
            let batch: Vec<Resource> =
                numbers.map(|at| resource(at % resources, at / resources)).collect();
            write(&batch);
            *written = next;
        }
    })
}

fn through_store(is_hybrid: bool) -> Writer {
    let directory = tempfile::tempdir().expect("a directory");
    let durable = open(&directory.path().join("db"));
    let mut builder = WorkspaceStore::builder("bench", Arc::new(SystemClock)).durable(durable);
    if is_hybrid {
        builder = builder.hybrid(Kind::Resource);
    }
    let store = done(builder.open()).expect("it opens");
    Box::new(move |batch| {
        done(store.resources().upsert_batch(batch)).expect("they are written");
        assert_eq!(store.take_changes().len(), batch.len(), "in {directory:?}");
    })
}

fn through_statement() -> Writer {
    let directory = tempfile::tempdir().expect("a directory");
    let mut connection = Connection::open(directory.path().join("db")).expect("it opens");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE resources (id TEXT PRIMARY KEY, identifier TEXT UNIQUE, data BLOB)",
        )
        .expect("a table");
    Box::new(move |batch| {
        let transaction = connection.transaction().expect("a transaction");
        for resource in batch {
            let data = resource.to_document().to_text();
            transaction
                .prepare_cached("INSERT OR REPLACE INTO resources VALUES (?1, ?2, ?3)")
                .expect("a statement")
                .execute(params![resource.id, resource.identifier, data.as_bytes()])
                .expect("it is written");
        }
        transaction.commit().unwrap_or_else(|error| panic!("in {directory:?}: {error}"));
    })
}
