//! A collection with one of several flaws above a sound one.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use storeproof::seam::{
    Action, Collection, CollectionSpec, Error, Found, ListQuery, Outcome, Page, Record, RecordId,
    Result, Selection, Site, Write,
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
    /// A commit that fails is passed off as done.
    SwallowsFailures,
    /// What can't be read is passed off as absent.
    FailsAsAbsent,
    /// A commit that may have happened is passed off as not done.
    SaysNotDone,
    /// Counting fails for nothing.
    FailsForNothing,
}

pub struct FlawedCollection {
    inner: Arc<dyn Collection>,
    flaw: CollectionFlaw,
    index: Mutex<BTreeMap<(String, Vec<String>), Found>>,
}

impl FlawedCollection {
    pub fn new(inner: Arc<dyn Collection>, flaw: CollectionFlaw) -> Self {
        Self { inner, flaw, index: Mutex::default() }
    }

    fn or_absent(&self, result: Result<Record>) -> Result<Record> {
        match result {
            Err(Error::Io { site, .. }) if self.flaw == CollectionFlaw::FailsAsAbsent => {
                Err(Error::NotFound(site))
            }
            result => result,
        }
    }
}

#[async_trait]
impl Collection for FlawedCollection {
    fn spec(&self) -> &CollectionSpec {
        self.inner.spec()
    }

    async fn get(&self, id: &RecordId) -> Result<Record> {
        self.or_absent(self.inner.get(id).await)
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
        if self.flaw == CollectionFlaw::FailsForNothing {
            return Err(Error::Io {
                site: Site::new("count", &self.spec().name, None),
                doing: "counting".to_owned(),
                outcome: Outcome::NotDone,
                source: io::Error::other("for nothing"),
            });
        }
        self.inner.count(selection).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        if writes.iter().any(|write| matches!(write.action, Action::Put(_))) {
            self.index.lock().unwrap().clear();
        }
        match (self.flaw, self.inner.commit(writes).await) {
            (CollectionFlaw::SwallowsFailures, Err(Error::Io { .. })) => Ok(()),
            (CollectionFlaw::SaysNotDone, Err(Error::Io { site, doing, source, .. })) => {
                Err(Error::Io { site, doing, outcome: Outcome::NotDone, source })
            }
            (_, done) => done,
        }
    }

    async fn claim(&self, selection: &Selection) -> Result<Record> {
        self.or_absent(self.inner.claim(selection).await)
    }

    async fn purge_expired(&self) -> Result<u64> {
        self.inner.purge_expired().await
    }

    async fn quarantine(&self, id: &RecordId, expected: &[u8]) -> Result<()> {
        self.inner.quarantine(id, expected).await
    }
}
