//! What a working set may answer, and what its calls let it know. Sentences in quotation
//! marks are the contract's.

use std::collections::BTreeSet;

use super::{
    operation::WorkingSetsOp,
    state::{Version, WorkingSetsModel},
};
use crate::{
    model::{
        collection::{
            CollectionModel, CollectionOp, CollectionSeen, CollectionSubject, CursorInput, Entry,
            Failure, ListInput, Place,
        },
        subject::{Broken, Moment, Operation, Subject},
    },
    seam::{ErrorKind, Record, RecordId},
};

type Verdict = Result<(), Broken<CollectionSeen>>;

/// Judges what a call returned, and brings the model to the state after it.
pub(super) fn step(
    model: &mut WorkingSetsModel,
    op: &WorkingSetsOp,
    seen: &CollectionSeen,
    moment: &Moment<'_>,
) -> Verdict {
    match op {
        // "Changes made to the durable half by someone else are seen after `refresh()`".
        WorkingSetsOp::Refresh => {
            if *seen != CollectionSeen::Done {
                let rule = "a refresh reads whatever the durable half holds";
                return Err(Broken { expected: Box::new(CollectionSeen::Done), rule });
            }
            model.has_read(None, None, moment);
            Ok(())
        }
        WorkingSetsOp::Outside(op) => below(model, op, seen, moment),
        WorkingSetsOp::Own(op) if op.is_read() => read(model, op, seen, moment),
        WorkingSetsOp::Own(op) => write(model, op, seen, moment),
    }
}

/// A call of the durable half.
fn below(
    model: &mut WorkingSetsModel,
    op: &CollectionOp,
    seen: &CollectionSeen,
    moment: &Moment<'_>,
) -> Verdict {
    model.change(moment.returned, |durable| CollectionSubject::step(durable, op, seen, moment))
}

/// "Conditions and unique keys are always judged below", and what others did to a record
/// is seen "at the latest on the next conflict".
fn write(
    model: &mut WorkingSetsModel,
    op: &CollectionOp,
    seen: &CollectionSeen,
    moment: &Moment<'_>,
) -> Verdict {
    if is_update_of_nothing(model, op, seen, moment) {
        return Ok(());
    }
    below(model, op, seen, moment)?;
    for id in read_back(op, seen) {
        model.has_read(Some(id), None, moment);
    }
    Ok(())
}

/// An update begins with a read: where that finds nothing, nothing is judged below.
fn is_update_of_nothing(
    model: &WorkingSetsModel,
    op: &CollectionOp,
    seen: &CollectionSeen,
    moment: &Moment<'_>,
) -> bool {
    let CollectionOp::Update { id, .. } = op else { return false };
    let is_absent =
        matches!(seen, CollectionSeen::Failed(failure) if failure.kind == ErrorKind::NotFound);
    is_absent
        && RecordId::new(&*id.0).is_ok_and(|id| {
            let versions = model.versions(&id, moment);
            versions.into_iter().any(|version| agrees(&id, version, op, seen, moment))
        })
}

/// The records that the working set knows as they are after a call.
fn read_back(op: &CollectionOp, seen: &CollectionSeen) -> Vec<RecordId> {
    let tells_of_others = |failure: &Failure| {
        matches!(
            failure.kind,
            ErrorKind::NotFound
                | ErrorKind::AlreadyExists
                | ErrorKind::Conflict
                | ErrorKind::KeyTaken
                | ErrorKind::Corrupt
        )
    };
    match (op, seen) {
        // It may be that nothing was asked below, or of no record.
        (
            CollectionOp::Update { .. } | CollectionOp::Claim(_) | CollectionOp::PurgeExpired,
            CollectionSeen::Failed(_),
        ) => Vec::new(),
        (CollectionOp::PurgeExpired, _) => Vec::new(),
        (_, CollectionSeen::Record(record)) => vec![record.id.clone()],
        (_, CollectionSeen::Failed(failure)) if !tells_of_others(failure) => Vec::new(),
        _ => op.ids().filter_map(|id| RecordId::new(&*id.0).ok()).collect(),
    }
}

