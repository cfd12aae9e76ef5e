//! The hybrid backend under proof, over another one.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{
    BackendUnderTest, Capabilities, Crashes, OlderSoftware, Simulated, Sqlite, Storage, World,
};
use crate::{
    backend::hybrid::HybridBackend,
    seam::{
        Backend, Collection, CollectionSpec, Found, ListQuery, Page, Record, RecordId, Result,
        Selection, Write,
    },
    sim::{clock::SimClock, disk::ImageKind, executor::Sim, scheduled::Scheduled},
};

/// A working set over a durable half, which all handles on one storage share as those
/// of one process do.
pub struct Hybrid {
    name: &'static str,
    durable: Box<dyn BackendUnderTest>,
}

impl Hybrid {
    /// What it is called over the simulated disk.
    pub const OVER_FILE: &str = "hybrid";
    /// What it is called over SQLite.
    pub const OVER_SQLITE: &str = "hybrid-sqlite";

    /// Over the file backend on the simulated disk.
    #[must_use]
    pub fn over_file() -> Self {
        Self { name: Self::OVER_FILE, durable: Box::new(Simulated::file()) }
    }

    /// Over SQLite, with databases below `scratch`.
    #[must_use]
    pub fn over_sqlite(scratch: &Path) -> Self {
        Self { name: Self::OVER_SQLITE, durable: Box::new(Sqlite::new(scratch)) }
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
            // A call waits for those before it, and nobody wakes a thread.
            threads: false,
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
        Ok(Box::new(HybridStorage::new(self.durable.storage(world)?, settings)))
    }
}

/// What every storage has in common.
#[derive(Clone)]
struct Settings {
    /// Where the durable half has no scheduling points of its own.
    sim: Option<Sim>,
    clock: Arc<SimClock>,
    page_size: Option<u32>,
}

struct HybridStorage {
    durable: Box<dyn Storage>,
    settings: Settings,
    /// What the handles share, once there is one.
    shared: Mutex<Option<HybridBackend>>,
}

impl HybridStorage {
    fn new(durable: Box<dyn Storage>, settings: Settings) -> Self {
        Self { durable, settings, shared: Mutex::default() }
    }

    fn shared(&self) -> MutexGuard<'_, Option<HybridBackend>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self) -> Result<HybridBackend> {
        let durable = Arc::new(DurableHalf {
            inner: self.durable.handle()?,
            settings: self.settings.clone(),
        });
        let hybrid = HybridBackend::new(durable, Arc::<SimClock>::clone(&self.settings.clock));
        Ok(match self.settings.page_size {
            Some(size) => hybrid.with_page_size(size),
            None => hybrid,
        })
    }
}

#[deny(clippy::missing_trait_methods)]
impl Storage for HybridStorage {
    fn handle(&self) -> Result<Arc<dyn Backend>> {
        let mut shared = self.shared();
        let hybrid = match &*shared {
            Some(hybrid) => hybrid.clone(),
            None => shared.insert(self.start()?).clone(),
        };
        Ok(Arc::new(hybrid))
    }

    fn restart(&self) -> bool {
        self.shared().take().is_some()
    }

    fn io_steps(&self) -> usize {
        self.durable.io_steps()
    }

    fn older_software(&self) -> Option<Arc<dyn OlderSoftware>> {
        self.durable.older_software()
    }

    fn file(&self, path: &str) -> Option<Arc<[u8]>> {
        self.durable.file(path)
    }

    fn holds(&self, bytes: &[u8]) -> bool {
        self.durable.holds(bytes)
    }

    fn outside(&self) -> Vec<String> {
        self.durable.outside()
    }

    fn directory(&self) -> Option<&Path> {
        self.durable.directory()
    }

    fn changes(&self) -> usize {
        self.durable.changes()
    }

    fn digest(&self) -> Option<u64> {
        self.durable.digest()
    }

    fn leftover(&self) -> Option<String> {
        self.durable.leftover()
    }

    fn crashes(&self, explore: &mut dyn FnMut(&mut dyn Crashes)) {
        self.durable.crashes(&mut |durable| {
            explore(&mut HybridCrashes { durable, settings: &self.settings });
        });
    }
}

/// The crashes of the durable half: of the other nothing is left.
struct HybridCrashes<'c> {
    durable: &'c mut dyn Crashes,
    settings: &'c Settings,
}

#[deny(clippy::missing_trait_methods)]
impl Crashes for HybridCrashes<'_> {
    fn position(&self) -> usize {
        self.durable.position()
    }

    fn advance(&mut self) -> bool {
        self.durable.advance()
    }

    fn next_matters(&self) -> bool {
        self.durable.next_matters()
    }

    fn kinds(&self, most: usize, seed: u64) -> Vec<ImageKind> {
        self.durable.kinds(most, seed)
    }

    fn image(&mut self, kind: &ImageKind) -> u64 {
        self.durable.image(kind)
    }

    fn storage(&mut self) -> Option<Box<dyn Storage>> {
        let durable = self.durable.storage()?;
        Some(Box::new(HybridStorage::new(durable, self.settings.clone())))
    }

    fn describe(&self, kind: &ImageKind) -> String {
        self.durable.describe(kind)
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
        let noted = self.clock.noted();
        let got = self.inner.get(id).await;
        self.clock.note(noted);
        got
    }

    async fn find(&self, key: &str, parts: &[&str]) -> Result<Found> {
        self.inner.find(key, parts).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        let noted = self.clock.noted();
        let listed = self.inner.list(query).await;
        self.clock.note(noted);
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
