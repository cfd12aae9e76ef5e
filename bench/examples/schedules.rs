//! Which schedules find planted races soonest.
//!
//! For each race and each kind of schedule: how many interleavings it takes until
//! one shows it, with nothing to go on. The scenarios are those of campaigns, a
//! new one for each interleaving; where every interleaving is run, a new one
//! when there is no other left.
//!
//! ```text
//! cargo run --release --manifest-path bench/Cargo.toml --example schedules
//! ```

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/mutants/flawed_fs.rs"]
mod flawed_fs;

use std::sync::Arc;

use arbitrary::Unstructured;
use async_trait::async_trait;
use flawed_fs::{FlawedFs, FsFlaw};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use storeproof::{
    check::{
        backends::{BackendUnderTest, Memory, Simulated},
        crash::CrashCheck,
        generate::{Purpose, scenario},
        scenario::{Mode, Scenario},
        statistics::Reached,
        verify::{Target, verify},
    },
    model::{
        api_keys::ApiKeysSubject, collection::CollectionSubject, divergence::Divergences,
        secrets::SecretsSubject, sessions::SessionsSubject, subject::Subject, users::UsersSubject,
        webhooks::WebhooksSubject, worker_heartbeats::WorkerHeartbeatsSubject,
    },
    seam::{
        Collection, CollectionExt, CollectionSpec, Condition, Error, Found, ListQuery, Page,
        Record, RecordId, Result, Selection, Site, Write,
    },
    sim::schedule::{Bounds, Schedule},
};

/// What is wrong with a collection, or with what is below it.
#[derive(Clone, Copy, PartialEq)]
enum Race {
    /// A commit judges its conditions in calls of their own, before it writes.
    ConditionsFirst,
    /// A claim looks what there is, and then removes it.
    ClaimedTwice,
    /// The writes of a commit are made one after the other.
    OneByOne,
    /// The file system gives a lock to everyone who asks.
    NoLock,
}

struct Racy {
    inner: Arc<dyn Collection>,
    race: Race,
}

#[async_trait]
impl Collection for Racy {
    fn spec(&self) -> &CollectionSpec {
        self.inner.spec()
    }

    async fn get(&self, id: &RecordId) -> Result<Record> {
        self.inner.get(id).await
    }

    async fn find(&self, key: &str, parts: &[&str]) -> Result<Found> {
        self.inner.find(key, parts).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        self.inner.list(query).await
    }

    async fn count(&self, selection: &Selection) -> Result<u64> {
        self.inner.count(selection).await
    }

    async fn commit(&self, mut writes: Vec<Write>) -> Result<()> {
        match self.race {
            Race::ConditionsFirst => {
                for write in &mut writes {
                    let stored = self.inner.get(write.id()).await;
                    let holds = match (&write.when, &stored) {
                        (Condition::Data(expected), Ok(record)) => record.data == *expected,
                        (Condition::Present, Ok(_)) => true,
                        (Condition::Absent, Err(Error::NotFound(_))) => true,
                        _ => continue,
                    };
                    if holds {
                        write.when = Condition::Any;
                    }
                }
                self.inner.commit(writes).await
            }
            Race::OneByOne => {
                for write in writes {
                    self.inner.commit(vec![write]).await?;
                }
                Ok(())
            }
            Race::ClaimedTwice | Race::NoLock => self.inner.commit(writes).await,
        }
    }

    async fn claim(&self, selection: &Selection) -> Result<Record> {
        if self.race != Race::ClaimedTwice {
            return self.inner.claim(selection).await;
        }
        let query = ListQuery { selection: selection.clone(), cursor: None, limit: None };
        let page = self.inner.list(&query).await?;
        let first = page.records.into_iter().min_by(|one, other| one.id.cmp(&other.id));
        let Some(record) = first else {
            return Err(Error::NotFound(Site::new("claim", &self.spec().name, None)));
        };
        self.inner.delete(&record.id).await?;
        Ok(record)
    }

    async fn purge_expired(&self) -> Result<u64> {
        self.inner.purge_expired().await
    }

    async fn quarantine(&self, id: &RecordId, expected: &[u8]) -> Result<()> {
        self.inner.quarantine(id, expected).await
    }
}

/// How interleavings are chosen.
#[derive(Clone, Copy)]
enum Kind {
    Random { one_in: u32 },
    Pct { depth: u32 },
    Every { preemptions: Option<u32>, runs: u64 },
}

impl Kind {
    fn name(self) -> String {
        match self {
            Self::Random { one_in } => format!("random 1/{one_in}"),
            Self::Pct { depth } => format!("pct {depth}"),
            Self::Every { preemptions: None, .. } => "every".into(),
            Self::Every { preemptions: Some(most), .. } => format!("every <={most}"),
        }
    }

