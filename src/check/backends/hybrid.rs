//! The hybrid backend under proof, over another one.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{
    BackendUnderTest, Capabilities, Simulated, Sqlite, Storage, World,
    layered::{Layer, Layered},
};
use crate::{
    backend::hybrid::HybridBackend,
    seam::{
        Backend, Clock, Collection, CollectionSpec, Found, ListQuery, Page, Record, RecordId,
        Result, Selection, Write,
    },
    sim::{clock::SimClock, executor::Sim, scheduled::Scheduled},
};

/// A working set over a durable half, which all handles on one storage share as those
/// of one process do.
pub struct Hybrid {
    name: &'static str,
    durable: Box<dyn BackendUnderTest>,
    make: Arc<MakeWorkingSet>,
}

impl Hybrid {
    /// What it is called over the simulated disk.
    pub const OVER_FILE: &str = "hybrid";
    /// What it is called over SQLite.
    pub const OVER_SQLITE: &str = "hybrid-sqlite";

    /// Over the file backend on the simulated disk.
    #[must_use]
    pub fn over_file() -> Self {
        Self::over(Self::OVER_FILE, Box::new(Simulated::file()))
    }

    /// Over SQLite, with databases below `scratch`.
    #[must_use]
    pub fn over_sqlite(scratch: &Path) -> Self {
        Self::over(Self::OVER_SQLITE, Box::new(Sqlite::new(scratch)))
    }

    /// Over any other one, by that name.
    #[must_use]
    pub fn over(name: &'static str, durable: Box<dyn BackendUnderTest>) -> Self {
        Self { name, durable, make: Arc::new(our_own) }
    }

    /// The same with working sets of another make: a wrong one, say.
    #[must_use]
    pub fn with_working_set(self, make: Arc<MakeWorkingSet>) -> Self {
        Self { make, ..self }
    }
}

impl BackendUnderTest for Hybrid {
    fn name(&self) -> &'static str {
        self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // Calls of the durable half that has none get them.
            has_points: true,
            // Each would have a working set of its own.
            processes: false,
            steady_clock: true,
            ..self.durable.capabilities()
        }
    }

    fn storage(&self, world: &World<'_>) -> Result<Box<dyn Storage>> {
        let settings = Settings {
            sim: (!self.durable.capabilities().has_points).then(|| world.sim.clone()),
            clock: Arc::new(world.clock.clone()),
            page_size: world.page_size,
        };
        let working_set = WorkingSet::new(settings, Arc::clone(&self.make));
        Ok(Box::new(Layered::new(self.durable.storage(world)?, working_set)))
    }
}

/// Makes a working set over a durable half. A page size that is none is its own.
pub type MakeWorkingSet =
    dyn Fn(Arc<dyn Backend>, Arc<dyn Clock>, Option<u32>) -> Arc<dyn Backend> + Send + Sync;

fn our_own(
    durable: Arc<dyn Backend>,
    clock: Arc<dyn Clock>,
    page_size: Option<u32>,
) -> Arc<dyn Backend> {
    let hybrid = HybridBackend::new(durable, clock);
    Arc::new(match page_size {
        Some(size) => hybrid.with_page_size(size),
        None => hybrid,
    })
}

/// The working set that all handles on a storage share, over handles of the storage.
struct WorkingSet {
    settings: Settings,
    make: Arc<MakeWorkingSet>,
    /// Once there is one.
    shared: Mutex<Option<Arc<dyn Backend>>>,
}

/// What is the same for all of them.
#[derive(Clone)]
struct Settings {
    /// Where the durable half has no scheduling points of its own.
    sim: Option<Sim>,
    clock: Arc<SimClock>,
    page_size: Option<u32>,
}

impl WorkingSet {
    fn new(settings: Settings, make: Arc<MakeWorkingSet>) -> Self {
        Self { settings, make, shared: Mutex::default() }
    }

    fn shared(&self) -> MutexGuard<'_, Option<Arc<dyn Backend>>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Layer for WorkingSet {
    fn handle(&self, below: &dyn Storage) -> Result<Arc<dyn Backend>> {
        let mut shared = self.shared();
        if let Some(shared) = &*shared {
            return Ok(Arc::clone(shared));
        }
        let settings = self.settings.clone();
        let (clock, page_size) = (Arc::clone(&settings.clock), settings.page_size);
        let durable = Arc::new(DurableHalf { inner: below.handle()?, settings });
        Ok(Arc::clone(shared.insert((self.make)(durable, clock, page_size))))
    }

    fn restart(&self) -> bool {
        self.shared().take().is_some()
    }

    fn after_a_crash(&self) -> Self {
        Self::new(self.settings.clone(), Arc::clone(&self.make))
    }
}

/// The durable half, with scheduling points at its calls where it has none of its own.
///
/// Reading back is not what a call is about: when it happened, the write's own look at
/// the clock says.
struct DurableHalf {
    inner: Arc<dyn Backend>,
    settings: Settings,
}

#[async_trait]
impl Backend for DurableHalf {
    async fn open(&self, spec: CollectionSpec) -> Result<Arc<dyn Collection>> {
        let mut inner = self.inner.open(spec).await?;
        if let Some(sim) = &self.settings.sim {
            inner = Arc::new(Scheduled::new(inner, sim.clone()));
        }
        Ok(Arc::new(DurableCollection { inner, clock: Arc::clone(&self.settings.clock) }))
    }
}

struct DurableCollection {
    inner: Arc<dyn Collection>,
    clock: Arc<SimClock>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Collection for DurableCollection {
    fn spec(&self) -> &CollectionSpec {
        self.inner.spec()
    }

    async fn get(&self, id: &RecordId) -> Result<Record> {
        let look = self.clock.look();
        let got = self.inner.get(id).await;
        look.end();
        got
    }

    async fn find(&self, key: &str, parts: &[&str]) -> Result<Found> {
        self.inner.find(key, parts).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        let look = self.clock.look();
        let listed = self.inner.list(query).await;
        look.end();
        listed
    }

    async fn count(&self, selection: &Selection) -> Result<u64> {
        self.inner.count(selection).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        self.inner.commit(writes).await
    }

    async fn claim(&self, selection: &Selection) -> Result<Record> {
        self.inner.claim(selection).await
    }

    async fn purge_expired(&self) -> Result<u64> {
        self.inner.purge_expired().await
    }

    async fn quarantine(&self, id: &RecordId, expected: &[u8]) -> Result<()> {
        self.inner.quarantine(id, expected).await
    }

    async fn settle(&self) -> Result<()> {
        self.inner.settle().await
    }
}
