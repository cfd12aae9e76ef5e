//! The heartbeats of workers.

mod beat;
mod heartbeat;
mod place;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;

use beat::{Beat, Foreign, Found, absent, freshest, just_after};
pub use heartbeat::Heartbeat;
use heartbeat::milliseconds;
use place::Places;

use super::{
    entities,
    error::{DamagedEntity, Kind, foreign_payload},
};
use crate::seam::{
    Action, Clock, Collection, CollectionSpec, Condition, Error, Instant, KeySpec, LegacySpec,
    Outcome, Payload, PayloadId, Record, RecordId, Write,
};

/// The last heartbeat of each worker, by worker id.
///
/// Any record id can be a worker's. Older software, which may go on writing
/// while this store is in use, keeps a worker under another name: where there
/// is a heartbeat of either, the fresher one counts, and it is the worker's only
/// one for all callers.
///
/// **Consistency.** `upsert` and `get` are linearizable. `list` gives every
/// heartbeat that was there unchanged throughout exactly once, none that was
/// absent throughout, and otherwise values that each was held at some moment
/// of it. `delete_stale` removes worker after worker, each at a moment of its
/// own.
#[async_trait]
pub trait WorkerHeartbeats: Send + Sync {
    /// Keeps a heartbeat in place of the worker's last one, wholly; an older
    /// one than that is ignored, wholly. A time of 0 is now.
    ///
    /// # Errors
    /// `InvalidWorkerId`; `Corrupt` only over a record of a newer release;
    /// `OnlySetAside` when the storage failed after damage under the worker's ids
    /// was quarantined.
    async fn upsert(&self, heartbeat: Heartbeat) -> Result<(), HeartbeatError>;

    /// The last heartbeat of a worker.
    ///
    /// # Errors
    /// `InvalidWorkerId`, `HeartbeatNotFound`; `Corrupt` where all that is
    /// there of the worker is no heartbeat.
    async fn get(&self, worker_id: &str) -> Result<Heartbeat, HeartbeatError>;

    /// All heartbeats, by worker id, and what could not be read as one.
    ///
    /// # Errors
    /// Those of the storage.
    async fn list(&self) -> Result<HeartbeatList, HeartbeatError>;

    /// Removes the workers whose last heartbeat is not after `before`, and
    /// returns how many it removed. One that is refreshed meanwhile stays.
    ///
    /// # Errors
    /// Those of the storage; `Interrupted` when some workers were removed
    /// before the error.
    async fn delete_stale(&self, before: Instant) -> Result<u64, HeartbeatError>;
}

/// What `list` gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeartbeatList {
    /// The heartbeats, by worker id.
    pub heartbeats: Vec<Heartbeat>,
    /// What could not be read as a heartbeat, by the record's id.
    pub damaged: Vec<DamagedEntity>,
}

/// What can go wrong with heartbeats.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeartbeatError {
    /// The text can't be a worker's id.
    #[error("not a worker's id: {0}")]
    InvalidWorkerId(#[source] Error),
    /// There is no heartbeat of that worker.
    #[error("there is no heartbeat of that worker")]
    HeartbeatNotFound,
    /// The storage failed when some of the work was done already.
    #[error("{removed} stale workers were removed, then: {source}")]
    Interrupted {
        /// How many workers were removed.
        removed: u64,
        /// What went wrong with the next one.
        source: Error,
    },
    /// The storage failed when what lies under the worker's ids and is no heartbeat
    /// was quarantined already.
    #[error("what is no heartbeat was set aside, then: {0}")]
    OnlySetAside(#[source] Error),
    /// Anything else.
    #[error(transparent)]
    Storage(Error),
}

impl HeartbeatError {
    /// The kind on the wire.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::InvalidWorkerId(_) => Kind::InvalidId,
            Self::HeartbeatNotFound => Kind::NotFound,
            Self::Interrupted { source, .. }
            | Self::OnlySetAside(source)
            | Self::Storage(source) => Kind::from(source),
        }
    }

    /// Whether the operation may have happened all the same, if only in part.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Interrupted { .. } | Self::OnlySetAside(_) => Outcome::Unknown,
            Self::Storage(error) => error.outcome(),
            _ => Outcome::NotDone,
        }
    }
}

