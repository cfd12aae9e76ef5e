//! Simpler calls to try instead of a given one.

use std::sync::Arc;

use super::operation::{
    ActionInput, CollectionOp, ConditionInput, CursorInput, ListInput, RecordInput, SelectionInput,
    WriteInput,
};
use crate::{
    model::{
        payload::{PayloadInput, simplest},
        source::{INSTANTS, RawId},
    },
    seam::Encoding,
};

/// Every call that differs from `op` in one respect and is simpler in it, the
/// simplest first.
pub(super) fn simpler(op: &CollectionOp) -> Vec<CollectionOp> {
    match op {
        CollectionOp::Get { id } => ids(id).map(|id| CollectionOp::Get { id }).collect(),
        CollectionOp::Delete { id } => ids(id).map(|id| CollectionOp::Delete { id }).collect(),
        CollectionOp::Put(record) => records(record).into_iter().map(CollectionOp::Put).collect(),
        CollectionOp::Create(record) => {
            records(record).into_iter().map(CollectionOp::Create).collect()
        }
        CollectionOp::CompareAndSwap { id, expected, next } => {
            let with = |id: &RawId, expected: &PayloadInput, next: &PayloadInput| {
                CollectionOp::CompareAndSwap {
                    id: id.clone(),
                    expected: expected.clone(),
                    next: next.clone(),
                }
            };
            let by_id = ids(id).map(|id| with(&id, expected, next));
            let by_expected = payloads(expected).map(|expected| with(id, &expected, next));
            let by_next = payloads(next).map(|next| with(id, expected, &next));
            by_id.chain(by_expected).chain(by_next).collect()
        }
        CollectionOp::CompareAndDelete { id, expected } => {
            let with = |id, expected| CollectionOp::CompareAndDelete { id, expected };
            let plain = CollectionOp::Delete { id: id.clone() };
            std::iter::once(plain).chain(id_and_data(id, expected, with)).collect()
        }
        CollectionOp::Update { id, data } => {
            id_and_data(id, data, |id, data| CollectionOp::Update { id, data }).collect()
        }
        CollectionOp::Quarantine { id, expected } => {
            let with = |id, expected| CollectionOp::Quarantine { id, expected };
            id_and_data(id, expected, with).collect()
        }
        // Other values would find less, not show more.
        CollectionOp::Find { .. } | CollectionOp::PurgeExpired => Vec::new(),
        CollectionOp::List(query) => lists(query).into_iter().map(CollectionOp::List).collect(),
        CollectionOp::Count(selection) => selections(selection).map(CollectionOp::Count).collect(),
        CollectionOp::Claim(selection) => selections(selection).map(CollectionOp::Claim).collect(),
        CollectionOp::Commit { writes } => commits(writes),
    }
}

fn id_and_data<'a>(
    id: &'a RawId,
    data: &'a PayloadInput,
    with: impl Fn(RawId, PayloadInput) -> CollectionOp + Copy + 'a,
) -> impl Iterator<Item = CollectionOp> + 'a {
    let by_id = ids(id).map(move |id| with(id, data.clone()));
    by_id.chain(payloads(data).map(move |data| with(id.clone(), data)))
}

/// Simpler ids: `a`, then `b`.
fn ids(id: &RawId) -> impl Iterator<Item = RawId> + use<> {
    let simple = ["a", "b"].into_iter();
    let rank = simple.clone().position(|simple| simple == &*id.0).unwrap_or(usize::MAX);
    simple.take(rank).map(|id| RawId(Arc::from(id)))
}

fn payloads(data: &PayloadInput) -> impl Iterator<Item = PayloadInput> + use<> {
    let rank = simplest().position(|simple| simple == *data).unwrap_or(usize::MAX);
    simplest().take(rank)
}

fn records(record: &RecordInput) -> Vec<RecordInput> {
    let mut simpler = Vec::new();
    simpler.extend(ids(&record.id).map(|id| RecordInput { id, ..record.clone() }));
    simpler.extend(payloads(&record.data).map(|data| RecordInput { data, ..record.clone() }));
    if record.encoding != Encoding::JSON {
        simpler.push(RecordInput { encoding: Encoding::JSON, ..record.clone() });
    }
    if record.expires_at.is_some() {
        simpler.push(RecordInput { expires_at: None, ..record.clone() });
    }
    if record.updated_at != record.created_at {
        simpler.push(RecordInput { updated_at: record.created_at, ..record.clone() });
    }
    if let Some(&instant) = INSTANTS.first()
        && record.created_at != instant
    {
        let updated_at =
            if record.updated_at == record.created_at { instant } else { record.updated_at };
        simpler.push(RecordInput { created_at: instant, updated_at, ..record.clone() });
    }
    simpler
}

