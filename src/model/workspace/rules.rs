//! The contract of the workspace store: what every call must return, and what it
//! leaves. Sentences in quotation marks are the contract's.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    entity::{Entity, record_of},
    operation::{Call, Id, WorkspaceOp},
    outcome::{Answer, WorkspaceProblem, WorkspaceSeen},
    shape,
    state::{Held, WorkspaceModel},
    writes::{Effect, apply, effect, find_variables, record},
};
use crate::{
    model::{
        listing,
        subject::{Broken, Moment, Verdict as _},
    },
    seam::RecordId,
    store::error::Kind as ErrorKind,
    workspace::kind::Kind,
};

pub(super) type Verdict = Result<(), Broken<WorkspaceSeen>>;

/// Why a call is refused.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal {
    problem: WorkspaceProblem,
    rule: &'static str,
}

/// The parts of a call that take effect one after the other: it writes, and then
/// records what it wrote; a bulk update looks first at what there is.
pub(super) fn stages(op: &WorkspaceOp) -> usize {
    match op.call {
        Call::BulkUpdate { .. } => 3,
        Call::Upsert { .. }
        | Call::UpsertBatch { .. }
        | Call::Remove { .. }
        | Call::RemoveBatch { .. }
        | Call::Link { .. }
        | Call::Unlink { .. }
        | Call::UpsertByContent { .. } => 2,
        _ => 1,
    }
}

/// Judges what a call returned, and brings the model to the state after it.
pub(super) fn step(
    model: &mut WorkspaceModel,
    op: &WorkspaceOp,
    seen: &WorkspaceSeen,
    moment: &Moment<'_>,
) -> Verdict {
    let stages = if seen.is_refusal() { 1 } else { stages(op) };
    (0..stages).try_for_each(|stage| step_stage(stage, model, op, seen, moment))
}

/// The same of one of its stages.
pub(super) fn step_stage(
    stage: usize,
    model: &mut WorkspaceModel,
    op: &WorkspaceOp,
    seen: &WorkspaceSeen,
    moment: &Moment<'_>,
) -> Verdict {
    if seen.untraced.is_some() {
        let expected = Box::new(seen.answer.clone().into());
        return Err(Broken {
            expected,
            rule: "every mutation is a span, with its id and its error",
        });
    }
    if !op.fits() {
        return refuse(seen, &NOT_OF_KIND);
    }
    let held = model.of(op.kind);
    match &op.call {
        Call::Get { id } => {
            let found = legal(op.kind, id).and_then(|id| match held.entities.get(&id) {
                _ if held.is_damaged(&id) => Err(DAMAGED),
                found => Ok(found.map(|entity| Box::new((**entity).clone()))),
            });
            answered(seen, found.map(Answer::Entity), "get gives the entity of that id")
        }
        Call::Items | Call::Summaries => judge_listing(&mut std::iter::once(&*model), op, seen),
        Call::By { key, values } => answered(
            seen,
            by(op.kind, held, key, values),
            "look-ups find those that have the value now, the oldest first, and name all damaged ones",
        ),
        Call::ByIdentifier { identifier } => {
            let found = held.found(|own| has(op.kind, own, "identifier", &[identifier]));
            let first = found.first().map(|entity| Box::new((***entity).clone()));
            answered(
                seen,
                Ok(Answer::Entity(first)),
                "an identifier finds the resource that has it",
            )
        }
        Call::Approved { version, environment } => {
            let key = [version, environment];
            let mut found: Vec<_> = held
                .found(|own| has(op.kind, own, "version_environment", &key))
                .into_iter()
                .filter(|own| shape::text_of(&own.members, "status").as_deref() == Some("approved"))
                .cloned()
                .collect();
            found.sort_by_key(|own| {
                (own.created_at(op.kind), shape::text_of(&own.members, "userId"))
            });
            let expected = Answer::Items { entities: found, damaged: Vec::new() };
            answered(seen, Ok(expected), "(version, environment), approved only, oldest first")
        }
        Call::Linked { key, value } => {
            let found = held.found(|own| has(op.kind, own, key, &[value]));
            let side = |own: &&Arc<Entity>| other_side(op.kind, own, key);
            let sides = found.iter().filter_map(side).collect();
            answered(seen, Ok(Answer::Sides(sides)), "links are found by either side")
        }
        Call::TakeChanges => take_changes(model, seen, moment),
        Call::BulkUpdate { .. } if stage == 0 && !seen.is_refusal() => {
            find_variables(model, op, true, moment)
                .map_err(|rule| Broken { expected: Box::new(seen.clone()), rule })
        }
        _ if stage + 1 == stages(op) && !seen.is_refusal() => {
            record(model, moment);
            Ok(())
        }
        _ => write(model, op, seen, moment),
    }
}

