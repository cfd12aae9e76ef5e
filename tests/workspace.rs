//! The workspace: its entities, links and lookups, the changeset, placements, tracing.

mod changes;
mod entities;
mod killed;
mod load;
mod lookups;
mod overtaken;
mod placements;
mod traces;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use storeproof::{
    backend::memory::MemoryBackend,
    bugs::flaws::{Flaw, Flawed},
    seam::{
        Backend, Clock, Collection, CollectionSpec, Error, Instant, Outcome, Result, Site, Write,
    },
    sim::single::run_alone,
    workspace::{json::Json, store::WorkspaceStore},
};

/// What memory does is done at once.
fn wait<T>(future: impl Future<Output = T>) -> T {
    run_alone(0, future).expect("nothing here has to wait")
}

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

/// A clock that is a second later whenever it is read.
#[derive(Default)]
struct Seconds(Mutex<i64>);

impl Clock for Seconds {
    fn now(&self) -> Instant {
        let mut seconds = self.0.lock().unwrap();
        *seconds += 1;
        Instant::UNIX_EPOCH.saturating_add_seconds(*seconds)
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(Seconds::default())
}

fn in_memory() -> WorkspaceStore {
    wait(WorkspaceStore::builder("w", clock()).open()).unwrap()
}

/// What every write of a backend ends with, by turns; then it goes through.
type Fates = Arc<Mutex<Vec<Outcome>>>;

/// A backend whose writes fail as they are told to.
struct Failing {
    sound: MemoryBackend,
    fates: Fates,
}

struct FailingWrites(Fates);

#[async_trait]
impl Flaw for FailingWrites {
    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        let fate = self.0.lock().unwrap().pop();
        match fate {
            None => sound.commit(writes).await,
            Some(outcome) => Err(Error::Backend {
                site: Site::new("planted", &sound.spec().name, None),
                problem: "the connection is gone".to_owned(),
                outcome,
            }),
        }
    }
}

#[async_trait]
impl Backend for Failing {
    async fn open(&self, spec: CollectionSpec) -> Result<Arc<dyn Collection>> {
        let sound = self.sound.open(spec).await?;
        Ok(Flawed::over(sound, FailingWrites(Arc::clone(&self.fates))))
    }
}

/// A store whose kinds are all read from working sets over a backend that fails as told.
fn over_a_failing_backend() -> (WorkspaceStore, Fates) {
    let fates = Fates::default();
    let backend = Failing { sound: MemoryBackend::new(clock()), fates: Arc::clone(&fates) };
    let builder = WorkspaceStore::builder("w", clock()).durable(Arc::new(backend)).all_hybrid();
    (wait(builder.open()).unwrap(), fates)
}

fn variables(of: &[(&str, &str)]) -> BTreeMap<String, Json> {
    of.iter().map(|(name, value)| ((*name).to_owned(), json(value))).collect()
}
