//! The contract of a collection: what every call must return, and what it
//! leaves. Sentences in quotation marks are the contract's.

use std::sync::Arc;

use super::{
    operation::{
        ActionInput, CollectionOp, ConditionInput, CursorInput, ListInput, Place, RecordInput,
        SelectionInput,
    },
    outcome::{CollectionSeen, Failure},
    state::{CollectionModel, Entry, Key, Present, Stored},
};
use crate::{
    model::{
        divergence::Divergence,
        payload::PayloadInput,
        source::RawId,
        subject::{Broken, Moment, Overlap},
    },
    seam::{Cursor, Encoding, ErrorKind, Position, Record, RecordId},
};

type Verdict = Result<(), Broken<CollectionSeen>>;

/// An error that a call must return, and the rule that says so.
struct Refusal {
    kind: ErrorKind,
    key: Option<&'static str>,
    rule: &'static str,
}

/// What a call leaves under an id; none: nothing.
type Change = (RecordId, Option<Entry>);

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
}

/// Judges what a call returned, and brings the model to the state after it.
pub(super) fn step(
    model: &mut CollectionModel,
    op: &CollectionOp,
    seen: &CollectionSeen,
    moment: &Moment<'_>,
) -> Verdict {
    match op {
        CollectionOp::Get { id } => get(model, id, seen, moment),
        CollectionOp::Find { key, parts } => find(model, key, parts, seen, moment),
        CollectionOp::List(query) => list(model, query, seen, moment),
        CollectionOp::Count(selection) => {
            let count = model.selected(selection, moment).count() as u64;
            expect(matches!(seen, CollectionSeen::Count(seen) if *seen == count), || {
                (CollectionSeen::Count(count), "count gives how many good records are selected")
            })
        }
        CollectionOp::Claim(selection) => claim(model, selection, seen, moment),
        CollectionOp::PurgeExpired => purge_expired(model, seen, moment),
        _ => match effect(model, op, moment) {
            Err(refusal) => refuse(seen, &refusal),
            Ok(changes) => {
                let idle = changes.is_empty() && matches!(op, CollectionOp::Update { .. });
                let expected = if idle { CollectionSeen::Unchanged } else { CollectionSeen::Done };
                expect(*seen == expected, || (expected, "nothing stands in the way of this call"))?;
                apply(model, changes);
                Ok(())
            }
        },
    }
}

/// All the states that a call may have left when nobody saw what it returned.
pub(super) fn outcomes_unseen(
    model: &CollectionModel,
    op: &CollectionOp,
    moment: &Moment<'_>,
) -> Vec<CollectionModel> {
    let mut states = Vec::new();
    let mut after = |changes: Vec<Change>| {
        let mut state = model.clone();
        apply(&mut state, changes);
        if state != *model {
            states.push(state);
        }
    };
    match op {
        CollectionOp::Get { .. }
        | CollectionOp::Find { .. }
        | CollectionOp::List(_)
        | CollectionOp::Count(_) => {}
        CollectionOp::Claim(selection) => {
            // The smallest; further ones only past those in others' hands.
            for (id, _) in model.selected(selection, moment) {
                after(vec![(id.clone(), None)]);
                if !moment.overlap.touches(id) {
                    break;
                }
            }
        }
        // Each removal stands for itself: an expired record can't be told from
        // one that is gone, but by the clock that goes back and by the next
        // purge, which counts it.
        CollectionOp::PurgeExpired => return purges_unseen(model, moment),
        _ => {
            if let Ok(changes) = effect(model, op, moment) {
                after(changes);
            }
        }
    }
    states
}