/// Whether the write is what it must be, and what it leaves.
fn write(
    model: &mut WorkspaceModel,
    op: &WorkspaceOp,
    seen: &WorkspaceSeen,
    moment: &Moment<'_>,
) -> Verdict {
    match effect(model, op, moment) {
        Err(refusal) => refuse(seen, &refusal),
        Ok(effect) => {
            answered(seen, Ok(effect.answer.clone()), "nothing stands in the way of this call")?;
            let is_in_turn =
                model.handles.get(&moment.handle.number).is_none_or(|own| own.unrecorded == 0);
            if !is_in_turn && !effect.changes.is_empty() {
                let rule = "changes are recorded in the order of the writes";
                return Err(Broken { expected: Box::new(seen.clone()), rule });
            }
            apply(model, op.kind, &effect, moment);
            let handle = model.handles.entry(moment.handle.number).or_default();
            handle.found.remove(&moment.invoked);
            handle.unrecorded += effect.changes.len();
            handle.changes.extend(effect.changes);
            Ok(())
        }
    }
}

/// The state that a stage leaves of a call of which nobody saw the end: what it wrote
/// is not recorded.
pub(super) fn stage_unseen(
    stage: usize,
    model: &WorkspaceModel,
    op: &WorkspaceOp,
    moment: &Moment<'_>,
) -> Vec<WorkspaceModel> {
    let mut after = model.clone();
    let is_bulk = matches!(op.call, Call::BulkUpdate { .. });
    match (is_bulk, stage) {
        _ if !op.fits() => {}
        (true, 0) => {
            let is_refused = effect(model, op, moment).is_err();
            if is_refused || find_variables(&mut after, op, false, moment).is_err() {
                return Vec::new();
            }
        }
        (true, 1) | (false, 0) => {
            if let Ok(effect) = effect(model, op, moment) {
                apply(&mut after, op.kind, &effect, moment);
                if let Some(handle) = after.handles.get_mut(&moment.handle.number) {
                    handle.found.remove(&moment.invoked);
                }
            }
        }
        _ => {}
    }
    if after == *model { Vec::new() } else { vec![after] }
}

/// "A change is in exactly one taken set."
fn take_changes(model: &mut WorkspaceModel, seen: &WorkspaceSeen, moment: &Moment<'_>) -> Verdict {
    let mut none = super::state::Handle::default();
    let handle = model.handles.get_mut(&moment.handle.number).unwrap_or(&mut none);
    let recorded = handle.changes.len().saturating_sub(handle.unrecorded);
    let taken = handle.changes.drain(..recorded).collect();
    let rule = "what was changed durably and not taken before, in the order of the writes, \
                and nothing else";
    answered(seen, Ok(Answer::Changes(taken)), rule)
}

/// Judges a listing of all entities, by all the states that there were meanwhile.
pub(super) fn judge_listing(
    states: &mut dyn Iterator<Item = &WorkspaceModel>,
    op: &WorkspaceOp,
    seen: &WorkspaceSeen,
) -> Verdict {
    if seen.untraced.is_some() || !op.fits() {
        return refuse(seen, &NOT_OF_KIND);
    }
    let (listed, named, is_listing) = match &seen.answer {
        Answer::Items { entities, damaged } => (entities.as_slice(), damaged.as_slice(), true),
        _ => (&[][..], &[][..], false),
    };
    let is_summary = matches!(op.call, Call::Summaries);
    let states: Vec<&Held> = states.map(|state| state.of(op.kind)).collect();
    let shown: Vec<BTreeMap<Arc<str>, Listed>> = states
        .iter()
        .map(|held| {
            let all = held.entities.iter();
            all.map(|(id, own)| (Arc::clone(id), Listed::of(id, own, is_summary))).collect()
        })
        .collect();
    let listed: Vec<Listed> = listed
        .iter()
        .map(|own| {
            let id = record_of(&own.id(op.kind)).unwrap_or_default();
            Listed { id, entity: Arc::clone(own) }
        })
        .collect();
    let judged = listing::judge(shown.iter(), &listed, |own| &own.id, |own| Arc::clone(&own.id));
    let damage: Vec<_> = states.iter().map(|held| held.all_damage()).collect();
    let damage = listing::judge_damaged(damage.iter(), named);
    if is_listing && judged.is_ok() && damage.is_ok() {
        return Ok(());
    }
    let entities = judged.err().unwrap_or(listed).into_iter().map(|own| own.entity).collect();
    let damaged = damage.err().unwrap_or_else(|| named.to_vec());
    Err(Broken {
        expected: Box::new(Answer::Items { entities, damaged }.into()),
        rule: "a listing gives each entity that was there unchanged exactly once, by id, names what is damaged, and gives nothing that was not there",
    })
}

