//! The hybrid backend over a durable half that tells it what is wrong, as if it had
//! made mistakes of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use storeproof::{
    backend::hybrid::HybridBackend,
    bugs::flaws::{Flaw, Flawed},
    check::backends::{Hybrid, Memory},
    seam::{
        Action, Backend, Collection, CollectionSpec, Error, Found, ListQuery, Outcome, Page,
        Record, RecordId, Result, Selection, Site, Write,
    },
};

use super::flawed_client::is_in_doubt;

/// What it does with a commit of unknown outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// What is right: it waits until it can't happen any more, and reads it back.
    None,
    /// It puts what was written into memory.
    TakesForDone,
    /// It leaves memory as it was.
    TakesForNotDone,
    /// It reads back while it may still happen.
    DoesNotWait,
}

/// The hybrid over memory, with that mistake.
pub fn flawed_hybrid(mistake: Mistake) -> Hybrid {
    let make = move |durable, clock, page_size: Option<u32>| -> Arc<dyn Backend> {
        let lies: Arc<Mutex<Lies>> = Arc::default();
        let below = Below { durable, mistake, lies: Arc::clone(&lies) };
        let hybrid = HybridBackend::new(Arc::new(below), clock);
        let hybrid = match page_size {
            Some(size) => hybrid.with_page_size(size),
            None => hybrid,
        };
        Arc::new(Above { hybrid, lies })
    };
    Hybrid::over("flawed-hybrid", Box::new(Memory)).with_working_set(Arc::new(make))
}

/// What memory is told of commits that may not have happened.
#[derive(Default)]
struct Lies {
    /// What is read back.
    records: BTreeMap<RecordId, Option<Record>>,
    /// The first records of commits whose callers are told the truth.
    in_doubt: BTreeSet<RecordId>,
}

struct Below {
    durable: Arc<dyn Backend>,
    mistake: Mistake,
    lies: Arc<Mutex<Lies>>,
}

#[async_trait]
impl Backend for Below {
    async fn open(&self, spec: CollectionSpec) -> Result<Arc<dyn Collection>> {
        let sound = self.durable.open(spec).await?;
        Ok(Arc::new(Lying { sound, mistake: self.mistake, lies: Arc::clone(&self.lies) }))
    }
}

struct Lying {
    sound: Arc<dyn Collection>,
    mistake: Mistake,
    lies: Arc<Mutex<Lies>>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Collection for Lying {
    fn spec(&self) -> &CollectionSpec {
        self.sound.spec()
    }

    async fn get(&self, id: &RecordId) -> Result<Record> {
        let lie = self.lies.lock().unwrap().records.remove(id);
        match lie {
            Some(Some(record)) => return Ok(record),
            Some(None) => {
                return Err(Error::NotFound(Site::new("get", &self.spec().name, Some(id))));
            }
            None => {}
        }
        self.sound.get(id).await
    }

    async fn find(&self, key: &str, parts: &[&str]) -> Result<Found> {
        self.sound.find(key, parts).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        self.sound.list(query).await
    }

    async fn count(&self, selection: &Selection) -> Result<u64> {
        self.sound.count(selection).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        let first = writes.first().map(|write| write.id().clone());
        let done = self.sound.commit(writes.clone()).await;
        let Some(first) = first.filter(|_| is_in_doubt(&done)) else { return done };
        let mut lies = self.lies.lock().unwrap();
        match (self.mistake, done) {
            (Mistake::TakesForNotDone, Err(Error::Backend { site, problem, .. })) => {
                lies.in_doubt.insert(first);
                Err(Error::Backend { site, problem, outcome: Outcome::NotDone })
            }
            (Mistake::TakesForDone, _) => {
                lies.in_doubt.insert(first);
                lies.records.extend(writes.into_iter().filter_map(|write| match write.action {
                    Action::Put(record) => Some((record.id.clone(), Some(record))),
                    Action::Delete(id) => Some((id, None)),
                    Action::Replace { .. } | Action::Check(_) => None,
                }));
                Ok(())
            }
            (_, done) => done,
        }
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
        match self.mistake {
            Mistake::DoesNotWait => Ok(()),
            _ => self.sound.settle().await,
        }
    }
}

/// The hybrid, whose callers are told what its durable half had said.
struct Above {
    hybrid: HybridBackend,
    lies: Arc<Mutex<Lies>>,
}

#[async_trait]
impl Backend for Above {
    async fn open(&self, spec: CollectionSpec) -> Result<Arc<dyn Collection>> {
        let lies = Arc::clone(&self.lies);
        Ok(Flawed::over(self.hybrid.open(spec).await?, Telling(lies)))
    }
}

struct Telling(Arc<Mutex<Lies>>);

#[async_trait]
impl Flaw for Telling {
    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        let first = writes.first().map(|write| write.id().clone());
        let done = sound.commit(writes).await;
        let is_told = first.is_some_and(|id| self.0.lock().unwrap().in_doubt.remove(&id));
        if !is_told {
            return done;
        }
        Err(Error::Backend {
            site: Site::new("commit", &sound.spec().name, None),
            problem: "nobody knows whether it was done".to_owned(),
            outcome: Outcome::Unknown,
        })
    }
}
