//! The reference model of working sets whose durable half others change: what a reader
//! may see, and when.
//!
//! Each store under proof is a hybrid backend of its own over the collection that all
//! share, so that there are as many working sets as stores, in other processes as well;
//! and past them, calls go to the collection itself. What a collection must do is what
//! [`CollectionSubject`] says, of the durable half. A working set may be behind it
//! (`stale_reads`): its reads give what there was, but nothing older than what it has
//! surely read.

mod operation;
mod rules;
mod state;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use self::{operation::WorkingSetsOp, state::WorkingSetsModel, store::WorkingSet};
use super::{
    collection::{CollectionMemory, CollectionOp, CollectionSeen, CollectionSubject, ListInput},
    divergence::Divergence,
    legacy::LegacyDocument,
    source::Source,
    subject::{Broken, Moment, Reach, Subject, Surroundings},
};
use crate::seam::{Collection, CollectionSpec, RecordId};

/// Working sets over a collection, as a store under proof.
#[derive(Clone, Copy, Debug)]
pub struct WorkingSetsSubject;

impl Subject for WorkingSetsSubject {
    const NAME: &'static str = "working_sets";
    const OPERATIONS: &'static [&'static str] = operation::OPERATIONS;
    const CLASSES: &'static [&'static str] = CollectionSubject::CLASSES;

    fn required(reach: &Reach) -> Vec<(&'static str, &'static str)> {
        let mut required = REQUIRED.to_vec();
        if reach.damage {
            required.extend(REQUIRED_WITH_DAMAGE);
        }
        required
    }

    type Op = WorkingSetsOp;
    type Seen = CollectionSeen;
    type Model = WorkingSetsModel;
    type Store = WorkingSet;
    type Memory = CollectionMemory;

    fn spec() -> CollectionSpec {
        CollectionSubject::spec()
    }

    const WRITES_SEVERAL: bool = CollectionSubject::WRITES_SEVERAL;

    /// A working set reads a clock of its own beside that of the durable half: which of
    /// them a call went by would not be known.
    const CLOCK_MOVES: bool = false;

    const DECLARED: &'static [Divergence] = &[Divergence::StaleReads];

    fn open(collection: Arc<dyn Collection>, surroundings: &Surroundings) -> Arc<WorkingSet> {
        let outside = Arc::clone(&collection);
        Arc::new(WorkingSet::new(outside, collection, Arc::clone(&surroundings.clock)))
    }

    fn generate(source: &mut Source<'_, '_>) -> arbitrary::Result<WorkingSetsOp> {
        Ok(match source.below(16)? {
            0 => WorkingSetsOp::Refresh,
            1..=5 => WorkingSetsOp::Outside(CollectionSubject::generate(source)?),
            _ => WorkingSetsOp::Own(CollectionSubject::generate(source)?),
        })
    }

    fn generate_legacy(source: &mut Source<'_, '_>) -> arbitrary::Result<Vec<LegacyDocument>> {
        CollectionSubject::generate_legacy(source)
    }

    fn generate_legacy_write(source: &mut Source<'_, '_>) -> arbitrary::Result<LegacyDocument> {
        CollectionSubject::generate_legacy_write(source)
    }

    fn legacy_written(model: &mut WorkingSetsModel, document: &LegacyDocument) {
        model.change_unseen(|durable| CollectionSubject::legacy_written(durable, document));
    }

    fn legacy_removed(model: &mut WorkingSetsModel, id: &str) {
        model.change_unseen(|durable| CollectionSubject::legacy_removed(durable, id));
    }

    fn legacy_undone(model: &mut WorkingSetsModel, earlier: &WorkingSetsModel, id: &str) {
        model.change_unseen(|durable| {
            CollectionSubject::legacy_undone(durable, &earlier.durable, id);
        });
    }

    fn model_of_legacy(documents: &[LegacyDocument]) -> WorkingSetsModel {
        WorkingSetsModel::holding(CollectionSubject::model_of_legacy(documents))
    }

    fn execute(
        store: &WorkingSet,
        op: &mut WorkingSetsOp,
        memory: &mut CollectionMemory,
    ) -> impl Future<Output = CollectionSeen> + Send {
        store.execute(op, memory)
    }

    fn step(
        model: &mut WorkingSetsModel,
        op: &WorkingSetsOp,
        seen: &CollectionSeen,
        moment: &Moment<'_>,
    ) -> Result<(), Broken<CollectionSeen>> {
        rules::step(model, op, seen, moment)
    }

    fn outcomes_unseen(
        model: &WorkingSetsModel,
        op: &WorkingSetsOp,
        moment: &Moment<'_>,
    ) -> Vec<WorkingSetsModel> {
        let Some(op) = op.call() else { return Vec::new() };
        let unseen = CollectionSubject::outcomes_unseen(&model.durable, op, moment).into_iter();
        unseen.map(|durable| model.clone().followed_by(durable, moment.returned)).collect()
    }

    fn writes(op: &WorkingSetsOp, seen: Option<&CollectionSeen>) -> Option<Vec<RecordId>> {
        match op.call() {
            Some(op) => CollectionSubject::writes(op, seen),
            None => Some(Vec::new()),
        }
    }

    /// A store that was opened for it has read all there is: both halves are seen.
    fn observations<'a>(ops: impl Iterator<Item = &'a WorkingSetsOp>) -> Vec<WorkingSetsOp> {
        let asked = CollectionSubject::observations(ops.filter_map(WorkingSetsOp::call));
        let below = WorkingSetsOp::Outside(everything());
        [below].into_iter().chain(asked.into_iter().map(WorkingSetsOp::Own)).collect()
    }

    /// After a refresh a working set is as the durable half.
    fn parting() -> Vec<WorkingSetsOp> {
        vec![WorkingSetsOp::Refresh, WorkingSetsOp::Own(everything())]
    }

    fn trial() -> Vec<WorkingSetsOp> {
        CollectionSubject::trial().into_iter().map(WorkingSetsOp::Own).collect()
    }
}

fn everything() -> CollectionOp {
    CollectionOp::List(ListInput { limit: Some(u32::MAX), ..ListInput::default() })
}

/// What every campaign must have reached.
const REQUIRED: &[(&str, &str)] = &[
    ("get", "record"),
    ("get", "not_found"),
    ("put", "done"),
    ("put", "key_taken"),
    ("create", "done"),
    ("create", "already_exists"),
    ("delete", "done"),
    ("compare_and_swap", "done"),
    ("compare_and_swap", "not_found"),
    ("compare_and_swap", "conflict"),
    ("compare_and_delete", "conflict"),
    ("update", "done"),
    ("update", "unchanged"),
    ("update", "not_found"),
    ("find", "found"),
    ("find", "found_nothing"),
    ("list", "page"),
    ("list", "page_with_next"),
    ("count", "count"),
    ("claim", "record"),
    ("claim", "not_found"),
    ("commit", "done"),
    ("commit", "conflict"),
    ("purge_expired", "count"),
    ("quarantine", "done"),
    ("outside_put", "done"),
    ("outside_create", "done"),
    ("outside_delete", "done"),
    ("outside_compare_and_swap", "done"),
    ("outside_claim", "record"),
    ("outside_commit", "done"),
    ("outside_quarantine", "done"),
    ("refresh", "done"),
];

/// What a campaign with damaged records must have reached besides.
const REQUIRED_WITH_DAMAGE: &[(&str, &str)] =
    &[("get", "corrupt"), ("list", "page_with_damage"), ("find", "found_with_damage")];
