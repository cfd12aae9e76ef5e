//! A collection with one of several flaws above a sound one.

use std::{
    cell::Cell,
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use storeproof::seam::{
    Action, Collection, CollectionSpec, Found, ListQuery, Page, Record, RecordId, Result,
    Selection, Write,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CollectionFlaw {
    /// What a look-up found is remembered, and forgotten only by a put: a
    /// replacement of the data and a delete do not update the index.
    StaleIndex,
    /// A page is sorted by id alone.
    SortedById,
    /// Only the first page is ever given.
    FirstPageOnly,
    /// A commit that is refused is tried again, for ever.
    RetriesForEver,
    /// A commit says that it comes, and waits until no other one does: two wait
    /// for each other by asking again and again.
    GivesWay,
}

thread_local! {
    /// How many commits are coming: all clients of a simulation are on one
    /// thread.
    static COMING: Cell<u32> = const { Cell::new(0) };
}

pub struct FlawedCollection {
    inner: Arc<dyn Collection>,
    flaw: CollectionFlaw,
    index: Mutex<BTreeMap<(String, Vec<String>), Found>>,
}

impl FlawedCollection {
    pub fn new(inner: Arc<dyn Collection>, flaw: CollectionFlaw) -> Self {
        // Another run may have ended while they waited.
        COMING.set(0);
        Self { inner, flaw, index: Mutex::default() }
    }
}

#[async_trait]
impl Collection for FlawedCollection {
    fn spec(&self) -> &CollectionSpec {
        self.inner.spec()
    }

    async fn get(&self, id: &RecordId) -> Result<Record> {
        self.inner.get(id).await
    }

    async fn find(&self, key: &str, parts: &[&str]) -> Result<Found> {
        if self.flaw != CollectionFlaw::StaleIndex {
            return self.inner.find(key, parts).await;
        }
        let place = (key.to_owned(), parts.iter().map(|part| (*part).to_owned()).collect());
        if let Some(found) = self.index.lock().unwrap().get(&place) {
            return Ok(found.clone());
        }
        let found = self.inner.find(key, parts).await?;
        self.index.lock().unwrap().insert(place, found.clone());
        Ok(found)
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        let mut page = self.inner.list(query).await?;
        match self.flaw {
            CollectionFlaw::SortedById => page.records.sort_by(|a, b| a.id.cmp(&b.id)),
            CollectionFlaw::FirstPageOnly => page.next_cursor = None,
            _ => {}
        }
        Ok(page)
    }

    async fn count(&self, selection: &Selection) -> Result<u64> {
        self.inner.count(selection).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        if writes.iter().any(|write| matches!(write.action, Action::Put(_))) {
            self.index.lock().unwrap().clear();
        }
        match self.flaw {
            CollectionFlaw::RetriesForEver => loop {
                if self.inner.commit(writes.clone()).await.is_ok() {
                    return Ok(());
                }
            },
            CollectionFlaw::GivesWay => {
                COMING.set(COMING.get() + 1);
                while COMING.get() > 1 {
                    self.inner.count(&Selection::default()).await?;
                }
                let done = self.inner.commit(writes).await;
                COMING.set(COMING.get().saturating_sub(1));
                done
            }
            _ => self.inner.commit(writes).await,
        }
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
}
