//! The reference model of a collection, and the collection as a store under
//! proof.

mod execute;
mod generate;
mod operation;
mod outcome;
mod refusals;
mod rules;
mod shrink;
mod state;
#[cfg(test)]
mod tests;
mod writes;

use std::sync::Arc;

pub use execute::CollectionMemory;
pub use operation::{
    ActionInput, CollectionOp, ConditionInput, CursorInput, ListInput, Place, RecordInput,
    SelectionInput, WriteInput,
};
pub use outcome::{CollectionSeen, Failure};
pub use state::{CollectionModel, Entry, Stored};

use super::{
    legacy::LegacyDocument,
    payload::PayloadInput,
    source::{RawId, Source},
    subject::{Broken, Moment, Reach, Subject, Surroundings},
};
use crate::seam::{Collection, CollectionSpec, Encoding, Instant, KeySpec, LegacySpec, RecordId};

/// The collection itself, as a store under proof.
#[derive(Clone, Copy, Debug)]
pub struct CollectionSubject;

impl Subject for CollectionSubject {
    const NAME: &'static str = "collection";
    const OPERATIONS: &'static [&'static str] = operation::OPERATIONS;
    const CLASSES: &'static [&'static str] = outcome::CLASSES;

    fn required(reach: &Reach) -> Vec<(&'static str, &'static str)> {
        let mut required = REQUIRED.to_vec();
        if reach.damage {
            required.extend(REQUIRED_WITH_DAMAGE);
        }
        required
    }

    type Op = CollectionOp;
    type Seen = CollectionSeen;
    type Model = CollectionModel;
    type Store = dyn Collection;
    type Memory = CollectionMemory;

    fn spec() -> CollectionSpec {
        thread_local! {
            // Made once: every run opens a collection. Each thread has its own:
            // they would all count the clones of a shared one.
            static SPEC: CollectionSpec = spec();
        }
        SPEC.with(Clone::clone)
    }

    const WRITES_SEVERAL: bool = true;

    fn open(collection: Arc<dyn Collection>, _: &Surroundings) -> Arc<Self::Store> {
        collection
    }

    fn generate(source: &mut Source<'_, '_>) -> arbitrary::Result<CollectionOp> {
        generate::operation(source)
    }

    fn generate_legacy(source: &mut Source<'_, '_>) -> arbitrary::Result<Vec<LegacyDocument>> {
        generate::legacy(source)
    }

    fn generate_legacy_write(source: &mut Source<'_, '_>) -> arbitrary::Result<LegacyDocument> {
        generate::legacy_write(source)
    }

    /// "It reads as a record with `encoding` json, the file's bytes as data, the
    /// id that its path stands for, and `created_at`/`updated_at` from the
    /// payload where it has them, else the file's modification time." What is
    /// not JSON is damaged.
    fn legacy_written(model: &mut CollectionModel, document: &LegacyDocument) {
        let Ok(id) = RecordId::new(document.id.as_str()) else { return };
        let data = PayloadInput::new(document.text.as_bytes());
        let time = |name| data.string(name).and_then(Instant::parse).unwrap_or(document.modified);
        let entry = if data.is_json() {
            Entry::Good(Stored {
                created_at: time("created_at"),
                updated_at: time("updated_at"),
                encoding: Encoding::JSON,
                expires_at: None,
                data,
            })
        } else {
            Entry::Damaged { bytes: data, newer: false }
        };
        model.lingering.remove(&id);
        model.entries.insert(id, entry);
    }

    fn legacy_removed(model: &mut CollectionModel, id: &str) {
        model.lingering.remove(id);
        model.entries.remove(id);
    }

    fn legacy_undone(model: &mut CollectionModel, earlier: &CollectionModel, id: &str) {
        Self::legacy_removed(model, id);
        let entry = earlier.entries.get_key_value(id);
        model.entries.extend(entry.map(|(id, entry)| (id.clone(), entry.clone())));
        model.lingering.extend(earlier.lingering.get(id).cloned());
    }

    fn execute(
        store: &Self::Store,
        op: &mut CollectionOp,
        memory: &mut CollectionMemory,
    ) -> impl Future<Output = CollectionSeen> + Send {
        execute::execute(store, op, memory)
    }

    fn step(
        model: &mut CollectionModel,
        op: &CollectionOp,
        seen: &CollectionSeen,
        moment: &Moment<'_>,
    ) -> Result<(), Broken<CollectionSeen>> {
        rules::step(model, op, seen, moment)
    }

    fn outcomes_unseen(
        model: &CollectionModel,
        op: &CollectionOp,
        moment: &Moment<'_>,
    ) -> Vec<CollectionModel> {
        rules::outcomes_unseen(model, op, moment)
    }

    fn writes(op: &CollectionOp, seen: Option<&CollectionSeen>) -> Option<Vec<RecordId>> {
        if matches!(seen, Some(CollectionSeen::Failed(failure)) if !failure.unknown) {
            return Some(Vec::new());
        }
        match op {
            CollectionOp::Get { .. }
            | CollectionOp::Find { .. }
            | CollectionOp::List(_)
            | CollectionOp::Count(_) => Some(Vec::new()),
            CollectionOp::Claim(_) => match seen {
                Some(CollectionSeen::Record(record)) => Some(vec![record.id.clone()]),
                _ => None,
            },
            CollectionOp::PurgeExpired => match seen {
                Some(CollectionSeen::Count(0)) => Some(Vec::new()),
                _ => None,
            },
            _ => Some(op.ids().filter_map(|id| RecordId::new(Arc::clone(&id.0)).ok()).collect()),
        }
    }

    fn observations<'a>(ops: impl Iterator<Item = &'a CollectionOp>) -> Vec<CollectionOp> {
        let (mut ids, mut names, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for op in ops {
            ids.extend(op.ids());
            for data in op.stored() {
                names.extend(data.string("name"));
                let kind = data.string("kind").unwrap_or("plain");
                groups.extend(data.string("group").map(|group| (group, kind)));
            }
        }
        let (ids, names, groups) = (distinct(ids), distinct(names), distinct(groups));
        let everything = ListInput { limit: Some(u32::MAX), ..ListInput::default() };
        let find = |key: &str, parts: &[&str]| CollectionOp::Find {
            key: Arc::from(key),
            parts: parts.iter().map(|part| Arc::from(*part)).collect(),
        };
        let mut reads = vec![CollectionOp::List(everything)];
        reads.extend(ids.into_iter().map(|id| CollectionOp::Get { id: id.clone() }));
        reads.extend(names.into_iter().map(|name| find("name", &[name])));
        reads.extend(groups.into_iter().map(|(group, kind)| find("group", &[group, kind])));
        reads
    }

    fn trial() -> Vec<CollectionOp> {
        let id = RawId(Arc::from("trial"));
        let record = RecordInput {
            id: id.clone(),
            data: PayloadInput::new(b"1"),
            encoding: Encoding::JSON,
            created_at: Instant::UNIX_EPOCH,
            updated_at: Instant::UNIX_EPOCH,
            expires_at: None,
        };
        vec![
            CollectionOp::Put(record),
            CollectionOp::Get { id: id.clone() },
            CollectionOp::Delete { id },
        ]
    }
}

