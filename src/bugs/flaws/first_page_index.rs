//! An index by key that is built from the first page of the records.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;

use crate::seam::{
    Action, Backend, Collection, CollectionSpec, Error, Found, ListQuery, Page, Record, RecordId,
    Result, Selection, Write,
};

/// A backend whose index is built when a collection is opened, from one page.
///
/// Records beyond that page are there by id and in lists. For the keys in
/// `keys` they are not: look-ups miss them, their unique values can be given to
/// others, and, if `counts`, they are not counted. A record that is written
/// again is indexed again.
pub(in crate::bugs) struct FirstPageIndex {
    pub(in crate::bugs) sound: Arc<dyn Backend>,
    pub(in crate::bugs) keys: &'static [&'static str],
    pub(in crate::bugs) counts: bool,
}

#[async_trait]
impl Backend for FirstPageIndex {
    async fn open(&self, spec: CollectionSpec) -> Result<Arc<dyn Collection>> {
        let mut lenient = spec.clone();
        let keys = lenient.keys.iter().cloned().map(|mut key| {
            key.unique &= !self.keys.contains(&&*key.name);
            key
        });
        lenient.keys = keys.collect();
        let sound = self.sound.open(spec).await?;
        let lenient = self.sound.open(lenient).await?;
        let mut missed = BTreeSet::new();
        let mut page = sound.list(&ListQuery::default()).await?;
        while let Some(cursor) = page.next_cursor.take() {
            page = sound.list(&ListQuery { cursor: Some(cursor), ..ListQuery::default() }).await?;
            missed.extend(page.records.iter().map(|record| record.id.clone()));
        }
        let (keys, counts) = (self.keys, self.counts);
        Ok(Arc::new(Indexed { sound, lenient, missed: Mutex::new(missed), keys, counts }))
    }
}

struct Indexed {
    sound: Arc<dyn Collection>,
    /// The same collection, whose keys need not be unique.
    lenient: Arc<dyn Collection>,
    /// What the index does not have.
    missed: Mutex<BTreeSet<RecordId>>,
    keys: &'static [&'static str],
    counts: bool,
}

impl Indexed {
    fn with_missed<T>(&self, action: impl FnOnce(&mut BTreeSet<RecordId>) -> T) -> T {
        action(&mut self.missed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the index knows of no other record with a value of that key that
    /// these writes give.
    async fn is_free(&self, key: &str, writes: &[Write]) -> Result<bool> {
        let Some((_, spec)) = self.spec().key(key) else { return Ok(false) };
        for write in writes {
            let data = match &write.action {
                Action::Put(Record { data, .. }) | Action::Replace { data, .. } => data,
                Action::Delete(_) | Action::Check(_) => continue,
            };
            let Some(value) = spec.value_in(data) else { continue };
            let parts: Vec<&str> = value.parts().collect();
            let found = self.find(key, &parts).await?;
            if found.records.iter().any(|record| record.id != *write.id()) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Collection for Indexed {
    fn spec(&self) -> &CollectionSpec {
        self.sound.spec()
    }

    async fn get(&self, id: &RecordId) -> Result<Record> {
        self.sound.get(id).await
    }

    async fn find(&self, key: &str, parts: &[&str]) -> Result<Found> {
        let mut found = self.sound.find(key, parts).await?;
        if self.keys.contains(&key) {
            self.with_missed(|missed| found.records.retain(|record| !missed.contains(&record.id)));
        }
        Ok(found)
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        self.sound.list(query).await
    }

    async fn count(&self, selection: &Selection) -> Result<u64> {
        let count = self.sound.count(selection).await?;
        let missed = self.with_missed(|missed| missed.len() as u64);
        Ok(if self.counts { count.saturating_sub(missed) } else { count })
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        let ids: Vec<RecordId> = writes.iter().map(|write| write.id().clone()).collect();
        let committed = match self.sound.commit(writes.clone()).await {
            Err(Error::KeyTaken { site, key }) if self.keys.contains(&&*key) => {
                if self.is_free(&key, &writes).await? {
                    self.lenient.commit(writes).await
                } else {
                    Err(Error::KeyTaken { site, key })
                }
            }
            committed => committed,
        };
        if committed.is_ok() {
            self.with_missed(|missed| missed.retain(|id| !ids.contains(id)));
        }
        committed
    }

    async fn claim(&self, selection: &Selection) -> Result<Record> {
        self.sound.claim(selection).await
    }

    async fn purge_expired(&self) -> Result<u64> {
        self.sound.purge_expired().await
    }

    async fn quarantine(&self, id: &RecordId, expected: &[u8]) -> Result<()> {
        self.sound.quarantine(id, expected).await
    }

    async fn settle(&self) -> Result<()> {
        self.sound.settle().await
    }
}
