//! The reference model of the workspace: one for all kinds of entity, and what some of
//! them add.
//!
//! A case is about one kind, or two: their stores share a changeset, as those of a
//! workspace store do.

mod entity;
mod execute;
mod generate;
mod operation;
mod outcome;
mod rules;
mod shape;
mod spans;
mod state;
#[cfg(test)]
mod tests;
mod writes;

use std::{collections::BTreeSet, sync::Arc};

use self::entity::record_of;
pub use self::{
    entity::Entity,
    execute::{EntityCalls, Workspace, read, spec, written},
    operation::{Call, Id, WorkspaceOp, full, plain},
    outcome::{Answer, ChangeSeen, WorkspaceFailure, WorkspaceProblem, WorkspaceSeen},
    state::WorkspaceModel,
};
use super::{
    legacy::LegacyDocument,
    source::Source,
    subject::{Broken, Moment, Reach, Subject, Surroundings},
};
use crate::{
    seam::{Collection, CollectionSpec, RecordId},
    workspace::kind::Kind,
};

/// The workspace under proof.
#[derive(Clone, Copy, Debug)]
pub struct WorkspaceSubject;

/// The kind whose records may be files of older software, or damaged.
const WITH_DAMAGE: Kind = Kind::Resource;

/// The entity that older software left.
fn legacy_entity(document: &LegacyDocument) -> Option<Entity> {
    let own = Entity::parse(WITH_DAMAGE, &document.text)?;
    (own.id(WITH_DAMAGE) == [Arc::from(document.id.as_str())]).then_some(own)
}

