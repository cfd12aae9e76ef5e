//! What writing calls do, or why they are refused. Sentences in quotation marks are
//! the contract's.

use super::{
    operation::{ActionInput, CollectionOp, ConditionInput, RecordInput},
    refusals::{
        ABSENT, DAMAGED, NEWER, NOT_JSON, OTHER_DATA, Refusal, TAKEN, THERE, TWICE, judge_id, legal,
    },
    state::{CollectionModel, Entry, Key, Present, Stored},
};
use crate::{
    model::{divergence::Divergence, payload::PayloadInput, source::RawId, subject::Moment},
    seam::{Encoding, RecordId},
};

/// What a call leaves under an id; none: nothing.
pub(super) type Change = (RecordId, Option<Entry>);

/// One write, wherever it stands.
#[derive(Clone, Copy)]
struct Write<'a> {
    id: &'a RawId,
    action: Action<'a>,
    when: When<'a>,
}

#[derive(Clone, Copy)]
enum Action<'a> {
    Put(&'a RecordInput),
    Replace(&'a PayloadInput),
    Delete,
    Check,
}

#[derive(Clone, Copy)]
enum When<'a> {
    Any,
    Absent,
    Present,
    Data(&'a PayloadInput),
    Stored(&'a PayloadInput),
}

impl Write<'_> {
    /// Whether what is there is quarantined first, and counts as absent to the write.
    fn sets_aside(&self) -> bool {
        matches!(self.when, When::Stored(_))
            && matches!(self.action, Action::Put(_) | Action::Delete)
    }
}

/// What a writing call does, or why it is refused.
pub(super) fn effect(
    model: &CollectionModel,
    op: &CollectionOp,
    moment: &Moment<'_>,
) -> Result<Vec<Change>, Refusal> {
    let one = |id, action, when| commit(model, &[Write { id, action, when }], moment);
    match op {
        CollectionOp::Put(record) => one(&record.id, Action::Put(record), When::Any),
        CollectionOp::Create(record) => one(&record.id, Action::Put(record), When::Absent),
        CollectionOp::Delete { id } => one(id, Action::Delete, When::Any),
        CollectionOp::CompareAndSwap { id, expected, next } => {
            one(id, Action::Replace(next), When::Data(expected))
        }
        CollectionOp::CompareAndDelete { id, expected } => {
            one(id, Action::Delete, When::Data(expected))
        }
        CollectionOp::Update { id, data } => {
            let legal = legal(id)?;
            match model.present(legal.as_str(), moment) {
                Present::Absent => Err(ABSENT),
                Present::Damaged(_) | Present::Newer(_) => Err(DAMAGED),
                Present::Good(stored) if stored.data == *data => Ok(Vec::new()),
                Present::Good(stored) => one(id, Action::Replace(data), When::Data(&stored.data)),
            }
        }
        CollectionOp::Quarantine { id, expected } => {
            let id = legal(id)?;
            match model.present(id.as_str(), moment) {
                Present::Absent => Err(ABSENT),
                Present::Good(Stored { data: bytes, .. })
                | Present::Damaged(bytes)
                | Present::Newer(bytes) => {
                    if bytes == expected {
                        Ok(vec![(id, None)])
                    } else {
                        Err(OTHER_DATA)
                    }
                }
            }
        }
        CollectionOp::Commit { writes } => {
            let writes: Vec<_> = writes
                .iter()
                .map(|write| Write {
                    id: write.action.id(),
                    action: match &write.action {
                        ActionInput::Put(record) => Action::Put(record),
                        ActionInput::Replace { data, .. } => Action::Replace(data),
                        ActionInput::Delete(_) => Action::Delete,
                        ActionInput::Check(_) => Action::Check,
                    },
                    when: match &write.when {
                        ConditionInput::Any => When::Any,
                        ConditionInput::Absent => When::Absent,
                        ConditionInput::Present => When::Present,
                        ConditionInput::Data(data) => When::Data(data),
                        ConditionInput::Stored(bytes) => When::Stored(bytes),
                    },
                })
                .collect();
            commit(model, &writes, moment)
        }
        CollectionOp::Get { .. }
        | CollectionOp::Find { .. }
        | CollectionOp::List(_)
        | CollectionOp::Count(_)
        | CollectionOp::Claim(_)
        | CollectionOp::PurgeExpired => Ok(Vec::new()),
    }
}

/// "Several writes, all or nothing." "Input is judged before state: `invalid_id`,
/// then `invalid_record`/`invalid_argument`, then existence, then conflicts,
/// then keys in the spec's order."
fn commit(
    model: &CollectionModel,
    writes: &[Write<'_>],
    moment: &Moment<'_>,
) -> Result<Vec<Change>, Refusal> {
    let mut changes = Vec::with_capacity(writes.len());
    for write in writes {
        judge_id(write.id)?;
    }
    for (place, write) in writes.iter().enumerate() {
        if writes.iter().take(place).any(|earlier| earlier.id == write.id) {
            return Err(TWICE);
        }
        if let Action::Put(record) = write.action {
            fits(&record.encoding, &record.data)?;
        }
    }
    for write in writes {
        let id = legal(write.id)?;
        let present = model.present(id.as_str(), moment);
        holds(write.when, present)?;
        match write.action {
            Action::Check => {}
            // "The bytes are quarantined first", and the record is gone.
            Action::Delete => changes.push((id, None)),
            Action::Put(record) => {
                let replaced = if write.sets_aside() { Present::Absent } else { present };
                changes.push((id, Some(Entry::Good(put(record, replaced, moment)))));
            }
            Action::Replace(data) => match present {
                Present::Absent => return Err(ABSENT),
                Present::Damaged(_) | Present::Newer(_) => return Err(DAMAGED),
                Present::Good(stored) => {
                    fits(&stored.encoding, data)?;
                    // "`compare_and_swap` takes the later of stored and now,
                    // and keeps encoding and expiry."
                    let next = Stored {
                        data: data.clone(),
                        encoding: stored.encoding.clone(),
                        created_at: stored.created_at,
                        updated_at: stored.updated_at.max(moment.now),
                        expires_at: stored.expires_at,
                    };
                    changes.push((id, Some(Entry::Good(next))));
                }
            },
        }
    }
    unique(model, writes, &changes, moment)?;
    Ok(changes)
}

/// "The first write whose condition fails decides the error."
fn holds(when: When<'_>, present: Present<'_>) -> Result<(), Refusal> {
    match (when, present) {
        // "`Corrupt` to every operation, `put` and `delete` included."
        (_, Present::Newer(_)) => Err(NEWER),
        (When::Any | When::Absent, Present::Absent)
        | (When::Any | When::Present, Present::Good(_) | Present::Damaged(_)) => Ok(()),
        (When::Absent, Present::Good(_) | Present::Damaged(_)) => Err(THERE),
        (When::Present | When::Data(_) | When::Stored(_), Present::Absent) => Err(ABSENT),
        (When::Data(_), Present::Damaged(_)) => Err(DAMAGED),
        (When::Data(expected) | When::Stored(expected), Present::Good(Stored { data, .. }))
        | (When::Stored(expected), Present::Damaged(data)) => {
            if data == expected {
                Ok(())
            } else {
                Err(OTHER_DATA)
            }
        }
    }
}

/// "On creation both instants are the record's own. Replacement keeps the
/// stored `created_at` and takes the later of stored and given `updated_at`."
/// "Writing over an expired or a damaged record is creation."
fn put(given: &RecordInput, present: Present<'_>, moment: &Moment<'_>) -> Stored {
    let mut stored = Stored {
        data: given.data.clone(),
        encoding: given.encoding.clone(),
        created_at: given.created_at,
        updated_at: given.updated_at,
        expires_at: given.expires_at,
    };
    if let Present::Good(before) = present {
        stored.updated_at = before.updated_at.max(given.updated_at);
        if !moment.divergences.permit(Divergence::CreatedAtOnPut) {
            stored.created_at = before.created_at;
        }
    }
    stored
}

/// "`json` data must be one valid JSON text (RFC 8259): otherwise
/// `InvalidRecord`."
fn fits(encoding: &Encoding, data: &PayloadInput) -> Result<(), Refusal> {
    if encoding.as_str() == "json" && !data.is_json() { Err(NOT_JSON) } else { Ok(()) }
}

/// "Then a unique key value that the commit gives to a record which did not
/// hold it before, and that another record would still hold afterwards:
/// `KeyTaken`." An expired record is absent: it holds nothing.
fn unique(
    model: &CollectionModel,
    writes: &[Write<'_>],
    changes: &[Change],
    moment: &Moment<'_>,
) -> Result<(), Refusal> {
    let is_set_aside = |id: &RecordId| {
        let of_it = |write: &&Write<'_>| *write.id.0 == *id.as_str();
        writes.iter().find(of_it).is_some_and(|write| write.sets_aside())
    };
    let name_of = |entry: &Option<Entry>| match entry {
        Some(Entry::Good(stored)) if !stored.is_expired(moment) => {
            Key::Name.value(&stored.data).map(|[name, _]| name.to_owned())
        }
        _ => None,
    };
    for (id, entry) in changes {
        let Some(Entry::Good(given)) = entry else { continue };
        let Some(name) = Key::Name.value(&given.data) else { continue };
        if given.is_expired(moment) {
            continue;
        }
        let before = match model.present(id.as_str(), moment) {
            Present::Good(stored) if !is_set_aside(id) => Key::Name.value(&stored.data),
            _ => None,
        };
        if before == Some(name) {
            continue;
        }
        let given_to_another = changes
            .iter()
            .any(|(other, entry)| other != id && name_of(entry).as_deref() == Some(name[0]));
        let kept_by_another = model.good(moment).any(|(other, stored)| {
            Key::Name.value(&stored.data) == Some(name)
                && changes.iter().all(|(changed, _)| changed != other)
        });
        if given_to_another || kept_by_another {
            return Err(TAKEN);
        }
    }
    Ok(())
}

pub(super) fn apply(model: &mut CollectionModel, changes: Vec<Change>) {
    for (id, entry) in changes {
        model.lingering.remove(&id);
        match entry {
            Some(entry) => model.entries.insert(id, entry),
            None => model.entries.remove(&id),
        };
    }
}