fn distinct<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort_unstable();
    items.dedup();
    items
}

fn spec() -> CollectionSpec {
    let mut spec = CollectionSpec::new("collection").with_keys([
        KeySpec::unique("name", &["/name"]),
        KeySpec::shared("group", &["/group", "/kind"]).with_default(1, "plain"),
    ]);
    spec.legacy =
        LegacySpec { id: None, created_at: Some("/created_at"), updated_at: Some("/updated_at") };
    spec
}

/// What every campaign must have reached.
const REQUIRED: &[(&str, &str)] = &[
    ("get", "record"),
    ("get", "not_found"),
    ("get", "invalid_id"),
    ("put", "done"),
    ("put", "invalid_id"),
    ("put", "invalid_record"),
    ("put", "key_taken"),
    ("create", "done"),
    ("create", "already_exists"),
    ("create", "invalid_record"),
    ("create", "key_taken"),
    ("delete", "done"),
    ("delete", "invalid_id"),
    ("compare_and_swap", "done"),
    ("compare_and_swap", "not_found"),
    ("compare_and_swap", "conflict"),
    ("compare_and_swap", "invalid_record"),
    ("compare_and_swap", "key_taken"),
    ("compare_and_delete", "done"),
    ("compare_and_delete", "not_found"),
    ("compare_and_delete", "conflict"),
    ("update", "done"),
    ("update", "unchanged"),
    ("update", "not_found"),
    ("update", "invalid_record"),
    ("update", "key_taken"),
    ("find", "found"),
    ("find", "found_nothing"),
    ("find", "invalid_argument"),
    ("list", "page"),
    ("list", "page_empty"),
    ("list", "page_with_next"),
    ("list", "invalid_argument"),
    ("list", "invalid_cursor"),
    ("count", "count"),
    ("count", "count_zero"),
    ("claim", "record"),
    ("claim", "not_found"),
    ("commit", "done"),
    ("commit", "not_found"),
    ("commit", "already_exists"),
    ("commit", "conflict"),
    ("commit", "key_taken"),
    ("commit", "invalid_id"),
    ("commit", "invalid_record"),
    ("commit", "invalid_argument"),
    ("purge_expired", "count"),
    ("purge_expired", "count_zero"),
    ("quarantine", "done"),
    ("quarantine", "not_found"),
    ("quarantine", "conflict"),
];

/// What a campaign with damaged records must have reached besides.
const REQUIRED_WITH_DAMAGE: &[(&str, &str)] = &[
    ("get", "corrupt"),
    ("compare_and_swap", "corrupt"),
    ("compare_and_delete", "corrupt"),
    ("update", "corrupt"),
    ("commit", "corrupt"),
    ("list", "page_with_damage"),
    ("find", "found_with_damage"),
];