/// What the seam says of a worker's record, said of the worker.
impl From<Error> for HeartbeatError {
    fn from(error: Error) -> Self {
        match &error {
            Error::NotFound(_) => Self::HeartbeatNotFound,
            Error::InvalidId { .. } => Self::InvalidWorkerId(error),
            _ => Self::Storage(error),
        }
    }
}

const WORKER_ID: &str = "workerId";

/// [`WorkerHeartbeats`] over any collection that was opened with
/// [`WorkerHeartbeatStore::spec`].
pub struct WorkerHeartbeatStore {
    collection: Arc<dyn Collection>,
    clock: Arc<dyn Clock>,
}

impl WorkerHeartbeatStore {
    /// A store on a collection; `clock` gives the time of heartbeats that have
    /// none.
    #[must_use]
    pub fn new(collection: Arc<dyn Collection>, clock: Arc<dyn Clock>) -> Self {
        Self { collection, clock }
    }

    /// How the collection is to be opened.
    #[must_use]
    pub fn spec() -> CollectionSpec {
        let mut spec = CollectionSpec::new("worker_heartbeats")
            .with_keys([KeySpec::shared(WORKER_ID, &["/workerId"])]);
        spec.directory = Some(Arc::from([Arc::from("distributed"), Arc::from("workers")]));
        spec.legacy = LegacySpec {
            id: Some(PayloadId {
                description: "the worker's record id, or the SHA-256 of workerId",
                ids_of,
            }),
            created_at: None,
            updated_at: None,
        };
        spec
    }

    fn corrupt(&self, operation: &'static str, foreign: Foreign) -> Error {
        let Foreign { record, problem } = foreign;
        foreign_payload(operation, &self.collection.spec().name, &record, problem)
    }

    /// Quarantines bytes that are no heartbeat, unless they have gone already.
    /// What a newer release wrote is corrupt to every operation that names it;
    /// mere damage is only there.
    /// Whether it did.
    async fn set_aside(&self, id: &RecordId, bytes: &[u8]) -> Result<bool, Error> {
        match self.collection.commit(vec![absent(id)]).await {
            Err(Error::AlreadyExists(_)) => {}
            gone => return gone.map(|()| false),
        }
        match self.collection.quarantine(id, bytes).await {
            // Changed meanwhile: the commit that follows will find that out.
            Err(Error::Conflict(_) | Error::NotFound(_)) => Ok(false),
            quarantined => quarantined.map(|()| true),
        }
    }

    /// The heartbeat under the ids of a worker that no heartbeat was found of, if any.
    ///
    /// # Errors
    /// `Corrupt` where something under its ids is no heartbeat.
    async fn passed_over(&self, places: &Places) -> Result<Option<Beat>, Error> {
        // An upsert moves what is under the older id to its own: looked at in this order,
        // nothing moves past.
        for id in [&places.older, &places.own] {
            match self.collection.get(id).await {
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
                Ok(record) => match Beat::read(record) {
                    Ok(beat) => return Ok(Some(beat)),
                    Err(foreign) => return Err(self.corrupt("get", *foreign)),
                },
            }
        }
        Ok(None)
    }

    /// All heartbeats.
    async fn workers(&self) -> Result<Workers, Error> {
        let read = |record: &Record| Beat::read(record.clone()).map_err(|foreign| foreign.problem);
        let all = entities::drain(&*self.collection, read).await?;
        let mut by_id: BTreeMap<String, Vec<Beat>> = BTreeMap::new();
        for beat in all.entities.into_values() {
            by_id.entry(beat.heartbeat.worker_id.clone()).or_default().push(beat);
        }
        Ok(Workers { by_id, damaged: all.damaged, at_once: all.at_once })
    }

