//! A working set in memory over a durable backend: reads at the speed of memory,
//! every write through to the durable half first.
//!
//! | file | what it is about |
//! |---|---|
//! | `mirror.rs` | the memory half: what it holds, and what is in doubt |
//! | `hydrate.rs` | reading everything that the durable half holds |
//! | `collection.rs` | the operations of a collection |
//!
//! **One story.** A write is done by the durable half, and judged by it: conditions
//! and unique keys as well. Memory changes only after that, for all records of a commit at
//! once, to what the durable half then says is there; it is not asked about what the call
//! alone decides (a creation, a delete). Calls that write the same
//! records come one after the other, in the order in which they began; with unique
//! keys, and where nobody can say beforehand which record it will be, all calls that
//! write do: two that depend on each other never reach memory in another order than
//! they had below.
//!
//! **In doubt** is a record whose write may or may not have happened: the durable half
//! said so, or the caller gave up. Nothing is answered about it until it can't happen any
//! more ([`Collection::settle`]) and was read back; while that fails, what would need it
//! fails.
//!
//! **Expired** records are gone for readers: where the clock goes back, those that the
//! durable half has are seen again after a refresh.
//!
//! **Others** who change the durable half are not noticed by readers. What they did is
//! seen after [`HybridBackend::refresh`], and of a record at the latest when a write to
//! it is refused. All collections of one name that one `HybridBackend` opens share their
//! memory; another one, or another process, has its own.

mod collection;
mod hydrate;
mod mirror;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use self::{collection::HybridCollection, mirror::Mirror};
use crate::seam::{Backend, Clock, Collection, CollectionSpec, Result};

/// The page size where [`HybridBackend::with_page_size`] says no other.
pub const DEFAULT_PAGE_SIZE: u32 = 100;

/// How far a collection is read that is being opened or refreshed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hydration {
    /// The collection's name.
    pub collection: Arc<str>,
    /// How many records were read so far.
    pub records: usize,
    /// How many of them are damaged.
    pub damaged: usize,
    /// Whether these are all.
    pub is_complete: bool,
}

/// Who is told of it.
type Watch = Arc<dyn Fn(&Hydration) + Send + Sync>;

/// A working set over a durable backend. Clones share it.
#[derive(Clone)]
pub struct HybridBackend {
    durable: Arc<dyn Backend>,
    clock: Arc<dyn Clock>,
    page_size: u32,
    watch: Watch,
    mirrors: Arc<Mutex<BTreeMap<Arc<str>, Opened>>>,
}

/// A collection that was opened.
#[derive(Clone)]
struct Opened {
    mirror: Arc<Mirror>,
    /// The handle that was opened first, for reading everything anew.
    durable: Arc<dyn Collection>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl HybridBackend {
    /// A working set, empty until collections are opened, over `durable`. `clock`
    /// decides what has expired to readers; it should be the one that the durable half
    /// has.
    #[must_use]
    pub fn new(durable: Arc<dyn Backend>, clock: Arc<dyn Clock>) -> Self {
        Self {
            durable,
            clock,
            page_size: DEFAULT_PAGE_SIZE,
            watch: Arc::new(|_| {}),
            mirrors: Arc::default(),
        }
    }

    /// With another default page size, at least 1, for collections opened from now on.
    #[must_use]
    pub fn with_page_size(mut self, page_size: u32) -> Self {
        self.page_size = page_size.max(1);
        self
    }

    /// Tells `watch` after every page that is read when a collection is opened or
    /// refreshed.
    #[must_use]
    pub fn with_progress(mut self, watch: impl Fn(&Hydration) + Send + Sync + 'static) -> Self {
        self.watch = Arc::new(watch);
        self
    }

    /// Reads every open collection anew: what others changed in the durable half before
    /// this call is seen after it. Readers go on with what there was, and see the new
    /// state of a collection all at once; writers wait.
    ///
    /// # Errors
    /// When the durable half can't be read. The collection that failed, and those after
    /// it by name, stay as they were.
    pub async fn refresh(&self) -> Result<()> {
        let all: Vec<Opened> = locked(&self.mirrors).values().cloned().collect();
        for Opened { mirror, durable } in all {
            let _turn = mirror.turns.everything().await;
            mirror.hydrate(&*durable, &self.watch).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Backend for HybridBackend {
    /// Opens the collection below, and the first time reads all of it: no read is
    /// served before. Damaged records are named by listings, the others are served.
    async fn open(&self, spec: CollectionSpec) -> Result<Arc<dyn Collection>> {
        let durable = self.durable.open(spec.clone()).await?;
        let opened = locked(&self.mirrors)
            .entry(Arc::clone(&spec.name))
            .or_insert_with(|| Opened { mirror: Arc::default(), durable: Arc::clone(&durable) })
            .clone();
        let mirror = opened.mirror;
        if !mirror.is_hydrated() {
            let _turn = mirror.turns.everything().await;
            // Somebody else may have done it meanwhile.
            if !mirror.is_hydrated() {
                mirror.hydrate(&*durable, &self.watch).await?;
            }
        }
        let clock = Arc::clone(&self.clock);
        Ok(Arc::new(HybridCollection::new(
            durable,
            mirror,
            spec,
            clock,
            self.page_size,
            &self.watch,
        )))
    }
}
