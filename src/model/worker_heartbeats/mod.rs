//! The reference model of the heartbeats store.

mod execute;
mod generate;
mod operation;
mod outcome;
mod rules;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

pub use operation::{HeartbeatData, HeartbeatsOp};
pub use outcome::{HeartbeatsProblem, HeartbeatsSeen};
pub use rules::HeartbeatsModel;
use serde_json::Value;

use super::{
    failure::Failure,
    legacy::LegacyDocument,
    members::raw_members,
    source::{RawId, Source},
    subject::{Broken, Moment, Reach, Subject, Surroundings},
};
use crate::{
    seam::{Collection, CollectionSpec, RecordId},
    store::worker_heartbeats::{WorkerHeartbeatStore, WorkerHeartbeats},
};

/// The heartbeats store under proof.
#[derive(Clone, Copy, Debug)]
pub struct WorkerHeartbeatsSubject;

impl Subject for WorkerHeartbeatsSubject {
    const NAME: &'static str = "worker_heartbeats";
    const OPERATIONS: &'static [&'static str] = operation::OPERATIONS;
    const CLASSES: &'static [&'static str] = outcome::CLASSES;

    fn required(_reach: &Reach) -> Vec<(&'static str, &'static str)> {
        REQUIRED.to_vec()
    }

    type Op = HeartbeatsOp;
    type Seen = HeartbeatsSeen;
    type Model = HeartbeatsModel;
    type Store = dyn WorkerHeartbeats;
    type Memory = ();

    fn spec() -> CollectionSpec {
        WorkerHeartbeatStore::spec()
    }

    fn open(collection: Arc<dyn Collection>, surroundings: &Surroundings) -> Arc<Self::Store> {
        Arc::new(WorkerHeartbeatStore::new(collection, Arc::clone(&surroundings.clock)))
    }

    fn generate(source: &mut Source<'_, '_>) -> arbitrary::Result<HeartbeatsOp> {
        generate::operation(source)
    }

    fn generate_legacy(source: &mut Source<'_, '_>) -> arbitrary::Result<Vec<LegacyDocument>> {
        generate::legacy(source)
    }

    fn generate_legacy_write(source: &mut Source<'_, '_>) -> arbitrary::Result<LegacyDocument> {
        generate::legacy_write(source)
    }

    /// "When both exist the fresher one counts"; of equals the one under the
    /// worker's own name.
    fn legacy_written(model: &mut HeartbeatsModel, document: &LegacyDocument) {
        let Some(heartbeat) = legacy_heartbeat(document) else { return };
        let is_own = *document.id == *heartbeat.worker_id.0;
        let id = Arc::clone(&heartbeat.worker_id.0);
        let Some(stored) = model.heartbeats.get(&id) else {
            model.heartbeats.insert(id, heartbeat);
            return;
        };
        let (other, given) = (stored.last_heartbeat_at, heartbeat.last_heartbeat_at);
        if other < given || (other == given && is_own) {
            let staler = model.heartbeats.insert(Arc::clone(&id), heartbeat);
            model.shadowed.extend(staler.map(|staler| (id, staler)));
        } else {
            model.shadowed.insert(id, heartbeat);
        }
    }

    fn legacy_removed(model: &mut HeartbeatsModel, id: &str) {
        model.heartbeats.remove(id);
    }

    fn legacy_undone(model: &mut HeartbeatsModel, earlier: &HeartbeatsModel, id: &str) {
        Self::legacy_removed(model, id);
        let entry = earlier.heartbeats.get_key_value(id);
        model.heartbeats.extend(entry.map(|(id, entry)| (Arc::clone(id), entry.clone())));
    }

    /// The worker's id, which the file's name does not tell.
    fn legacy_touches(_id: &str, text: Option<&str>) -> Option<RecordId> {
        let worker_id: Value = serde_json::from_str(raw_members(text?).get("workerId")?).ok()?;
        RecordId::new(worker_id.as_str()?).ok()
    }

    async fn execute(
        store: &Self::Store,
        op: &mut HeartbeatsOp,
        _memory: &mut (),
    ) -> HeartbeatsSeen {
        execute::execute(store, op).await
    }

    fn step(
        model: &mut HeartbeatsModel,
        op: &HeartbeatsOp,
        seen: &HeartbeatsSeen,
        moment: &Moment<'_>,
    ) -> Result<(), Broken<HeartbeatsSeen>> {
        rules::step(model, op, seen, moment)
    }

    fn outcomes_unseen(
        model: &HeartbeatsModel,
        op: &HeartbeatsOp,
        moment: &Moment<'_>,
    ) -> Vec<HeartbeatsModel> {
        rules::outcomes_unseen(model, op, moment.now)
    }

    fn interval(op: &HeartbeatsOp) -> bool {
        matches!(op, HeartbeatsOp::List | HeartbeatsOp::DeleteStale { .. })
    }

    fn judge_interval(
        states: &mut dyn Iterator<Item = &HeartbeatsModel>,
        op: &HeartbeatsOp,
        seen: &HeartbeatsSeen,
        _moment: &Moment<'_>,
    ) -> Result<(), Broken<HeartbeatsSeen>> {
        match op {
            HeartbeatsOp::DeleteStale { before } => rules::judge_removal(states, *before, seen),
            _ => rules::judge_list(states, seen),
        }
    }

    fn partial_steps(
        _stage: usize,
        model: &HeartbeatsModel,
        op: &HeartbeatsOp,
        _moment: &Moment<'_>,
    ) -> Vec<HeartbeatsModel> {
        rules::partial_steps(model, op)
    }

    fn steps_made(_op: &HeartbeatsOp, seen: &HeartbeatsSeen) -> Option<usize> {
        match seen {
            HeartbeatsSeen::Removed(count) => usize::try_from(*count).ok(),
            _ => Some(0),
        }
    }

    /// The ids of workers. What `delete_stale` removes is not known before.
    fn writes(op: &HeartbeatsOp, seen: Option<&HeartbeatsSeen>) -> Option<Vec<RecordId>> {
        if matches!(seen, Some(HeartbeatsSeen::Failed(Failure { unknown: false, .. }))) {
            return Some(Vec::new());
        }
        match op {
            HeartbeatsOp::Upsert(heartbeat) => {
                let id = RecordId::new(Arc::clone(&heartbeat.worker_id.0)).ok();
                Some(id.into_iter().collect())
            }
            HeartbeatsOp::DeleteStale { .. } => None,
            HeartbeatsOp::Get { .. } | HeartbeatsOp::List => Some(Vec::new()),
        }
    }

    fn observations<'a>(ops: impl Iterator<Item = &'a HeartbeatsOp>) -> Vec<HeartbeatsOp> {
        let mut ids = BTreeSet::new();
        for op in ops {
            match op {
                HeartbeatsOp::Upsert(heartbeat) => {
                    ids.insert(&heartbeat.worker_id);
                }
                HeartbeatsOp::Get { worker_id } => {
                    ids.insert(worker_id);
                }
                HeartbeatsOp::List | HeartbeatsOp::DeleteStale { .. } => {}
            }
        }
        let mut reads = vec![HeartbeatsOp::List];
        let gets = ids.into_iter().cloned();
        reads.extend(gets.map(|worker_id| HeartbeatsOp::Get { worker_id }));
        reads
    }
}

/// A heartbeat that older software left, read with a reader of the model's own.
fn legacy_heartbeat(document: &LegacyDocument) -> Option<HeartbeatData> {
    let mut members = raw_members(&document.text);
    let mut take = |name: &str| members.remove(name);
    let worker_id: Value = serde_json::from_str(&take("workerId")?).ok()?;
    let at: Value = serde_json::from_str(&take("lastHeartbeatAt")?).ok()?;
    let mut heartbeat = HeartbeatData::new(RawId(Arc::from(worker_id.as_str()?)), at.as_i64()?);
    heartbeat.labels = take("labels").map(|text| raw_members(&text));
    heartbeat.stats = take("stats").map(|text| raw_members(&text));
    // What is left of the members is unknown.
    heartbeat.unknown = members;
    Some(heartbeat)
}

/// What every campaign must have reached.
const REQUIRED: &[(&str, &str)] = &[
    ("upsert", "done"),
    ("upsert", "invalid_worker_id"),
    ("get", "heartbeat"),
    ("get", "heartbeat_not_found"),
    ("get", "invalid_worker_id"),
    ("list", "list"),
    ("list", "list_empty"),
    ("delete_stale", "removed"),
    ("delete_stale", "removed_none"),
];
