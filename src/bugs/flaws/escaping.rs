//! Prefixes that lead out of the collection.

use std::sync::Arc;

use async_trait::async_trait;

use crate::seam::{
    Backend, Collection, CollectionSpec, Error, Found, ListQuery, Page, Record, RecordId, Result,
    Selection, Write,
};

/// A backend that joins prefixes to its collections' paths: what is selected by
/// `../x/` lies in the collection beside, if `is_inside` takes that for a place
/// inside (our own path and the sibling's are given).
pub(in crate::bugs) struct Escaping {
    pub(in crate::bugs) sound: Arc<dyn Backend>,
    pub(in crate::bugs) is_inside: fn(&str, &str) -> bool,
    /// The files outside the collection: what is beside it.
    pub(in crate::bugs) outside: Vec<String>,
}

#[async_trait]
impl Backend for Escaping {
    async fn open(&self, spec: CollectionSpec) -> Result<Arc<dyn Collection>> {
        let sound = self.sound.open(spec).await?;
        let (backend, outside) = (Arc::clone(&self.sound), self.outside.clone());
        Ok(Arc::new(Open { sound, backend, is_inside: self.is_inside, outside }))
    }
}

struct Open {
    sound: Arc<dyn Collection>,
    backend: Arc<dyn Backend>,
    is_inside: fn(&str, &str) -> bool,
    outside: Vec<String>,
}

impl Open {
    /// The collection beside this one that a prefix leads into, and the prefix
    /// there.
    async fn sibling<'p>(&self, prefix: &'p str) -> Option<(Sibling<'p>, &'p str)> {
        let (name, rest) = prefix.strip_prefix("../")?.split_once('/')?;
        let own = self.spec().directories().collect::<Vec<_>>().join("/");
        let above = own.rsplit_once('/').map_or("", |(above, _)| above);
        let is_there = self.outside.iter().any(|path| path.starts_with(&format!("../{name}/")));
        if !is_there || !(self.is_inside)(&own, &format!("{above}{name}")) {
            return None;
        }
        let spec = CollectionSpec::new(name);
        let collection = self.backend.open(spec).await.ok()?;
        Some((Sibling { name, collection }, rest))
    }
}

/// A collection beside this one.
struct Sibling<'p> {
    name: &'p str,
    collection: Arc<dyn Collection>,
}

impl Sibling<'_> {
    /// The record as it is seen from here.
    fn seen(&self, mut record: Record) -> Result<Record, Error> {
        record.id = RecordId::new(format!("../{}/{}", self.name, record.id))?;
        Ok(record)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Collection for Open {
    fn spec(&self) -> &CollectionSpec {
        self.sound.spec()
    }

    async fn get(&self, id: &RecordId) -> Result<Record> {
        self.sound.get(id).await
    }

    async fn find(&self, key: &str, parts: &[&str]) -> Result<Found> {
        self.sound.find(key, parts).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        let Some((sibling, rest)) = self.sibling(&query.selection.prefix).await else {
            return self.sound.list(query).await;
        };
        let selection = Selection { prefix: rest.to_owned(), ..query.selection.clone() };
        let mut page = sibling.collection.list(&ListQuery { selection, ..query.clone() }).await?;
        let records = page.records.into_iter().map(|record| sibling.seen(record));
        page.records = records.collect::<Result<_, _>>()?;
        Ok(page)
    }

    async fn count(&self, selection: &Selection) -> Result<u64> {
        self.sound.count(selection).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        self.sound.commit(writes).await
    }

    async fn claim(&self, selection: &Selection) -> Result<Record> {
        let Some((sibling, rest)) = self.sibling(&selection.prefix).await else {
            return self.sound.claim(selection).await;
        };
        let selection = Selection { prefix: rest.to_owned(), ..selection.clone() };
        sibling.seen(sibling.collection.claim(&selection).await?)
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