/// "Reads come from memory alone": each record is one that the working set may hold.
fn read(
    model: &mut WorkingSetsModel,
    op: &CollectionOp,
    seen: &CollectionSeen,
    moment: &Moment<'_>,
) -> Verdict {
    if let CollectionOp::Count(_) = op {
        return count(model, op, seen, moment);
    }
    let (alone, next_page) = (of_one(op), continuing(op, seen));
    let mut held = model.durable.clone();
    let mut shown: Vec<(RecordId, u64)> = Vec::new();
    let asked = |id: &&RecordId| match op {
        CollectionOp::Get { id: asked } => *asked.0 == *id.as_str(),
        _ => true,
    };
    for id in model.changed().filter(asked) {
        let versions = model.versions(id, moment);
        let own = of_record(id, seen);
        // The oldest that will do: later reads may give nothing older.
        let fits = |version: &&Version<'_>| agrees(id, **version, &alone, &own, moment);
        let follows = next_page.as_ref().filter(|_| is_nothing(&own)).and_then(|next_page| {
            versions.iter().find(|version| !agrees(id, **version, next_page, &own, moment))
        });
        let Some(version) = follows.or_else(|| versions.iter().find(fits)) else { continue };
        match version.entry {
            Some(entry) => _ = held.entries.insert(id.clone(), entry.clone()),
            None => _ = held.entries.remove(id),
        }
        if !is_nothing(&own) && version.change > model.floor(id, moment) {
            shown.push((id.clone(), version.change));
        }
    }
    CollectionSubject::step(&mut held, op, seen, moment).map_err(|broken| {
        // What is refused whatever is stored, the collection's own rules say.
        let rule = match &*broken.expected {
            CollectionSeen::Failed(refusal) if refusal.kind != ErrorKind::NotFound => broken.rule,
            _ => MAY_HOLD,
        };
        Broken { rule, ..broken }
    })?;
    for (id, change) in shown {
        model.has_read(Some(id), Some(change), moment);
    }
    Ok(())
}

const MAY_HOLD: &str = "a read gives what its working set may hold: nothing older than the last refresh, the set's own writes, the refused ones, and what it gave before";

/// A count tells nothing of any one record: it lies between the fewest and the most that
/// may be held.
fn count(
    model: &WorkingSetsModel,
    op: &CollectionOp,
    seen: &CollectionSeen,
    moment: &Moment<'_>,
) -> Verdict {
    let nothing = CollectionSeen::Count(0);
    let (mut fewest, mut most) = (0_u64, 0_u64);
    let unchanged = model.durable.entries.keys();
    let ids: BTreeSet<&RecordId> = unchanged.chain(model.changed()).collect();
    for id in ids {
        let versions = model.versions(id, moment);
        let counted =
            versions.iter().filter(|version| !agrees(id, **version, op, &nothing, moment));
        let counted = counted.count();
        fewest += u64::from(counted == versions.len());
        most += u64::from(counted > 0);
    }
    let holds = matches!(seen, CollectionSeen::Count(seen) if (fewest..=most).contains(seen));
    if holds {
        return Ok(());
    }
    Err(Broken { expected: Box::new(CollectionSeen::Count(most)), rule: MAY_HOLD })
}

/// Whether a collection that holds this record alone would answer so.
fn agrees(
    id: &RecordId,
    version: Version<'_>,
    op: &CollectionOp,
    seen: &CollectionSeen,
    moment: &Moment<'_>,
) -> bool {
    let entry = |entry: &Entry| (id.clone(), entry.clone());
    let entries = version.entry.map(entry).into_iter().collect();
    let mut alone = CollectionModel { entries, ..CollectionModel::default() };
    CollectionSubject::step(&mut alone, op, seen, moment).is_ok()
}

/// The read, as it would be of one record alone.
fn of_one(op: &CollectionOp) -> CollectionOp {
    match op {
        CollectionOp::List(query) => {
            CollectionOp::List(ListInput { limit: Some(u32::MAX), ..query.clone() })
        }
        other => other.clone(),
    }
}

/// What was seen of one record.
fn of_record(id: &RecordId, seen: &CollectionSeen) -> CollectionSeen {
    let good =
        |records: &[Record]| records.iter().filter(|record| record.id == *id).cloned().collect();
    let bad = |damaged: &[RecordId]| damaged.iter().filter(|other| *other == id).cloned().collect();
    match seen {
        CollectionSeen::Page { records, damaged, .. } => {
            CollectionSeen::Page { records: good(records), damaged: bad(damaged), has_next: false }
        }
        CollectionSeen::Found { records, damaged } => {
            CollectionSeen::Found { records: good(records), damaged: bad(damaged) }
        }
        other => other.clone(),
    }
}

fn is_nothing(seen: &CollectionSeen) -> bool {
    match seen {
        CollectionSeen::Page { records, damaged, .. }
        | CollectionSeen::Found { records, damaged } => records.is_empty() && damaged.is_empty(),
        _ => false,
    }
}

/// Where there is another page: the listing of what it would show. A record that is not on
/// this one may be on that.
fn continuing(op: &CollectionOp, seen: &CollectionSeen) -> Option<CollectionOp> {
    let (CollectionOp::List(query), CollectionSeen::Page { records, damaged, has_next: true }) =
        (op, seen)
    else {
        return None;
    };
    let last_good = records.last().map(|last| Place::Record(last.created_at, last.id.clone()));
    let last = last_good.or_else(|| damaged.last().cloned().map(Place::Damaged))?;
    let cursor = CursorInput::Resumed { text: "".into(), after: last };
    let limit = Some(u32::MAX);
    Some(CollectionOp::List(ListInput { cursor, limit, ..query.clone() }))
}
