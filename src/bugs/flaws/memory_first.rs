//! A working set that changes before the durable half does.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;

use crate::{
    backend::memory::MemoryBackend,
    seam::{
        Backend, Clock, Collection, CollectionExt, CollectionSpec, Found, ListQuery, Page, Record,
        RecordId, Result, Selection, Write,
    },
};

/// A working set over a durable half: for the collections that are named, memory
/// changes first, and stays changed when the durable half fails. All others are
/// `sound`'s.
pub struct MemoryFirst {
    sound: Arc<dyn Backend>,
    memory: MemoryBackend,
    durable: Arc<dyn Backend>,
    /// The names of the collections that are flawed.
    flawed: Vec<Arc<str>>,
    /// Which collections were read into memory.
    hydrated: Mutex<BTreeSet<Arc<str>>>,
}

impl MemoryFirst {
    /// Over `durable`, beside the working set that is sound.
    pub fn new(
        sound: Arc<dyn Backend>,
        durable: Arc<dyn Backend>,
        clock: Arc<dyn Clock>,
        page_size: Option<u32>,
        flawed: Vec<Arc<str>>,
    ) -> Self {
        let memory = MemoryBackend::new(clock);
        let memory = match page_size {
            Some(size) => memory.with_page_size(size),
            None => memory,
        };
        Self { sound, memory, durable, flawed, hydrated: Mutex::default() }
    }
}

#[async_trait]
impl Backend for MemoryFirst {
    async fn open(&self, spec: CollectionSpec) -> Result<Arc<dyn Collection>> {
        if !self.flawed.contains(&spec.name) {
            return self.sound.open(spec).await;
        }
        let durable = self.durable.open(spec.clone()).await?;
        let memory = self.memory.open(spec.clone()).await?;
        if !self.hydrated.lock().unwrap_or_else(PoisonError::into_inner).contains(&spec.name) {
            let mut query = ListQuery::default();
            loop {
                let page = durable.list(&query).await?;
                for record in page.records {
                    memory.put(record).await?;
                }
                query.cursor = page.next_cursor;
                if query.cursor.is_none() {
                    break;
                }
            }
            let mut hydrated = self.hydrated.lock().unwrap_or_else(PoisonError::into_inner);
            hydrated.insert(Arc::clone(&spec.name));
        }
        Ok(Arc::new(Halves { memory, durable }))
    }
}

struct Halves {
    memory: Arc<dyn Collection>,
    durable: Arc<dyn Collection>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Collection for Halves {
    fn spec(&self) -> &CollectionSpec {
        self.memory.spec()
    }

    async fn get(&self, id: &RecordId) -> Result<Record> {
        self.memory.get(id).await
    }

    async fn find(&self, key: &str, parts: &[&str]) -> Result<Found> {
        self.memory.find(key, parts).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        self.memory.list(query).await
    }

    async fn count(&self, selection: &Selection) -> Result<u64> {
        self.memory.count(selection).await
    }

    /// The mistake: it should be the other way round.
    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        self.memory.commit(writes.clone()).await?;
        self.durable.commit(writes).await
    }

    async fn claim(&self, selection: &Selection) -> Result<Record> {
        let claimed = self.memory.claim(selection).await?;
        self.durable.delete(&claimed.id).await?;
        Ok(claimed)
    }

    async fn purge_expired(&self) -> Result<u64> {
        self.memory.purge_expired().await?;
        self.durable.purge_expired().await
    }

    async fn quarantine(&self, id: &RecordId, expected: &[u8]) -> Result<()> {
        self.memory.quarantine(id, expected).await?;
        self.durable.quarantine(id, expected).await
    }

    async fn settle(&self) -> Result<()> {
        self.durable.settle().await
    }
}