    /// The scenario number `number`.
    fn scenario<S: Subject>(self, seed: u64, number: u64, points: u32) -> Scenario<S::Op> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed << 32 | number);
        let mut bytes = [0; 2_048];
        random.fill_bytes(&mut bytes);
        let bytes = &mut Unstructured::new(&bytes);
        let purpose = match self {
            Self::Every { preemptions, runs } => Purpose::Exhaustive(Bounds { preemptions, runs }),
            _ => Purpose::Interleaving,
        };
        let mut scenario = scenario::<S>(bytes, purpose, usize::MAX, false).expect("bytes");
        let seed = scenario.seed;
        let actions = scenario.clients.iter().map(Vec::len).sum::<usize>() as u32;
        scenario.mode = match self {
            Self::Random { one_in } => Mode::Simulated(Schedule::Random { seed, one_in }),
            Self::Pct { depth } => {
                Mode::Simulated(Schedule::Pct { seed, depth, steps: actions * points })
            }
            Self::Every { .. } => scenario.mode,
        };
        scenario
    }
}

/// So many interleavings are tried.
const MOST: u64 = 10_000;
/// How often each search is repeated with another seed.
const ROUNDS: u64 = 10;

/// How many interleavings it takes on average.
fn search<S: Subject>(backend: &dyn BackendUnderTest, race: Race, kind: Kind) -> f64 {
    let divergences = Divergences::default();
    let target = Target::<S> {
        backend,
        open: &move |collection, surroundings| {
            S::open(Arc::new(Racy { inner: collection, race }), surroundings)
        },
        divergences: &divergences,
        crashes: CrashCheck::default(),
    };
    let points = if backend.capabilities().has_points { 24 } else { 3 };
    let mut reached = Reached::new::<S>();
    let mut total = 0;
    for round in 0..ROUNDS {
        let mut tried = 0;
        for number in 0.. {
            let scenario = kind.scenario::<S>(round, number, points);
            let verified = verify(&target, &scenario, &mut reached);
            tried += verified.schedules.max(1);
            if verified.violation.is_some() || tried >= MOST {
                break;
            }
        }
        total += tried.min(MOST);
    }
    total as f64 / ROUNDS as f64
}

fn row<S: Subject>(name: &str, backend: &dyn BackendUnderTest, race: Race, kinds: &[Kind]) {
    let numbers: Vec<String> =
        kinds.iter().map(|kind| format!("{:>11.0}", search::<S>(backend, race, *kind))).collect();
    println!("{:<44}{}", format!("{name}, {} on {}", S::NAME, backend.name()), numbers.concat());
}

fn main() {
    let random = [1, 2, 3, 6].map(|one_in| Kind::Random { one_in });
    let pct = [1, 2, 3, 4].map(|depth| Kind::Pct { depth });
    let every = |preemptions, runs| Kind::Every { preemptions, runs };
    let every = [every(None, 20_000), every(Some(1), 20_000), every(Some(2), 2_000)];
    let kinds: Vec<Kind> = random.into_iter().chain(pct).chain(every).collect();
    let names: Vec<String> = kinds.iter().map(|kind| format!("{:>11}", kind.name())).collect();
    println!("interleavings until a violation, mean of {ROUNDS}; {MOST}: not found");
    println!("{:<44}{}", "", names.concat());
    let (memory, first) = (&Memory as &dyn BackendUnderTest, Race::ConditionsFirst);
    row::<CollectionSubject>("conditions first", memory, first, &kinds);
    row::<UsersSubject>("conditions first", memory, first, &kinds);
    row::<ApiKeysSubject>("conditions first", memory, first, &kinds);
    row::<WebhooksSubject>("conditions first", memory, first, &kinds);
    row::<SecretsSubject>("conditions first", memory, first, &kinds);
    row::<SessionsSubject>("conditions first", memory, first, &kinds);
    row::<WorkerHeartbeatsSubject>("conditions first", memory, first, &kinds);
    row::<CollectionSubject>("claimed twice", memory, Race::ClaimedTwice, &kinds);
    row::<CollectionSubject>("writes one by one", memory, Race::OneByOne, &kinds);
    let unlocked = Simulated::wrapped("file", |fs| FlawedFs::new(fs, FsFlaw::NoLock));
    row::<CollectionSubject>("no lock", &unlocked, Race::NoLock, &kinds);
    row::<UsersSubject>("no lock", &unlocked, Race::NoLock, &kinds);
    row::<SessionsSubject>("no lock", &unlocked, Race::NoLock, &kinds);
    row::<CollectionSubject>("writes one by one", &Simulated::file(), Race::OneByOne, &kinds);
    row::<UsersSubject>("conditions first", &Simulated::file(), first, &kinds);
}