/// What a purge leaves that was cut short: any of the expired records.
fn purges_unseen(model: &CollectionModel, moment: &Moment<'_>) -> Vec<CollectionModel> {
    const MOST_TOLD_APART: usize = 4;
    let expired: Vec<_> = model.expired(moment).cloned().collect();
    if expired.len() > MOST_TOLD_APART {
        let mut state = model.clone();
        for id in expired {
            state.entries.remove(&id);
            state.lingering.insert(id);
        }
        return vec![state];
    }
    let some_gone = |gone: usize| {
        let mut state = model.clone();
        for (_, id) in expired.iter().enumerate().filter(|(place, _)| gone >> place & 1 == 1) {
            state.entries.remove(id);
        }
        state
    };
    (1..1 << expired.len()).map(some_gone).collect()
}

fn get(model: &CollectionModel, id: &RawId, seen: &CollectionSeen, moment: &Moment<'_>) -> Verdict {
    let id = match legal(id) {
        Ok(id) => id,
        Err(refusal) => return refuse(seen, &refusal),
    };
    match model.present(id.as_str(), moment) {
        Present::Absent => refuse(seen, &ABSENT),
        Present::Damaged(_) | Present::Newer(_) => refuse(seen, &DAMAGED),
        Present::Good(stored) => {
            let same = matches!(seen, CollectionSeen::Record(record) if stored.is(&id, record));
            expect(same, || {
                (
                    CollectionSeen::Record(stored.record(&id)),
                    "get gives the record: what is put is what is read, byte for byte",
                )
            })
        }
    }
}

/// "The records that have this key value, ordered as in `list`", and every
/// damaged record. "An empty part finds nothing."
fn find(
    model: &CollectionModel,
    key: &str,
    parts: &[Arc<str>],
    seen: &CollectionSeen,
    moment: &Moment<'_>,
) -> Verdict {
    let (key, count) = match key {
        "name" => (Key::Name, 1),
        "group" => (Key::Group, 2),
        _ => return refuse(seen, &UNDECLARED),
    };
    if parts.len() != count {
        return refuse(seen, &UNDECLARED);
    }
    if parts.iter().any(|part| part.is_empty()) {
        let nothing = CollectionSeen::Found { records: Vec::new(), damaged: Vec::new() };
        return expect(*seen == nothing, || (nothing, "an empty part finds nothing"));
    }
    let wanted = |place: usize| parts.get(place).map_or("", |part| &**part);
    let value = [wanted(0), wanted(1)];
    let mut good: Vec<_> =
        model.good(moment).filter(|(_, stored)| key.value(&stored.data) == Some(value)).collect();
    good.sort_by_key(|(_, stored)| stored.created_at);
    let same = match seen {
        CollectionSeen::Found { records, damaged } => {
            are(&good, records) && model.damaged().eq(damaged)
        }
        _ => false,
    };
    expect(same, || {
        let records = good.iter().map(|(id, stored)| stored.record(id)).collect();
        let damaged = model.damaged().cloned().collect();
        (
            CollectionSeen::Found { records, damaged },
            "find gives the records that have the key, by (created_at, id), and names all damaged ones",
        )
    })
}

/// "A page ordered by (`created_at`, id bytes)", damaged records before all
/// others, by id, counting towards the limit.
fn list(
    model: &CollectionModel,
    query: &ListInput,
    seen: &CollectionSeen,
    moment: &Moment<'_>,
) -> Verdict {
    if query.limit == Some(0) {
        return refuse(seen, &LIMIT);
    }
    let written;
    let after = match &query.cursor {
        CursorInput::None | CursorInput::Next => None,
        // "A cursor of ours under another query is a position."
        CursorInput::Resumed { after, .. } => Some(after),
        CursorInput::Text(text) => match place_of(text) {
            None => return refuse(seen, &CURSOR),
            Some(place) => {
                written = place;
                Some(&written)
            }
        },
    };
    let (damaged, good) = model.listing(&query.selection, after, moment);
    let total = damaged.len() + good.len();
    let (least, most) = match query.limit {
        // "None = the backend's default page size", whatever that is.
        None => (total.min(1), total),
        Some(limit) => {
            let full = total.min(usize::try_from(limit).unwrap_or(usize::MAX));
            let unbounded = moment.divergences.permit(Divergence::ListUnbounded);
            (full, if unbounded { total } else { full })
        }
    };
    let same = match seen {
        CollectionSeen::Page { records, damaged: named, has_next } => {
            let count = records.len() + named.len();
            (least..=most).contains(&count)
                && named.len() == damaged.len().min(count)
                && named.iter().eq(damaged.iter().copied().take(named.len()))
                && are(good.get(..records.len()).unwrap_or_default(), records)
                && *has_next == (count < total)
        }
        _ => false,
    };
    expect(same, || {
        let page_damaged: Vec<_> = damaged.iter().take(most).map(|id| (*id).clone()).collect();
        let rest = most - page_damaged.len();
        let records = good.iter().take(rest).map(|(id, stored)| stored.record(id)).collect();
        let page = CollectionSeen::Page { records, damaged: page_damaged, has_next: most < total };
        (
            page,
            "a page holds the selected records after the cursor, damaged ones first, by id, then by (created_at, id), as many as the limit allows, and a cursor if there are more",
        )
    })
}

