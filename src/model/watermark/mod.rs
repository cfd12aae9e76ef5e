//! The reference model of the watermark store.

mod execute;
mod generate;
mod operation;
mod outcome;
mod read;
mod rules;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use operation::{DagData, OneOffData, StateData, WatermarkOp};
pub use outcome::{WatermarkProblem, WatermarkSeen};
pub use rules::WatermarkModel;

use super::{
    failure::Failure,
    legacy::LegacyDocument,
    payload::PayloadInput,
    source::Source,
    subject::{Broken, Moment, Reach, Subject, Surroundings},
};
use crate::{
    seam::{Collection, CollectionSpec, RecordId},
    store::watermark::{WatermarkStore, Watermarks},
};

/// The watermark store under proof.
#[derive(Clone, Copy, Debug)]
pub struct WatermarkSubject;

impl Subject for WatermarkSubject {
    const NAME: &'static str = "watermark";
    const OPERATIONS: &'static [&'static str] = operation::OPERATIONS;
    const CLASSES: &'static [&'static str] = outcome::CLASSES;

    fn required(_reach: &Reach) -> Vec<(&'static str, &'static str)> {
        REQUIRED.to_vec()
    }

    type Op = WatermarkOp;
    type Seen = WatermarkSeen;
    type Model = WatermarkModel;
    type Store = dyn Watermarks;
    type Memory = ();

    fn spec() -> CollectionSpec {
        WatermarkStore::spec()
    }

    fn open(collection: Arc<dyn Collection>, surroundings: &Surroundings) -> Arc<Self::Store> {
        Arc::new(WatermarkStore::new(collection, Arc::clone(&surroundings.clock)))
    }

    fn generate(source: &mut Source<'_, '_>) -> arbitrary::Result<WatermarkOp> {
        generate::operation(source)
    }

    fn generate_legacy(source: &mut Source<'_, '_>) -> arbitrary::Result<Vec<LegacyDocument>> {
        generate::legacy(source)
    }

    fn generate_legacy_write(source: &mut Source<'_, '_>) -> arbitrary::Result<LegacyDocument> {
        generate::legacy_write(source)
    }

    /// "Only `state` is a record of this collection."
    fn legacy_written(model: &mut WatermarkModel, document: &LegacyDocument) {
        if document.id == "state" {
            model.stored = Some(PayloadInput::new(document.text.as_bytes()));
        }
    }

    fn is_damage(document: &LegacyDocument) -> bool {
        document.id == "state" && read::read(document.text.as_bytes()).is_none()
    }

    fn legacy_removed(model: &mut WatermarkModel, id: &str) {
        if id == "state" {
            model.stored = None;
        }
    }

    fn legacy_undone(model: &mut WatermarkModel, earlier: &WatermarkModel, id: &str) {
        if id == "state" {
            model.stored.clone_from(&earlier.stored);
        }
    }

    async fn execute(store: &Self::Store, op: &mut WatermarkOp, _memory: &mut ()) -> WatermarkSeen {
        execute::execute(store, op).await
    }

    fn step(
        model: &mut WatermarkModel,
        op: &WatermarkOp,
        seen: &WatermarkSeen,
        _moment: &Moment<'_>,
    ) -> Result<(), Broken<WatermarkSeen>> {
        rules::step(model, op, seen)
    }

    fn outcomes_unseen(
        model: &WatermarkModel,
        op: &WatermarkOp,
        _moment: &Moment<'_>,
    ) -> Vec<WatermarkModel> {
        rules::outcomes_unseen(model, op)
    }

    fn sets_aside(op: &WatermarkOp) -> bool {
        matches!(op, WatermarkOp::Save { .. })
    }

    fn partial_steps(
        _stage: usize,
        model: &WatermarkModel,
        op: &WatermarkOp,
        _moment: &Moment<'_>,
    ) -> Vec<WatermarkModel> {
        rules::partial_steps(model, op)
    }

    fn writes(op: &WatermarkOp, seen: Option<&WatermarkSeen>) -> Option<Vec<RecordId>> {
        let refused = matches!(seen, Some(WatermarkSeen::Failed(Failure { unknown: false, .. })));
        let writes = *op != WatermarkOp::Load && !refused;
        Some(writes.then(|| RecordId::new("state").ok()).flatten().into_iter().collect())
    }

    fn observations<'a>(_ops: impl Iterator<Item = &'a WatermarkOp>) -> Vec<WatermarkOp> {
        vec![WatermarkOp::Load]
    }

    fn trial() -> Vec<WatermarkOp> {
        let state = PayloadInput::new(br#"{"version":3,"lastTick":"2026-01-01T00:00:00Z"}"#);
        // There is no delete.
        vec![WatermarkOp::Save { state }, WatermarkOp::Load]
    }
}

/// What every campaign must have reached.
const REQUIRED: &[(&str, &str)] = &[
    ("load", "state"),
    ("load", "state_empty"),
    ("load", "state_unusable"),
    ("save", "done"),
    ("save", "invalid_state"),
];
