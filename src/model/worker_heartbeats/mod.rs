//! The reference model of the heartbeats store.

mod execute;
mod generate;
mod operation;
mod outcome;
mod place;
mod rules;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

pub use operation::{HeartbeatData, HeartbeatsOp};
pub use outcome::{HeartbeatsProblem, HeartbeatsSeen};
pub use rules::{HeartbeatsModel, Worker};
use serde_json::Value;

use super::{
    failure::Failure,
    legacy::LegacyDocument,
    members::raw_members,
    source::{RawId, Source},
    subject::{Broken, Moment, Reach, Subject, Surroundings},
};
use crate::{
    seam::{Collection, CollectionSpec, Instant, RecordId},
    store::worker_heartbeats::{WorkerHeartbeatStore, WorkerHeartbeats},
};

/// The heartbeats store under proof.
#[derive(Clone, Copy, Debug)]
pub struct WorkerHeartbeatsSubject;

impl Subject for WorkerHeartbeatsSubject {
    const NAME: &'static str = "worker_heartbeats";
    const OPERATIONS: &'static [&'static str] = operation::OPERATIONS;
    const CLASSES: &'static [&'static str] = outcome::CLASSES;

    fn required(reach: &Reach) -> Vec<(&'static str, &'static str)> {
        let mut required = REQUIRED.to_vec();
        if reach.damage {
            required.extend(REQUIRED_WITH_DAMAGE);
        }
        required
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

    fn legacy_written(model: &mut HeartbeatsModel, document: &LegacyDocument) {
        model.write_file(&document.id, legacy_heartbeat(&document.id, &document.text));
    }

    fn is_damage(document: &LegacyDocument) -> bool {
        legacy_heartbeat(&document.id, &document.text).is_none()
    }

    fn legacy_removed(model: &mut HeartbeatsModel, id: &str) {
        model.remove_file(id);
    }

    fn legacy_undone(model: &mut HeartbeatsModel, earlier: &HeartbeatsModel, id: &str) {
        model.remove_file(id);
        if earlier.damaged.contains(id) {
            model.write_file(id, None);
        } else if let Some(heartbeat) = earlier.file(id) {
            model.write_file(id, Some(heartbeat.clone()));
        }
    }

    /// The worker's id, which the file's name does not tell.
    fn legacy_touches(id: &str, text: Option<&str>) -> Option<RecordId> {
        RecordId::new(legacy_heartbeat(id, text?)?.worker_id.0).ok()
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

    fn sets_aside(op: &HeartbeatsOp) -> bool {
        matches!(op, HeartbeatsOp::Upsert(_))
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
        moment: &Moment<'_>,
    ) -> Vec<HeartbeatsModel> {
        rules::partial_steps(model, op, moment.now)
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

    fn trial() -> Vec<HeartbeatsOp> {
        let worker_id = RawId(Arc::from("trial"));
        let before = Instant::UNIX_EPOCH;
        vec![
            HeartbeatsOp::Upsert(HeartbeatData::new(worker_id.clone(), -1)),
            HeartbeatsOp::Get { worker_id },
            HeartbeatsOp::DeleteStale { before },
        ]
    }
}

/// A heartbeat that older software left in the file `<id>.json`, read with a
/// reader of the model's own. "For heartbeats the worker's record id and the
/// SHA-256 of `workerId`" are right ids.
fn legacy_heartbeat(id: &str, text: &str) -> Option<HeartbeatData> {
    let mut members = raw_members(text);
    let mut take = |name: &str| members.remove(name);
    let worker_id: Value = serde_json::from_str(&take("workerId")?).ok()?;
    let worker_id = RawId(Arc::from(worker_id.as_str()?));
    let names = [place::own_name(&worker_id.0), place::older_name(&worker_id.0)];
    if !names.iter().any(|name| name == id) {
        return None;
    }
    let at: Value = match take("lastHeartbeatAt") {
        Some(at) => serde_json::from_str(&at).ok()?,
        None => Value::from(0),
    };
    let mut heartbeat = HeartbeatData::new(worker_id, at.as_i64()?);
    let object = |text: Arc<str>| text.starts_with('{').then(|| raw_members(&text));
    if let Some(labels) = take("labels") {
        heartbeat.labels = Some(object(labels)?);
    }
    if let Some(stats) = take("stats") {
        heartbeat.stats = Some(object(stats)?);
    }
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

/// What a campaign with damaged records must have reached besides.
const REQUIRED_WITH_DAMAGE: &[(&str, &str)] = &[("get", "corrupt"), ("list", "list_with_damage")];
