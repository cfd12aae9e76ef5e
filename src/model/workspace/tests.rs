use std::{collections::BTreeSet, sync::Arc};

use super::{execute::is_entity, *};
use crate::{
    model::{
        divergence::Divergences,
        source::INSTANTS,
        subject::{Handle, Operation},
        testing::{bytes_of, legacy_agrees, moment, run_many_by},
    },
    seam::{Payload, Record},
};

fn texts(parts: &[&str]) -> Id {
    parts.iter().map(|part| Arc::from(*part)).collect()
}

fn resource(id: &str, identifier: &str) -> Entity {
    let mut entity = plain(Kind::Resource, &texts(&[id]));
    entity.set_text("identifier", identifier);
    entity
}

fn upsert(entity: &Entity) -> WorkspaceOp {
    let call = Call::Upsert { id: entity.id(Kind::Resource), entity: entity.clone() };
    WorkspaceOp { kind: Kind::Resource, call }
}

const TAKE: WorkspaceOp = WorkspaceOp { kind: Kind::Resource, call: Call::TakeChanges };

fn taken(changes: Vec<ChangeSeen>) -> WorkspaceSeen {
    Answer::Changes(changes).into()
}

#[test]
fn agrees_with_the_stores_on_memory_and_reaches_every_required_outcome() {
    run_many_by::<WorkspaceSubject, _>(6_000, |model| model.kinds.clone());
}

#[test]
fn agrees_with_the_store_about_what_older_software_left() {
    assert!(legacy_agrees::<WorkspaceSubject>(1_000) > 1_000);
}

#[test]
fn cases_come_by_all_kinds() {
    let mut kinds = BTreeSet::new();
    for case in 0..400 {
        let bytes = bytes_of(case);
        let mut bytes = arbitrary::Unstructured::new(&bytes);
        let focus = crate::model::source::Focus::generate(&mut bytes, 16).unwrap();
        let op = generate::operation(&mut Source::new(&mut bytes, &focus)).unwrap();
        kinds.insert(op.kind);
    }
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        Kind::ALL.into_iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    );
}

#[test]
fn the_table_of_shapes_agrees_with_the_entities() {
    for kind in Kind::ALL {
        let shape = shape::of(kind);
        let id: Id = shape.id.iter().map(|name| Arc::from(*name)).collect();
        let whole = plain(kind, &id);
        let reads = |members: &crate::model::members::Members| {
            let text = crate::model::members::object_of(members);
            let id = RecordId::new(&*record_of(&id).unwrap()).unwrap();
            let data = Payload::json(text.as_bytes()).unwrap();
            is_entity(kind, &Record::json(id, data, INSTANTS[0]))
        };
        assert!(reads(&whole.members), "{kind}: the plainest one is one");
        for (name, member) in shape.members {
            let mut without = whole.members.clone();
            without.remove(*name);
            let is_one =
                Entity::of(kind, without.clone()).is_some_and(|entity| entity.id(kind) == id);
            assert_eq!(reads(&without), is_one, "{kind} without {name}, a {member:?}");
            for value in ["7", "null", "\"x\"", "true", "\"2026-01-01T00:00:00Z\""] {
                let mut other = whole.members.clone();
                other.insert(Arc::from(*name), Arc::from(value));
                let is_one = Entity::of(kind, other.clone()).is_some_and(|own| own.id(kind) == id);
                assert_eq!(reads(&other), is_one, "{kind} with {name}={value}, a {member:?}");
            }
        }
        let keys = spec(kind).keys;
        let declared: Vec<_> = keys.iter().map(|key| (&*key.name, key.unique)).collect();
        let expected: Vec<_> = shape.keys.iter().map(|key| (key.name, key.unique)).collect();
        assert_eq!(declared, expected, "the keys of {kind}");
    }
}

#[test]
fn a_change_is_taken_once_and_in_the_order_of_the_writes() {
    let divergences = Divergences::default();
    let moment = moment(&divergences);
    let (ann, bob) = (resource("a", "ann"), resource("b", "bob"));
    let mut model = WorkspaceModel::default();
    for entity in [&ann, &bob] {
        let done = Answer::Done.into();
        assert!(WorkspaceSubject::step(&mut model, &upsert(entity), &done, &moment).is_ok());
    }
    let both = model.handles[&0].changes.clone();
    let judge = |model: &WorkspaceModel, handle, changes| {
        let handle = Handle { number: handle, opened: 0 };
        let (mut model, moment) = (model.clone(), Moment { handle, ..moment });
        WorkspaceSubject::step(&mut model, &TAKE, &taken(changes), &moment).map(|()| model)
    };
    let after = judge(&model, 0, both.clone()).expect("both, in order");
    assert!(judge(&after, 0, Vec::new()).is_ok() && judge(&after, 0, both.clone()).is_err());
    let turned = vec![both[1].clone(), both[0].clone()];
    assert!(judge(&model, 0, turned).is_err(), "in another order");
    assert!(judge(&model, 0, both[..1].to_vec()).is_err(), "not all");
    assert!(judge(&model, 0, Vec::new()).is_err(), "none");
    assert!(judge(&model, 1, both).is_err(), "another store's");
    assert!(judge(&model, 1, Vec::new()).is_ok());
}

#[test]
fn what_is_written_and_not_recorded_yet_is_not_taken_and_nothing_is_written_meanwhile() {
    let divergences = Divergences::default();
    let moment = moment(&divergences);
    let (ann, bob) = (upsert(&resource("a", "ann")), upsert(&resource("b", "bob")));
    let done: WorkspaceSeen = Answer::Done.into();
    let mut model = WorkspaceModel::default();
    let mut stage = |stage, op, seen: &WorkspaceSeen| {
        WorkspaceSubject::step_stage(stage, &mut model, op, seen, &moment).is_ok()
    };
    assert!(stage(0, &ann, &done));
    assert!(stage(0, &TAKE, &taken(Vec::new())), "not recorded yet");
    assert!(!stage(0, &bob, &done), "its change would come before");
    assert!(stage(1, &ann, &done));
    assert!(!stage(0, &TAKE, &taken(Vec::new())), "recorded now");
}

#[test]
fn what_nobody_saw_the_end_of_is_not_recorded() {
    let divergences = Divergences::default();
    let moment = moment(&divergences);
    let op = upsert(&resource("a", "ann"));
    let unseen = WorkspaceSubject::outcomes_unseen(&WorkspaceModel::default(), &op, &moment);
    let [after] = unseen.as_slice() else { panic!("one state, not {}", unseen.len()) };
    assert_eq!(after.of(Kind::Resource).entities.len(), 1, "it is written");
    assert!(after.handles.values().all(|handle| handle.changes.is_empty()), "and not recorded");
}

#[test]
fn a_call_is_described_without_line_breaks() {
    for case in 0..200 {
        let bytes = bytes_of(case);
        let mut bytes = arbitrary::Unstructured::new(&bytes);
        let focus = crate::model::source::Focus::generate(&mut bytes, 16).unwrap();
        let op = generate::operation(&mut Source::new(&mut bytes, &focus)).unwrap();
        assert!(!op.describe().contains('\n'), "{op:?}");
    }
}
