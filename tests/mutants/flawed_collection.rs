//! Flaws of a collection that are in no bug of the catalogue.

use std::{collections::BTreeMap, sync::Mutex};

use async_trait::async_trait;
use storeproof::{
    bugs::flaws::Flaw,
    seam::{Action, Collection, Found, ListQuery, Page, Result, Write},
};

/// What a look-up found is remembered, and forgotten only by a put: a replacement
/// of the data and a delete do not update the index.
#[derive(Default)]
pub struct StaleIndex(Mutex<BTreeMap<(String, Vec<String>), Found>>);

#[async_trait]
impl Flaw for StaleIndex {
    async fn find(&self, sound: &dyn Collection, key: &str, parts: &[&str]) -> Result<Found> {
        let place = (key.to_owned(), parts.iter().map(|part| (*part).to_owned()).collect());
        if let Some(found) = self.0.lock().unwrap().get(&place) {
            return Ok(found.clone());
        }
        let found = sound.find(key, parts).await?;
        self.0.lock().unwrap().insert(place, found.clone());
        Ok(found)
    }

    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        if writes.iter().any(|write| matches!(write.action, Action::Put(_))) {
            self.0.lock().unwrap().clear();
        }
        sound.commit(writes).await
    }
}

/// A page is sorted by id alone.
pub struct SortedById;

#[async_trait]
impl Flaw for SortedById {
    async fn list(&self, sound: &dyn Collection, query: &ListQuery) -> Result<Page> {
        let mut page = sound.list(query).await?;
        page.records.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(page)
    }
}
