//! Flaws of a collection that are in no bug of the catalogue.

use std::{cell::Cell, collections::BTreeMap, io, sync::Mutex};

use async_trait::async_trait;
use storeproof::{
    bugs::flaws::Flaw,
    seam::{
        Action, Collection, Error, Found, ListQuery, Outcome, Page, Record, RecordId, Result,
        Selection, Site, Write,
    },
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

/// A commit that fails is passed off as done.
pub struct SwallowsFailures;

#[async_trait]
impl Flaw for SwallowsFailures {
    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        match sound.commit(writes).await {
            Err(Error::Io { .. }) => Ok(()),
            done => done,
        }
    }
}

/// What can't be read is passed off as absent.
pub struct FailsAsAbsent;

fn or_absent(result: Result<Record>) -> Result<Record> {
    match result {
        Err(Error::Io { site, .. }) => Err(Error::NotFound(site)),
        result => result,
    }
}

#[async_trait]
impl Flaw for FailsAsAbsent {
    async fn get(&self, sound: &dyn Collection, id: &RecordId) -> Result<Record> {
        or_absent(sound.get(id).await)
    }

    async fn claim(&self, sound: &dyn Collection, selection: &Selection) -> Result<Record> {
        or_absent(sound.claim(selection).await)
    }
}

/// A commit that may have happened is passed off as not done.
pub struct SaysNotDone;

#[async_trait]
impl Flaw for SaysNotDone {
    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        match sound.commit(writes).await {
            Err(Error::Io { site, doing, source, .. }) => {
                Err(Error::Io { site, doing, outcome: Outcome::NotDone, source })
            }
            done => done,
        }
    }
}

/// Counting fails for nothing.
pub struct FailsForNothing;

#[async_trait]
impl Flaw for FailsForNothing {
    async fn count(&self, sound: &dyn Collection, _: &Selection) -> Result<u64> {
        Err(Error::Io {
            site: Site::new("count", &sound.spec().name, None),
            doing: "counting".to_owned(),
            outcome: Outcome::NotDone,
            source: io::Error::other("for nothing"),
        })
    }
}

/// A commit that is refused for what is stored is tried again, for ever.
pub struct RetriesForEver;

#[async_trait]
impl Flaw for RetriesForEver {
    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        loop {
            match sound.commit(writes.clone()).await {
                Err(Error::AlreadyExists(_) | Error::Conflict(_) | Error::NotFound(_)) => {}
                done => return done,
            }
        }
    }
}

thread_local! {
    /// How many commits are coming: all clients of a simulation are on one
    /// thread.
    static COMING: Cell<u32> = const { Cell::new(0) };
}

/// A commit says that it comes, and waits until no other one does: two wait for
/// each other by asking again and again.
pub struct GivesWay(());

impl GivesWay {
    pub fn new() -> Self {
        // Another run may have ended while they waited.
        COMING.set(0);
        Self(())
    }
}

#[async_trait]
impl Flaw for GivesWay {
    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        COMING.set(COMING.get() + 1);
        while COMING.get() > 1 {
            sound.count(&Selection::default()).await?;
        }
        let done = sound.commit(writes).await;
        COMING.set(COMING.get().saturating_sub(1));
        done
    }
}
