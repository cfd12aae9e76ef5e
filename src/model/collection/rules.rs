//! The contract of a collection: what every call must return, and what it
//! leaves. Sentences in quotation marks are the contract's.

use std::sync::Arc;

use super::{
    operation::{CollectionOp, CursorInput, ListInput, Place, SelectionInput},
    outcome::CollectionSeen,
    refusals::{ABSENT, CURSOR, DAMAGED, LIMIT, NOTHING_TO_CLAIM, UNDECLARED, legal, refuse},
    state::{CollectionModel, Key, Present, Stored},
    writes::{Change, apply, effect},
};
use crate::{
    model::{
        divergence::Divergence,
        source::RawId,
        subject::{Broken, Moment, Overlap},
    },
    seam::{Cursor, Position, Record, RecordId},
};

pub(super) type Verdict = Result<(), Broken<CollectionSeen>>;

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