impl Subject for WorkspaceSubject {
    const NAME: &'static str = "workspace";
    const OPERATIONS: &'static [&'static str] = operation::OPERATIONS;
    const CLASSES: &'static [&'static str] = outcome::CLASSES;
    const WRITES_SEVERAL: bool = true;
    const IS_MANY_STORES: bool = true;

    fn required(reach: &Reach) -> Vec<(&'static str, &'static str)> {
        let mut required = REQUIRED.to_vec();
        if reach.damage {
            required.extend(REQUIRED_WITH_DAMAGE);
        }
        required
    }

    type Op = WorkspaceOp;
    type Seen = WorkspaceSeen;
    type Model = WorkspaceModel;
    type Store = Workspace;
    type Memory = ();

    fn spec() -> CollectionSpec {
        spec(WITH_DAMAGE)
    }

    fn further_collections<'a>(ops: impl Iterator<Item = &'a WorkspaceOp>) -> Vec<Arc<str>> {
        let kinds: BTreeSet<Kind> = ops.map(|op| op.kind).collect();
        kinds.into_iter().filter(|kind| *kind != WITH_DAMAGE).map(|kind| spec(kind).name).collect()
    }

    fn further_spec(name: &str) -> Option<CollectionSpec> {
        Kind::ALL.into_iter().map(spec).find(|spec| &*spec.name == name)
    }

    fn collection_of(op: &WorkspaceOp) -> usize {
        Kind::ALL.iter().position(|kind| *kind == op.kind).unwrap_or(0)
    }

    fn open(collection: Arc<dyn Collection>, surroundings: &Surroundings) -> Arc<Workspace> {
        let mut collections = vec![collection];
        collections.extend(surroundings.further.iter().cloned());
        Arc::new(Workspace::over(&collections, &surroundings.clock))
    }

    fn generate(source: &mut Source<'_, '_>) -> arbitrary::Result<WorkspaceOp> {
        generate::operation(source)
    }

    fn generate_legacy(source: &mut Source<'_, '_>) -> arbitrary::Result<Vec<LegacyDocument>> {
        generate::legacy(source)
    }

    fn generate_legacy_write(source: &mut Source<'_, '_>) -> arbitrary::Result<LegacyDocument> {
        generate::legacy_write(source)
    }

    fn legacy_written(model: &mut WorkspaceModel, document: &LegacyDocument) {
        let held = model.of_mut(WITH_DAMAGE);
        let id: Arc<str> = Arc::from(document.id.as_str());
        held.remove(&id);
        if document.is_unreadable() {
            held.damaged.insert(id);
            return;
        }
        match legacy_entity(document) {
            Some(own) => {
                let created_at = own.created_at(WITH_DAMAGE).unwrap_or(document.modified);
                held.put(&id, Arc::new(own), created_at);
            }
            None => {
                held.foreign.insert(id);
            }
        }
    }

    fn is_damage(document: &LegacyDocument) -> bool {
        legacy_entity(document).is_none()
    }

    fn legacy_removed(model: &mut WorkspaceModel, id: &str) {
        model.of_mut(WITH_DAMAGE).remove(id);
    }

    fn legacy_undone(model: &mut WorkspaceModel, earlier: &WorkspaceModel, id: &str) {
        let (held, before) = (model.of_mut(WITH_DAMAGE), earlier.of(WITH_DAMAGE));
        held.remove(id);
        let entity = before.entities.get_key_value(id);
        held.entities.extend(entity.map(|(id, own)| (Arc::clone(id), Arc::clone(own))));
        let created = before.created.get_key_value(id);
        held.created.extend(created.map(|(id, at)| (Arc::clone(id), *at)));
        held.foreign.extend(before.foreign.get(id).cloned());
        held.damaged.extend(before.damaged.get(id).cloned());
    }

    async fn execute(store: &Workspace, op: &mut WorkspaceOp, _memory: &mut ()) -> WorkspaceSeen {
        execute::execute(store, op).await
    }

    fn step(
        model: &mut WorkspaceModel,
        op: &WorkspaceOp,
        seen: &WorkspaceSeen,
        moment: &Moment<'_>,
    ) -> Result<(), Broken<WorkspaceSeen>> {
        rules::step(model, op, seen, moment)
    }

    fn outcomes_unseen(
        model: &WorkspaceModel,
        op: &WorkspaceOp,
        moment: &Moment<'_>,
    ) -> Vec<WorkspaceModel> {
        (0..rules::stages(op))
            .scan(model.clone(), |model, stage| {
                let after = rules::stage_unseen(stage, model, op, moment).pop();
                *model = after.unwrap_or_else(|| model.clone());
                Some(model.clone())
            })
            .last()
            .filter(|after| after != model)
            .into_iter()
            .collect()
    }

    fn stages(op: &WorkspaceOp, _variant: u8) -> usize {
        if op.fits() { rules::stages(op) } else { 1 }
    }

    fn step_stage(
        stage: usize,
        model: &mut WorkspaceModel,
        op: &WorkspaceOp,
        seen: &WorkspaceSeen,
        moment: &Moment<'_>,
    ) -> Result<(), Broken<WorkspaceSeen>> {
        rules::step_stage(stage, model, op, seen, moment)
    }

    fn stage_unseen(
        stage: usize,
        model: &WorkspaceModel,
        op: &WorkspaceOp,
        moment: &Moment<'_>,
    ) -> Vec<WorkspaceModel> {
        rules::stage_unseen(stage, model, op, moment)
    }

    fn interval(op: &WorkspaceOp) -> bool {
        op.is_listing()
    }

    fn judge_interval(
        states: &mut dyn Iterator<Item = &WorkspaceModel>,
        op: &WorkspaceOp,
        seen: &WorkspaceSeen,
        _moment: &Moment<'_>,
    ) -> Result<(), Broken<WorkspaceSeen>> {
        rules::judge_listing(states, op, seen)
    }

    fn writes(op: &WorkspaceOp, seen: Option<&WorkspaceSeen>) -> Option<Vec<RecordId>> {
        use super::subject::{Operation, Verdict};
        if op.is_read() || matches!(op.call, Call::TakeChanges) {
            return Some(Vec::new());
        }
        match seen.map(|seen| (&seen.answer, seen.is_refusal())) {
            Some((_, true) | (Answer::Updated(false), _)) => return Some(Vec::new()),
            // It may have removed any.
            _ if matches!(op.call, Call::BulkUpdate { .. }) => return None,
            _ => {}
        }
        let records = op.ids().into_iter().filter_map(|id| record_of(&id));
        let given = seen.and_then(|seen| match &seen.answer {
            Answer::Id(id) => Some(Arc::clone(id)),
            _ => None,
        });
        Some(records.chain(given).filter_map(|id| RecordId::new(id).ok()).collect())
    }

    fn may_change(
        op: &WorkspaceOp,
        seen: Option<&WorkspaceSeen>,
        document: &LegacyDocument,
    ) -> bool {
        let is_meant = |id: &RecordId| id.as_str() == document.id;
        op.kind == WITH_DAMAGE && Self::writes(op, seen).is_none_or(|ids| ids.iter().any(is_meant))
    }

    fn observations<'a>(ops: impl Iterator<Item = &'a WorkspaceOp>) -> Vec<WorkspaceOp> {
        let (mut kinds, mut ids) = (BTreeSet::from([WITH_DAMAGE]), BTreeSet::new());
        let mut looks: Vec<WorkspaceOp> = Vec::new();
        for op in ops {
            kinds.insert(op.kind);
            ids.extend(op.ids().into_iter().map(|id| (op.kind, id)));
            if matches!(op.call, Call::By { .. }) && !looks.contains(op) {
                looks.push(op.clone());
            }
        }
        let read = |kind, call| WorkspaceOp { kind, call };
        let mut reads: Vec<_> = kinds.into_iter().map(|kind| read(kind, Call::Items)).collect();
        reads.extend(ids.into_iter().map(|(kind, id)| read(kind, Call::Get { id })));
        reads.extend(looks);
        reads
    }

    fn parting() -> Vec<WorkspaceOp> {
        vec![WorkspaceOp { kind: WITH_DAMAGE, call: Call::TakeChanges }]
    }

    fn trial() -> Vec<WorkspaceOp> {
        let (kind, id) = (WITH_DAMAGE, vec![Arc::from("trial")]);
        let mut entity = plain(kind, &id);
        entity.set_text("identifier", "trial");
        [Call::Upsert { id: id.clone(), entity }, Call::Get { id: id.clone() }, Call::Remove { id }]
            .map(|call| WorkspaceOp { kind, call })
            .into()
    }
}

