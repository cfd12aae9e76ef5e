//! The ways in which a layer below a store can be wrong, each small and shared
//! by the bugs that it explains.

mod escaping;
mod existing_ids;
mod first_page;
mod first_page_index;
mod memory_first;
mod naive_paths;
mod older_names;
mod unguarded;
mod unsynced;

use std::sync::Arc;

use async_trait::async_trait;

pub(super) use escaping::Escaping;
pub(super) use existing_ids::CreatesOverExisting;
pub use first_page::FirstPage;
pub(super) use first_page_index::FirstPageIndex;
pub(super) use memory_first::MemoryFirst;
pub(super) use naive_paths::NaivePaths;
pub(super) use older_names::is_older_name;
pub(super) use unguarded::Unguarded;
pub(super) use unsynced::Unsynced;

use crate::seam::{
    Collection, CollectionSpec, Found, ListQuery, Page, Record, RecordId, Result, Selection, Write,
};

/// What is wrong with a collection: the calls that it answers in its own way.
/// All others go to the sound collection below.
#[async_trait]
pub trait Flaw: Send + Sync + 'static {
    /// In place of [`Collection::get`].
    async fn get(&self, sound: &dyn Collection, id: &RecordId) -> Result<Record> {
        sound.get(id).await
    }

    /// In place of [`Collection::find`].
    async fn find(&self, sound: &dyn Collection, key: &str, parts: &[&str]) -> Result<Found> {
        sound.find(key, parts).await
    }

    /// In place of [`Collection::list`].
    async fn list(&self, sound: &dyn Collection, query: &ListQuery) -> Result<Page> {
        sound.list(query).await
    }

    /// In place of [`Collection::count`].
    async fn count(&self, sound: &dyn Collection, selection: &Selection) -> Result<u64> {
        sound.count(selection).await
    }

    /// In place of [`Collection::commit`].
    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        sound.commit(writes).await
    }

    /// In place of [`Collection::claim`].
    async fn claim(&self, sound: &dyn Collection, selection: &Selection) -> Result<Record> {
        sound.claim(selection).await
    }

    /// In place of [`Collection::purge_expired`].
    async fn purge_expired(&self, sound: &dyn Collection) -> Result<u64> {
        sound.purge_expired().await
    }

    /// In place of [`Collection::settle`].
    async fn settle(&self, sound: &dyn Collection) -> Result<()> {
        sound.settle().await
    }
}

/// A collection with a flaw.
pub struct Flawed<F> {
    sound: Arc<dyn Collection>,
    flaw: F,
}

impl<F: Flaw> Flawed<F> {
    /// Puts the flaw above a sound collection.
    #[must_use]
    pub fn over(sound: Arc<dyn Collection>, flaw: F) -> Arc<dyn Collection> {
        Arc::new(Self { sound, flaw })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<F: Flaw> Collection for Flawed<F> {
    fn spec(&self) -> &CollectionSpec {
        self.sound.spec()
    }

    async fn get(&self, id: &RecordId) -> Result<Record> {
        self.flaw.get(&*self.sound, id).await
    }

    async fn find(&self, key: &str, parts: &[&str]) -> Result<Found> {
        self.flaw.find(&*self.sound, key, parts).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        self.flaw.list(&*self.sound, query).await
    }

    async fn count(&self, selection: &Selection) -> Result<u64> {
        self.flaw.count(&*self.sound, selection).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        self.flaw.commit(&*self.sound, writes).await
    }

    async fn claim(&self, selection: &Selection) -> Result<Record> {
        self.flaw.claim(&*self.sound, selection).await
    }

    async fn purge_expired(&self) -> Result<u64> {
        self.flaw.purge_expired(&*self.sound).await
    }

    async fn quarantine(&self, id: &RecordId, expected: &[u8]) -> Result<()> {
        self.sound.quarantine(id, expected).await
    }

    async fn settle(&self) -> Result<()> {
        self.flaw.settle(&*self.sound).await
    }
}