/// "Removes one matching record and returns it, the smallest by id bytes";
/// "its choice may pass over records that an overlapping call creates, changes
/// or claims".
fn claim(
    model: &mut CollectionModel,
    selection: &SelectionInput,
    seen: &CollectionSeen,
    moment: &Moment<'_>,
) -> Verdict {
    let mut claimed = None;
    for (id, stored) in model.selected(selection, moment) {
        if matches!(seen, CollectionSeen::Record(record) if stored.is(id, record)) {
            claimed = Some(id.clone());
            break;
        }
        if !moment.overlap.touches(id) {
            return Err(Broken {
                expected: Box::new(CollectionSeen::Record(stored.record(id))),
                rule: "claim takes the smallest id; it may pass only over records that an overlapping call may write",
            });
        }
    }
    match claimed {
        Some(id) => {
            model.entries.remove(&id);
            Ok(())
        }
        None => refuse(seen, &NOTHING_TO_CLAIM),
    }
}

/// "Removes what has expired, returns how many." With the drain's rule: what
/// overlapping calls do to expired records may be counted or not.
fn purge_expired(
    model: &mut CollectionModel,
    seen: &CollectionSeen,
    moment: &Moment<'_>,
) -> Verdict {
    let expired: Vec<_> = model.expired(moment).cloned().collect();
    let in_dispute = expired.iter().filter(|id| moment.overlap.touches(id)).count() as u64;
    let all = expired.len() as u64;
    let least = all - in_dispute;
    // Records that overlapping calls create may have been seen, expired, too.
    let others = match moment.overlap {
        Overlap::Any => u64::MAX,
        Overlap::Ids(ids) => ids.len() as u64,
    };
    let most = all.saturating_add(model.lingering.len() as u64).saturating_add(others);
    let holds = matches!(seen, CollectionSeen::Count(count) if (least..=most).contains(count));
    expect(holds, || {
        (
            CollectionSeen::Count(all),
            "purge_expired removes what has expired and counts it; a deleted or replaced record that had expired is gone and not counted",
        )
    })?;
    model.lingering.retain(|id| moment.overlap.touches(id));
    for id in expired {
        model.entries.remove(&id);
        if moment.overlap.touches(&id) {
            model.lingering.insert(id);
        }
    }
    Ok(())
}

