//! Checks a backend of one's own by the models of storeproof.
//!
//! The backend here is a cache in front of a sound one that forgets to look
//! whether what it remembers is still there. Run it to see what storeproof says
//! of it:
//!
//! ```text
//! cargo run --release --example own_backend
//! ```

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use storeproof::{
    backend::memory::MemoryBackend,
    check::{
        backends::{BackendUnderTest, Capabilities, Storage, World},
        campaign::{self, Effort, Progress},
        crash::CrashCheck,
        verify::Target,
    },
    model::{collection::CollectionSubject, divergence::Divergences, subject::Subject},
    report::terminal,
    seam::{
        Backend, Collection, CollectionSpec, Found, ListQuery, Page, Record, RecordId, Result,
        Selection, Write,
    },
};

/// The backend under proof: another one, and records that were read before.
struct Cached(MemoryBackend);

struct CachedCollection {
    inner: Arc<dyn Collection>,
    read_before: Mutex<BTreeMap<RecordId, Record>>,
}

#[async_trait]
impl Backend for Cached {
    async fn open(&self, spec: CollectionSpec) -> Result<Arc<dyn Collection>> {
        let inner = self.0.open(spec).await?;
        Ok(Arc::new(CachedCollection { inner, read_before: Mutex::default() }))
    }
}

impl CachedCollection {
    fn cache<T>(&self, action: impl FnOnce(&mut BTreeMap<RecordId, Record>) -> T) -> T {
        action(&mut self.read_before.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Collection for CachedCollection {
    fn spec(&self) -> &CollectionSpec {
        self.inner.spec()
    }

    async fn get(&self, id: &RecordId) -> Result<Record> {
        if let Some(record) = self.cache(|cache| cache.get(id).cloned()) {
            return Ok(record);
        }
        let record = self.inner.get(id).await?;
        self.cache(|cache| cache.insert(id.clone(), record.clone()));
        Ok(record)
    }

    async fn find(&self, key: &str, parts: &[&str]) -> Result<Found> {
        self.inner.find(key, parts).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        self.inner.list(query).await
    }

    async fn count(&self, selection: &Selection) -> Result<u64> {
        self.inner.count(selection).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        for write in &writes {
            self.cache(|cache| cache.remove(write.id()));
        }
        self.inner.commit(writes).await
    }

    async fn claim(&self, selection: &Selection) -> Result<Record> {
        // Here is the mistake: what was claimed stays in the cache.
        self.inner.claim(selection).await
    }

    async fn purge_expired(&self) -> Result<u64> {
        self.inner.purge_expired().await
    }

    async fn quarantine(&self, id: &RecordId, expected: &[u8]) -> Result<()> {
        self.inner.quarantine(id, expected).await
    }
}

/// How storeproof makes storages of it.
struct CachedUnderTest;

struct CachedStorage(MemoryBackend);

impl BackendUnderTest for CachedUnderTest {
    fn name(&self) -> &'static str {
        "cached"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { threads: true, ..Capabilities::default() }
    }

    fn storage(&self, world: &World<'_>) -> Result<Box<dyn Storage>> {
        Ok(Box::new(CachedStorage(MemoryBackend::new(Arc::new(world.clock.clone())))))
    }
}

impl Storage for CachedStorage {
    fn handle(&self) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(Cached(self.0.clone())))
    }
}

fn main() -> ExitCode {
    let target = Target::<CollectionSubject> {
        backend: &CachedUnderTest,
        open: &|collection, surroundings| CollectionSubject::open(collection, surroundings),
        divergences: &Divergences::default(),
        crashes: CrashCheck::default(),
    };
    let effort = Effort { seed: 7, first: 0, cases: 2_000, jobs: 2 };
    let findings = campaign::run(&target, &effort, &Progress::default());
    for (case, found) in &findings.counterexamples {
        println!("case {case}, made small in {} runs:", found.executions);
        println!("{}", terminal::violation("collection", "cached", &found.violation));
    }
    println!("{} cases, {} violations", findings.cases, findings.totals.violations);
    ExitCode::from(u8::from(findings.totals.violations > 0))
}