/// An entity with the id of its record.
#[derive(Clone, Debug, PartialEq)]
struct Listed {
    id: Arc<str>,
    entity: Arc<Entity>,
}

impl Listed {
    /// "Summaries without config and metadata."
    fn of(id: &Arc<str>, own: &Arc<Entity>, is_summary: bool) -> Self {
        let mut entity = Arc::clone(own);
        if is_summary {
            let mut summary = (**own).clone();
            summary.set("config", "null");
            summary.set("metadata", "null");
            entity = Arc::new(summary);
        }
        Self { id: Arc::clone(id), entity }
    }
}

/// Whether the entity has these values of a key, none of them empty.
pub(super) fn has(kind: Kind, entity: &Entity, key: &str, values: &[&Arc<str>]) -> bool {
    let value = shape::of(kind).key(key).and_then(|key| key.value(entity));
    value.is_some_and(|value| value.iter().eq(values.iter().copied()))
}

/// "`find` with an undeclared key or a wrong number of parts: `invalid_argument`; with an
/// empty part: nothing."
fn by(kind: Kind, held: &Held, key: &str, values: &[Arc<str>]) -> Result<Answer, Refusal> {
    let declared = shape::of(kind).key(key).filter(|key| key.parts.len() == values.len());
    if declared.is_none() {
        return Err(NO_SUCH_KEY);
    }
    if values.iter().any(|value| value.is_empty()) {
        return Ok(Answer::Items { entities: Vec::new(), damaged: Vec::new() });
    }
    let values: Vec<_> = values.iter().collect();
    let found = held.found(|entity| has(kind, entity, key, &values));
    let damaged = held.damaged.iter().filter_map(|id| RecordId::new(&**id).ok()).collect();
    Ok(Answer::Items { entities: found.into_iter().cloned().collect(), damaged })
}

/// What a link links to, seen from the side that the key is about.
fn other_side(kind: Kind, link: &Entity, key: &str) -> Option<Arc<str>> {
    let [own] = shape::of(kind).key(key)?.parts else { return None };
    let other = shape::of(kind).id.iter().find(|name| !own.contains(name))?;
    shape::text_of(&link.members, other)
}

/// The record of the id of a call.
pub(super) fn legal(kind: Kind, id: &Id) -> Result<Arc<str>, Refusal> {
    if id.len() != shape::of(kind).id.len() {
        return Err(WRONG_PARTS);
    }
    record_of(id).ok_or(INVALID_ID)
}

fn answered(
    seen: &WorkspaceSeen,
    expected: Result<Answer, Refusal>,
    rule: &'static str,
) -> Verdict {
    match expected {
        Err(refusal) => refuse(seen, &refusal),
        Ok(expected) if seen.answer == expected => Ok(()),
        Ok(expected) => Err(Broken { expected: Box::new(expected.into()), rule }),
    }
}

fn refuse(seen: &WorkspaceSeen, refusal: &Refusal) -> Verdict {
    let expected = Answer::refused(refusal.problem);
    if seen.answer == expected {
        return Ok(());
    }
    Err(Broken { expected: Box::new(expected.into()), rule: refusal.rule })
}

pub(super) const WRONG_PARTS: Refusal = Refusal {
    problem: WorkspaceProblem::WrongParts,
    rule: "the id of a call has as many parts as the kind's ids",
};
pub(super) const INVALID_ID: Refusal = Refusal {
    problem: WorkspaceProblem::InvalidId,
    rule: "the parts of an id, joined, are a record id; not all of them are empty",
};
pub(super) const MISMATCH: Refusal = Refusal {
    problem: WorkspaceProblem::IdMismatch,
    rule: "an entity with another id than the call's is refused",
};
pub(super) const TWICE: Refusal = Refusal {
    problem: WorkspaceProblem::Storage(ErrorKind::InvalidArgument),
    rule: "a batch names no id twice",
};
pub(super) const KEY_TAKEN: Refusal = Refusal {
    problem: WorkspaceProblem::Storage(ErrorKind::KeyTaken),
    rule: "one identifier has one resource",
};
const NO_SUCH_KEY: Refusal = Refusal {
    problem: WorkspaceProblem::Storage(ErrorKind::InvalidArgument),
    rule: "entities are looked up by the keys of their kind, with a value for each part",
};
const NOT_OF_KIND: Refusal = Refusal {
    problem: WorkspaceProblem::Storage(ErrorKind::InvalidArgument),
    rule: "there is no such call for this kind",
};
const DAMAGED: Refusal = Refusal {
    problem: WorkspaceProblem::Storage(ErrorKind::Corrupt),
    rule: "a record that is no such entity is corrupt",
};

/// What a call does, or why it is refused.
pub(super) type Judged = Result<Effect, Refusal>;
