//! The backends that every rule is tried on, and what a rule needs.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use storeproof::{
    backend::{
        file::{FileBackend, FileOptions},
        hybrid::HybridBackend,
        memory::MemoryBackend,
        sqlite::{SqliteBackend, SqliteOptions},
    },
    fs::{Durability, Fs, OsFs},
    seam::{
        Backend, Clock, Collection, CollectionSpec, Error, Instant, ListQuery, Payload, Record,
        RecordId,
    },
    sim::{
        disk::{SimDisk, SimFs},
        entropy::SimEntropy,
        executor::Sim,
    },
};
use tempfile::TempDir;

/// A new, empty storage: its clock decides what has expired, its pages have
/// [`PAGE_SIZE`] records.
type NewStorage = fn(Arc<dyn Clock>) -> Arc<dyn Backend>;

/// Every backend. A new one is one line here.
const BACKENDS: &[(&str, NewStorage)] = &[
    ("memory", |clock| Arc::new(MemoryBackend::new(clock).with_page_size(PAGE_SIZE))),
    ("file", |clock| Arc::new(file(SimFs::new(SimDisk::new(), Sim::default()), clock))),
    ("file-os", |clock| {
        let directory = tempfile::tempdir().unwrap();
        let fs = OsFs::open(directory.path()).unwrap().with_durability(Durability::Process);
        Arc::new(InDirectory { backend: file(fs, clock), _directory: directory })
    }),
    ("sqlite", |clock| {
        let directory = tempfile::tempdir().unwrap();
        let options = SqliteOptions {
            durability: Durability::Process,
            page_size: PAGE_SIZE,
            ..SqliteOptions::default()
        };
        let backend = SqliteBackend::open(directory.path().join("db"), clock, options).unwrap();
        Arc::new(InDirectory { backend, _directory: directory })
    }),
    ("hybrid", |clock| {
        let durable = Arc::new(MemoryBackend::new(Arc::clone(&clock)));
        Arc::new(HybridBackend::new(durable, clock).with_page_size(PAGE_SIZE))
    }),
];

fn file<F: Fs>(fs: F, clock: Arc<dyn Clock>) -> FileBackend<F> {
    let options = FileOptions { page_size: PAGE_SIZE, ..FileOptions::default() };
    FileBackend::new(fs, clock, Arc::new(SimEntropy::new(1))).with_options(options)
}

/// A backend with the directory that it needs.
struct InDirectory<B> {
    backend: B,
    _directory: TempDir,
}

#[async_trait]
impl<B: Backend> Backend for InDirectory<B> {
    async fn open(&self, spec: CollectionSpec) -> Result<Arc<dyn Collection>, Error> {
        self.backend.open(spec).await
    }
}

/// Small, so that three records need two pages.
pub(crate) const PAGE_SIZE: u32 = 2;

/// A clock that shows what it is told.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<Mutex<Instant>>);

impl TestClock {
    pub(crate) fn set(&self, now: Instant) {
        *self.0.lock().unwrap() = now;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        *self.0.lock().unwrap()
    }
}

/// What a rule is tried on.
pub(crate) struct World {
    pub(crate) backend: Arc<dyn Backend>,
    /// Shows [`at`]`(0)` until it is set.
    pub(crate) clock: TestClock,
}

impl World {
    pub(crate) async fn open(&self, spec: CollectionSpec) -> Arc<dyn Collection> {
        self.backend.open(spec).await.expect("the collection opens")
    }

    /// A collection without keys.
    pub(crate) async fn plain(&self) -> Arc<dyn Collection> {
        self.open(CollectionSpec::new("plain")).await
    }
}

/// A rule, by name.
pub(crate) type Rule = (&'static str, fn(&World) -> Pin<Box<dyn Future<Output = ()> + '_>>);

/// The rules that these functions are, each under its own name.
macro_rules! rules {
    ($($rule:ident),+ $(,)?) => {
        &[$((stringify!($rule), |world| Box::pin($rule(world)))),+]
    };
}
pub(crate) use rules;

/// Tries every rule on every backend, each on a new storage; fails with the
/// names of those that don't hold.
pub(crate) fn every_backend_keeps(rules: &[Rule]) {
    let mut broken = Vec::new();
    for (backend, new_storage) in BACKENDS {
        for (name, rule) in rules {
            let clock = TestClock(Arc::new(Mutex::new(at(0))));
            let world = World { backend: new_storage(Arc::new(clock.clone())), clock };
            // The rule's own assertion says what was wrong, before this.
            if catch_unwind(AssertUnwindSafe(|| wait(rule(&world)))).is_err() {
                broken.push(format!("{backend}: {name}"));
            }
        }
    }
    assert!(broken.is_empty(), "these rules don't hold:\n{}", broken.join("\n"));
}

/// Runs what never has to wait: a lone client.
#[track_caller]
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a lone client had to wait"),
    }
}

/// The first day of 2026, and that many seconds.
pub(crate) fn at(seconds: i64) -> Instant {
    Instant::new(1_767_225_600 + seconds, 0).unwrap()
}

pub(crate) fn id(text: &str) -> RecordId {
    RecordId::new(text).unwrap()
}

pub(crate) fn payload(text: &str) -> Payload {
    Payload::new(text.as_bytes())
}

/// A JSON record, created and changed at [`at`]`(0)`.
pub(crate) fn record(text: &str, json: &str) -> Record {
    Record::json(id(text), payload(json), at(0))
}

pub(crate) fn record_at(text: &str, json: &str, seconds: i64) -> Record {
    Record::json(id(text), payload(json), at(seconds))
}

/// The record with an end.
pub(crate) fn until(record: Record, seconds: i64) -> Record {
    Record { expires_at: Some(at(seconds)), ..record }
}

/// The kind of error, for telling assertions.
#[track_caller]
pub(crate) fn error_of<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    match result {
        Ok(value) => panic!("an error was expected, not {value:?}"),
        Err(error) => error.kind().name(),
    }
}

/// The ids of records, in their order.
pub(crate) fn ids(records: &[Record]) -> Vec<&str> {
    records.iter().map(|record| record.id.as_str()).collect()
}

/// The ids that a listing by pages of `limit` gives, those of damaged records with `!`.
pub(crate) fn pages(collection: &dyn Collection, limit: u32) -> Vec<String> {
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let query = ListQuery { limit: Some(limit), cursor, ..ListQuery::default() };
        let page = wait(collection.list(&query)).expect("a page");
        let count = page.damaged.len() + page.records.len();
        assert!(count <= limit as usize, "{count} on a page of {limit}");
        listed.extend(page.damaged.iter().map(|damaged| format!("{}!", damaged.id)));
        listed.extend(page.records.iter().map(|record| record.id.to_string()));
        assert!(listed.len() < 100, "the pages never end: {listed:?}");
        match page.next_cursor {
            None => return listed,
            next => cursor = next,
        }
    }
}