fn selections(selection: &SelectionInput) -> impl Iterator<Item = SelectionInput> + use<> {
    let without = [
        SelectionInput { prefix: String::new(), ..selection.clone() },
        SelectionInput { since: None, ..selection.clone() },
        SelectionInput { until: None, ..selection.clone() },
    ];
    let selection = selection.clone();
    without.into_iter().filter(move |simpler| *simpler != selection)
}

fn lists(query: &ListInput) -> Vec<ListInput> {
    let mut simpler = Vec::new();
    if query.cursor != CursorInput::None {
        simpler.push(ListInput { cursor: CursorInput::None, ..query.clone() });
    }
    if query.limit.is_some() {
        simpler.push(ListInput { limit: None, ..query.clone() });
    }
    simpler.extend(
        selections(&query.selection).map(|selection| ListInput { selection, ..query.clone() }),
    );
    simpler
}

fn commits(writes: &[WriteInput]) -> Vec<CollectionOp> {
    let mut simpler = Vec::new();
    if let [write] = writes {
        simpler.extend(alone(write));
    } else {
        for place in 0..writes.len() {
            let mut fewer = writes.to_vec();
            fewer.remove(place);
            simpler.push(CollectionOp::Commit { writes: fewer });
        }
    }
    for (place, write) in writes.iter().enumerate() {
        for other in simpler_writes(write) {
            let mut changed = writes.to_vec();
            if let Some(slot) = changed.get_mut(place) {
                *slot = other;
            }
            simpler.push(CollectionOp::Commit { writes: changed });
        }
    }
    simpler
}

/// The call that does what a commit of this one write does.
fn alone(write: &WriteInput) -> Option<CollectionOp> {
    Some(match (&write.action, &write.when) {
        (ActionInput::Put(record), ConditionInput::Any) => CollectionOp::Put(record.clone()),
        (ActionInput::Put(record), ConditionInput::Absent) => CollectionOp::Create(record.clone()),
        (ActionInput::Delete(id), ConditionInput::Any) => CollectionOp::Delete { id: id.clone() },
        (ActionInput::Delete(id), ConditionInput::Data(expected)) => {
            CollectionOp::CompareAndDelete { id: id.clone(), expected: expected.clone() }
        }
        (ActionInput::Replace { id, data }, ConditionInput::Data(expected)) => {
            CollectionOp::CompareAndSwap {
                id: id.clone(),
                expected: expected.clone(),
                next: data.clone(),
            }
        }
        _ => return None,
    })
}

fn simpler_writes(write: &WriteInput) -> Vec<WriteInput> {
    let mut simpler = Vec::new();
    if write.when != ConditionInput::Any {
        simpler.push(WriteInput { when: ConditionInput::Any, ..write.clone() });
    }
    let conditions: Vec<ConditionInput> = match &write.when {
        ConditionInput::Data(data) => payloads(data).map(ConditionInput::Data).collect(),
        ConditionInput::Stored(bytes) => {
            let data = std::iter::once(ConditionInput::Data(bytes.clone()));
            data.chain(payloads(bytes).map(ConditionInput::Stored)).collect()
        }
        _ => Vec::new(),
    };
    simpler.extend(conditions.into_iter().map(|when| WriteInput { when, ..write.clone() }));
    let actions: Vec<ActionInput> = match &write.action {
        ActionInput::Put(record) => records(record).into_iter().map(ActionInput::Put).collect(),
        ActionInput::Replace { id, data } => ids(id)
            .map(|id| ActionInput::Replace { id, data: data.clone() })
            .chain(payloads(data).map(|data| ActionInput::Replace { id: id.clone(), data }))
            .collect(),
        ActionInput::Delete(id) => ids(id).map(ActionInput::Delete).collect(),
        ActionInput::Check(id) => ids(id).map(ActionInput::Check).collect(),
    };
    simpler.extend(actions.into_iter().map(|action| WriteInput { action, ..write.clone() }));
    simpler
}