    /// The heartbeat that counts of a worker.
    async fn counting(&self, places: &Places, worker_id: &str) -> Result<Option<Beat>, Error> {
        let found = self.collection.find(WORKER_ID, &[worker_id]).await?;
        let beats = found.records.into_iter().filter_map(|record| Beat::read(record).ok());
        Ok(freshest(places, beats))
    }

    /// What lies under an id of a worker.
    async fn look(&self, id: &RecordId) -> Result<Found, Error> {
        match self.collection.get(id).await {
            Err(Error::NotFound(_)) => Ok(Found::Nothing),
            Err(Error::Corrupt { bytes, .. }) => Ok(Found::Other(bytes.bytes().to_vec())),
            Err(error) => Err(error),
            Ok(record) => Ok(match Beat::read(record) {
                Ok(beat) => Found::Beat(Box::new(beat)),
                Err(foreign) => Found::Other(foreign.record.data.bytes().to_vec()),
            }),
        }
    }

    /// Removes a worker whose last heartbeat is not after `before`, at a moment
    /// when all of its heartbeats are as they were read; `listed` is a first
    /// reading. Whether it did.
    async fn remove_if_stale(
        &self,
        places: &Places,
        listed: Vec<Beat>,
        before: Instant,
    ) -> Result<bool, Error> {
        let (mut own, mut older) = (Found::Nothing, Found::Nothing);
        for beat in listed {
            let found = if beat.record.id == places.own { &mut own } else { &mut older };
            *found = Found::Beat(Box::new(beat));
        }
        loop {
            let beats: Vec<_> = [&own, &older].into_iter().filter_map(Found::beat).collect();
            if beats.is_empty() || !beats.iter().all(|beat| beat.heartbeat.is_stale(before)) {
                return Ok(false);
            }
            let removals = [own.removal(&places.own), older.removal(&places.older)];
            match self.collection.commit(removals.into_iter().flatten().collect()).await {
                Ok(()) => return Ok(true),
                // Somebody changed one of them meanwhile, which need not have
                // made the worker fresh: look again.
                Err(error) if is_change(&error) => {
                    own = self.look(&places.own).await?;
                    older = self.look(&places.older).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// What a listing gave.
struct Workers {
    /// The heartbeats of each worker, by its id.
    by_id: BTreeMap<String, Vec<Beat>>,
    damaged: Vec<DamagedEntity>,
    /// Whether all of it was there at one moment.
    at_once: bool,
}

/// Whether a commit was refused because a record is not as it was read.
fn is_change(error: &Error) -> bool {
    matches!(
        error,
        Error::AlreadyExists(_) | Error::Conflict(_) | Error::NotFound(_) | Error::Corrupt { .. }
    )
}

fn ids_of(payload: &Payload) -> Vec<String> {
    let places = Heartbeat::from_payload(payload)
        .ok()
        .and_then(|heartbeat| Places::of(&heartbeat.worker_id).ok());
    places
        .into_iter()
        .flat_map(|places| [places.own, places.older])
        .map(|id| id.to_string())
        .collect()
}

#[async_trait]
impl WorkerHeartbeats for WorkerHeartbeatStore {
    async fn upsert(&self, mut heartbeat: Heartbeat) -> Result<(), HeartbeatError> {
        let places = Places::of(&heartbeat.worker_id)?;
        let now = self.clock.now();
        if heartbeat.last_heartbeat_at == 0 {
            heartbeat.last_heartbeat_at = milliseconds(now);
        }
        let mut record =
            Record::json(places.own.clone(), heartbeat.to_document().to_payload(), now);
        let mut is_set_aside = false;
        let failed = |error: Error, is_set_aside: bool| match error.during("upsert") {
            error if is_set_aside => HeartbeatError::OnlySetAside(error),
            error => HeartbeatError::from(error),
        };
        loop {
            let own = self.look(&places.own).await;
            let own = own.map_err(|error| failed(error, is_set_aside))?;
            let older = self.look(&places.older).await;
            let older = older.map_err(|error| failed(error, is_set_aside))?;
            let given = heartbeat.last_heartbeat_at;
            let is_fresher = |beat: &&Beat| beat.heartbeat.last_heartbeat_at > given;
            let beats = [own.beat(), older.beat()];
            let writes = if let Some(fresher) = beats.into_iter().flatten().find(is_fresher) {
                // Nothing is to be done, but the fresher one must be durable by
                // the time that we say so: a commit comes after its write.
                let id = fresher.record.id.clone();
                vec![Write { action: Action::Check(id), when: fresher.unchanged() }]
            } else {
                for (found, id) in [(&own, &places.own), (&older, &places.older)] {
                    if let Found::Other(bytes) = found {
                        let set_aside = self.set_aside(id, bytes).await;
                        is_set_aside |= set_aside.map_err(|error| failed(error, is_set_aside))?;
                    }
                }
                // A listing goes by the time of creation: one that has not come
                // to the older file yet must find the worker behind it.
                let passed = older.beat().map(|older| just_after(older.record.created_at));
                record.created_at = passed.map_or(now, |passed| passed.max(now));
                let when = own.beat().map_or(Condition::Absent, Beat::unchanged);
                let put = Write { action: Action::Put(record.clone()), when };
                let no_older = || absent(&places.older);
                vec![put, older.beat().map_or_else(no_older, Beat::removal)]
            };
            match self.collection.commit(writes).await {
                Ok(()) => return Ok(()),
                // Somebody else wrote one of them meanwhile: compare again.
                Err(error) if is_change(&error) => {}
                Err(error) => return Err(failed(error, is_set_aside)),
            }
        }
    }

    async fn get(&self, worker_id: &str) -> Result<Heartbeat, HeartbeatError> {
        let places = Places::of(worker_id)?;
        let during = |error: Error| error.during("get");
        let mut passed_over: Option<Record> = None;
        loop {
            let counting = self.counting(&places, worker_id).await.map_err(during)?;
            if let Some(beat) = counting {
                return Ok(beat.heartbeat);
            }
            // Unless one has come meanwhile: then it may have come in place of
            // what was damaged a moment ago.
            let Some(beat) = self.passed_over(&places).await.map_err(during)? else {
                return Err(HeartbeatError::HeartbeatNotFound);
            };
            // It is found by its key now; if not, its key is not that of its content.
            if passed_over.as_ref() == Some(&beat.record) {
                return Ok(beat.heartbeat);
            }
            passed_over = Some(beat.record);
        }
    }

    async fn list(&self) -> Result<HeartbeatList, HeartbeatError> {
        let during = |error: Error| error.during("list");
        let workers = self.workers().await.map_err(during)?;
        let mut heartbeats = Vec::with_capacity(workers.by_id.len());
        for (worker_id, beats) in workers.by_id {
            let places = Places::of(&worker_id)?;
            let counting = if workers.at_once {
                freshest(&places, beats)
            } else {
                // Of a worker with two heartbeats, one may have been replaced
                // before the listing came to it: what was found need not be the
                // one that counted.
                self.counting(&places, &worker_id).await.map_err(during)?
            };
            heartbeats.extend(counting.map(|beat| beat.heartbeat));
        }
        Ok(HeartbeatList { heartbeats, damaged: workers.damaged })
    }

    async fn delete_stale(&self, before: Instant) -> Result<u64, HeartbeatError> {
        let during = |error: Error| error.during("delete_stale");
        let workers = self.workers().await.map_err(during)?;
        let mut removed = 0;
        for (worker_id, beats) in workers.by_id {
            match self.remove_if_stale(&Places::of(&worker_id)?, beats, before).await {
                Ok(is_removed) => removed += u64::from(is_removed),
                Err(error) if removed == 0 => return Err(during(error).into()),
                Err(error) => {
                    let source = during(error);
                    return Err(HeartbeatError::Interrupted { removed, source });
                }
            }
        }
        Ok(removed)
    }
}