/// What every campaign must have reached.
const REQUIRED: &[(&str, &str)] = &[
    ("upsert", "done"),
    ("upsert", "id_mismatch"),
    ("upsert", "invalid_id"),
    ("upsert", "wrong_parts"),
    ("upsert", "key_taken"),
    ("upsert_batch", "done"),
    ("upsert_batch", "invalid_argument"),
    ("upsert_batch", "invalid_id"),
    ("upsert_batch", "key_taken"),
    ("remove", "removed"),
    ("remove", "removed_none"),
    ("remove", "invalid_id"),
    ("remove", "wrong_parts"),
    ("remove_batch", "removed"),
    ("remove_batch", "removed_none"),
    ("remove_batch", "invalid_argument"),
    ("get", "entity"),
    ("get", "none"),
    ("get", "invalid_id"),
    ("get", "wrong_parts"),
    ("items", "items"),
    ("items", "items_empty"),
    ("by", "items"),
    ("by", "items_empty"),
    ("by", "invalid_argument"),
    ("take_changes", "changes"),
    ("take_changes", "changes_empty"),
    ("link", "linked"),
    ("link", "linked_before"),
    ("unlink", "removed"),
    ("unlink", "removed_none"),
    ("linked", "sides"),
    ("linked", "sides_empty"),
    ("bulk_update", "updated"),
    ("bulk_update", "updated_nothing"),
    ("upsert_by_content", "id"),
    ("by_identifier", "entity"),
    ("by_identifier", "none"),
    ("summaries", "items"),
    ("approved", "items"),
    ("approved", "items_empty"),
];

/// What a campaign with damaged records must have reached besides.
const REQUIRED_WITH_DAMAGE: &[(&str, &str)] =
    &[("get", "corrupt"), ("items", "items_with_damage"), ("by", "items_with_damage")];
