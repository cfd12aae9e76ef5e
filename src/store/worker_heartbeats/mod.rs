//! The heartbeats of workers.

mod heartbeat;
mod place;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;

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
    /// `InvalidWorkerId`; `Corrupt` only over a record of a newer release.
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
            Self::Interrupted { source, .. } | Self::Storage(source) => Kind::from(source),
        }
    }

    /// Whether the operation may have happened all the same, if only in part.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Interrupted { .. } => Outcome::Unknown,
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

/// A record that is a heartbeat of the worker under whose id it lies.
struct Beat {
    record: Record,
    heartbeat: Heartbeat,
}

impl Beat {
    fn read(record: Record) -> Result<Self, (Record, String)> {
        match Heartbeat::from_record(&record) {
            Ok((heartbeat, _)) => Ok(Self { record, heartbeat }),
            Err(problem) => Err((record, format!("not a heartbeat: {problem}"))),
        }
    }

    /// Which of a worker's two heartbeats counts: the fresher one, then ours.
    fn freshness(&self, places: &Places) -> (i64, bool) {
        (self.heartbeat.last_heartbeat_at, self.record.id == places.own)
    }
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

    fn corrupt(&self, operation: &'static str, record: &Record, problem: String) -> Error {
        foreign_payload(operation, &self.collection.spec().name, record, problem)
    }