/// What a writing call does, or why it is refused.
fn effect(
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
                changes.push((id, Some(Entry::Good(put(record, present, moment)))))
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
    unique(model, &changes, moment)?;
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
        (When::Present | When::Data(_), Present::Absent) => Err(ABSENT),
        (When::Data(_), Present::Damaged(_)) => Err(DAMAGED),
        (When::Data(expected), Present::Good(stored)) => {
            if stored.data == *expected {
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
fn unique(model: &CollectionModel, changes: &[Change], moment: &Moment<'_>) -> Result<(), Refusal> {
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
            Present::Good(stored) => Key::Name.value(&stored.data),
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

fn apply(model: &mut CollectionModel, changes: Vec<Change>) {
    for (id, entry) in changes {
        model.lingering.remove(&id);
        match entry {
            Some(entry) => model.entries.insert(id, entry),
            None => model.entries.remove(&id),
        };
    }
}

/// "A non-empty UTF-8 string without NUL, at most 1 024 bytes."
fn judge_id(RawId(text): &RawId) -> Result<(), Refusal> {
    let legal = !text.is_empty() && text.len() <= 1_024 && !text.as_bytes().contains(&0);
    if legal { Ok(()) } else { Err(INVALID_ID) }
}

fn legal(id: &RawId) -> Result<RecordId, Refusal> {
    judge_id(id)?;
    RecordId::new(Arc::clone(&id.0)).map_err(|_| INVALID_ID)
}

/// The place that a cursor names which a scenario spells out.
fn place_of(text: &str) -> Option<Place> {
    Some(match Cursor::from_text(text).position()? {
        Position::Damaged(id) => Place::Damaged(id),
        Position::Record(at, id) => Place::Record(at, id),
    })
}

fn are(expected: &[(&RecordId, &Stored)], records: &[Record]) -> bool {
    expected.len() == records.len()
        && expected.iter().zip(records).all(|((id, stored), record)| stored.is(id, record))
}

fn expect(holds: bool, expected: impl FnOnce() -> (CollectionSeen, &'static str)) -> Verdict {
    if holds {
        return Ok(());
    }
    let (expected, rule) = expected();
    Err(Broken { expected: Box::new(expected), rule })
}

fn refuse(seen: &CollectionSeen, refusal: &Refusal) -> Verdict {
    if let CollectionSeen::Failed(Failure { kind, unknown: false, key, .. }) = seen
        && (*kind, key.as_deref()) == (refusal.kind, refusal.key)
    {
        return Ok(());
    }
    let expected = CollectionSeen::refused(refusal.kind, refusal.key);
    Err(Broken { expected: Box::new(expected), rule: refusal.rule })
}

const fn refusal(kind: ErrorKind, rule: &'static str) -> Refusal {
    Refusal { kind, key: None, rule }
}

const INVALID_ID: Refusal = refusal(
    ErrorKind::InvalidId,
    "an id is a non-empty UTF-8 string without NUL of at most 1024 bytes; that is judged first",
);
const NOT_JSON: Refusal = refusal(
    ErrorKind::InvalidRecord,
    "data with the encoding json must be one valid JSON text, and nothing changes otherwise",
);
const TWICE: Refusal = refusal(ErrorKind::InvalidArgument, "no id is named twice in one commit");
const LIMIT: Refusal = refusal(ErrorKind::InvalidArgument, "a limit is at least 1");
const CURSOR: Refusal = refusal(ErrorKind::InvalidCursor, "a cursor that is not ours is refused");
const UNDECLARED: Refusal = refusal(
    ErrorKind::InvalidArgument,
    "find takes a declared key with as many parts as it was declared with",
);
const ABSENT: Refusal = refusal(ErrorKind::NotFound, "there is no such record");
const THERE: Refusal =
    refusal(ErrorKind::AlreadyExists, "there is a record already where there must be none");
const OTHER_DATA: Refusal =
    refusal(ErrorKind::Conflict, "the stored bytes are not the expected ones");
const DAMAGED: Refusal =
    refusal(ErrorKind::Corrupt, "a stored record that can't be read is corrupt to this call");
const NEWER: Refusal = refusal(
    ErrorKind::Corrupt,
    "a record of a newer release is corrupt to every call but quarantine",
);
const NOTHING_TO_CLAIM: Refusal =
    refusal(ErrorKind::NotFound, "claim finds nothing when no good record is selected");
const TAKEN: Refusal = Refusal {
    kind: ErrorKind::KeyTaken,
    key: Some("name"),
    rule: "a unique value has one owner: the commit gives it to a record that did not hold it, and another one would hold it too",
};