    /// What lies under one id of a worker, for `upsert`: bytes that are no
    /// heartbeat are quarantined first, unless a newer release wrote them.
    async fn beat_to_replace(&self, id: &RecordId) -> Result<Option<Beat>, Error> {
        loop {
            let bytes = match self.collection.get(id).await {
                Err(Error::NotFound(_)) => return Ok(None),
                Err(Error::Corrupt { bytes, .. }) => {
                    // What a newer release wrote is corrupt to every operation
                    // that names it; mere damage is only there.
                    let check =
                        Write { action: Action::Check(id.clone()), when: Condition::Absent };
                    match self.collection.commit(vec![check]).await {
                        Ok(()) => return Ok(None),
                        Err(Error::AlreadyExists(_)) => bytes.bytes().to_vec(),
                        Err(error) => return Err(error),
                    }
                }
                Err(error) => return Err(error),
                Ok(record) => match Beat::read(record) {
                    Ok(beat) => return Ok(Some(beat)),
                    Err((record, _)) => record.data.bytes().to_vec(),
                },
            };
            match self.collection.quarantine(id, &bytes).await {
                Ok(()) => return Ok(None),
                // Somebody changed it meanwhile: look again.
                Err(Error::Conflict(_) | Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Why a worker that no heartbeat was found of has none: whether what lies
    /// under its ids is damaged.
    async fn judge_absence(&self, places: &Places) -> Result<(), Error> {
        for id in [&places.own, &places.older] {
            match self.collection.get(id).await {
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
                // A heartbeat that came meanwhile changes nothing: there was
                // none a moment ago.
                Ok(record) => {
                    if let Err((record, problem)) = Beat::read(record) {
                        return Err(self.corrupt("get", &record, problem));
                    }
                }
            }
        }
        Ok(())
    }

    /// All heartbeats, those of one worker together, and the damage.
    async fn workers(
        &self,
    ) -> Result<(BTreeMap<String, Vec<Beat>>, Vec<DamagedEntity>), HeartbeatError> {
        let read = |record: &Record| Beat::read(record.clone()).map_err(|(_, problem)| problem);
        let all = entities::drain(&*self.collection, read).await?;
        let mut workers: BTreeMap<String, Vec<Beat>> = BTreeMap::new();
        for beat in all.entities.into_values() {
            workers.entry(beat.heartbeat.worker_id.clone()).or_default().push(beat);
        }
        Ok((workers, all.damaged))
    }
}

/// The one that counts of a worker's heartbeats.
fn freshest(places: &Places, beats: Vec<Beat>) -> Option<Beat> {
    beats.into_iter().max_by_key(|beat| beat.freshness(places))
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

/// A write that happens only while the record is as it was read.
fn unchanged(beat: &Beat) -> Condition {
    Condition::Data(beat.record.data.clone())
}

fn delete(beat: &Beat) -> Write {
    Write { action: Action::Delete(beat.record.id.clone()), when: unchanged(beat) }
}

#[async_trait]
impl WorkerHeartbeats for WorkerHeartbeatStore {
    async fn upsert(&self, mut heartbeat: Heartbeat) -> Result<(), HeartbeatError> {
        let places = Places::of(&heartbeat.worker_id)?;
        let now = self.clock.now();
        if heartbeat.last_heartbeat_at == 0 {
            heartbeat.last_heartbeat_at = milliseconds(now);
        }
        // Created now, also where an older file is replaced: a listing that has
        // passed that one already does not meet the worker again, and one that
        // has not will.
        let record = Record::json(places.own.clone(), heartbeat.to_document().to_payload(), now);
        loop {
            let during = |error: Error| error.during("upsert");
            let own = self.beat_to_replace(&places.own).await.map_err(during)?;
            let older = self.beat_to_replace(&places.older).await.map_err(during)?;
            let given = heartbeat.last_heartbeat_at;
            let is_fresher = |beat: &&Beat| beat.heartbeat.last_heartbeat_at > given;
            let writes = match own.iter().chain(&older).find(is_fresher) {
                // Nothing is to be done, but the fresher one must be durable by
                // the time that we say so: a commit comes after its write.
                Some(fresher) => {
                    let id = fresher.record.id.clone();
                    vec![Write { action: Action::Check(id), when: unchanged(fresher) }]
                }
                None => {
                    let when = own.as_ref().map_or(Condition::Absent, unchanged);
                    let put = Write { action: Action::Put(record.clone()), when };
                    std::iter::once(put).chain(older.as_ref().map(delete)).collect()
                }
            };
            match self.collection.commit(writes).await {
                Ok(()) => return Ok(()),
                // Somebody else wrote one of them meanwhile: compare again.
                Err(
                    Error::AlreadyExists(_)
                    | Error::Conflict(_)
                    | Error::NotFound(_)
                    | Error::Corrupt { .. },
                ) => {}
                Err(error) => return Err(error.during("upsert").into()),
            }
        }
    }

    async fn get(&self, worker_id: &str) -> Result<Heartbeat, HeartbeatError> {
        let places = Places::of(worker_id)?;
        let found = self.collection.find(WORKER_ID, &[worker_id]).await;
        let found = found.map_err(|error| error.during("get"))?;
        let beats = found.records.into_iter().filter_map(|record| Beat::read(record).ok());
        match freshest(&places, beats.collect()) {
            Some(beat) => Ok(beat.heartbeat),
            None => {
                self.judge_absence(&places).await?;
                Err(HeartbeatError::HeartbeatNotFound)
            }
        }
    }

    async fn list(&self) -> Result<HeartbeatList, HeartbeatError> {
        let (workers, damaged) = self.workers().await?;
        let mut heartbeats = Vec::with_capacity(workers.len());
        for (worker_id, beats) in workers {
            let counting = freshest(&Places::of(&worker_id)?, beats);
            heartbeats.extend(counting.map(|beat| beat.heartbeat));
        }
        Ok(HeartbeatList { heartbeats, damaged })
    }

    async fn delete_stale(&self, before: Instant) -> Result<u64, HeartbeatError> {
        let (workers, _) = self.workers().await?;
        let mut removed = 0;
        for beats in workers.into_values() {
            if !beats.iter().all(|beat| beat.heartbeat.is_stale(before)) {
                continue;
            }
            // Both of a worker's files at once, as they were read, or none.
            let writes = beats.iter().map(delete).collect();
            match self.collection.commit(writes).await {
                Ok(()) => removed += 1,
                // Refreshed, removed or damaged meanwhile.
                Err(Error::Conflict(_) | Error::NotFound(_) | Error::Corrupt { .. }) => {}
                Err(error) => {
                    let source = error.during("delete_stale");
                    return Err(match removed {
                        0 => HeartbeatError::Storage(source),
                        removed => HeartbeatError::Interrupted { removed, source },
                    });
                }
            }
        }
        Ok(removed)
    }
}
