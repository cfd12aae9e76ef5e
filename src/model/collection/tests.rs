use std::sync::Arc;

use super::*;
use crate::model::{
    divergence::{Divergence, Divergences},
    source::{INSTANTS, RawId},
    subject::{Operation, Overlap, Verdict},
    testing::run_many,
};
use crate::seam::{ErrorKind, Record};

fn raw(id: &str) -> RawId {
    RawId(Arc::from(id))
}

fn id(text: &str) -> RecordId {
    RecordId::new(text).unwrap()
}

fn payload(text: &str) -> PayloadInput {
    PayloadInput::new(text.as_bytes())
}

fn input(id: &str, data: &str) -> RecordInput {
    RecordInput {
        id: raw(id),
        data: payload(data),
        encoding: Encoding::JSON,
        created_at: INSTANTS[0],
        updated_at: INSTANTS[0],
        expires_at: None,
    }
}

fn stored(data: &str) -> Stored {
    Stored {
        data: payload(data),
        encoding: Encoding::JSON,
        created_at: INSTANTS[0],
        updated_at: INSTANTS[0],
        expires_at: None,
    }
}

fn holding(entries: &[(&str, Entry)]) -> CollectionModel {
    let entries = entries.iter().map(|(text, entry)| (id(text), entry.clone())).collect();
    CollectionModel { entries, ..CollectionModel::default() }
}

fn good(data: &str) -> Entry {
    Entry::Good(stored(data))
}

fn damaged(newer: bool) -> Entry {
    Entry::Damaged { bytes: payload("{"), newer }
}

fn failed(kind: ErrorKind) -> CollectionSeen {
    CollectionSeen::Failed(Failure { kind, unknown: false, key: None, message: None })
}

fn judge(
    model: &CollectionModel,
    op: &CollectionOp,
    seen: &CollectionSeen,
    overlap: Overlap<'_>,
) -> Result<CollectionModel, &'static str> {
    let divergences = Divergences::default();
    let moment = Moment { overlap, ..Moment::alone(INSTANTS[0], &divergences) };
    let mut model = model.clone();
    match CollectionSubject::step(&mut model, op, seen, &moment) {
        Ok(()) => Ok(model),
        Err(broken) => Err(broken.rule),
    }
}

fn alone(model: &CollectionModel, op: &CollectionOp, seen: &CollectionSeen) -> CollectionModel {
    judge(model, op, seen, Overlap::Ids(&[])).unwrap_or_else(|rule| {
        panic!("{} => {} was rejected: {rule}", op.describe(), seen.describe())
    })
}

fn rejected(model: &CollectionModel, op: &CollectionOp, seen: &CollectionSeen) {
    let verdict = judge(model, op, seen, Overlap::Ids(&[]));
    assert!(verdict.is_err(), "{} => {} was accepted", op.describe(), seen.describe());
}

#[test]
fn agrees_with_memory_and_reaches_every_required_outcome() {
    run_many::<CollectionSubject>(3_000);
}

#[test]
fn a_damaged_record_is_there_but_can_not_be_read() {
    let model = holding(&[("d", damaged(false)), ("g", good("1"))]);
    let corrupt = failed(ErrorKind::Corrupt);
    let expected = payload("{");
    alone(&model, &CollectionOp::Get { id: raw("d") }, &corrupt);
    alone(
        &model,
        &CollectionOp::CompareAndDelete { id: raw("d"), expected: expected.clone() },
        &corrupt,
    );
    let update = CollectionOp::Update { id: raw("d"), data: payload("1") };
    alone(&model, &update, &corrupt);
    let create = CollectionOp::Create(input("d", "1"));
    alone(&model, &create, &failed(ErrorKind::AlreadyExists));
    let put = alone(&model, &CollectionOp::Put(input("d", "1")), &CollectionSeen::Done);
    assert_eq!(put.entries[&id("d")], good("1"), "a put replaces it, as a creation");
    let deleted = alone(&model, &CollectionOp::Delete { id: raw("d") }, &CollectionSeen::Done);
    assert!(!deleted.entries.contains_key(&id("d")));
    let quarantine = CollectionOp::Quarantine { id: raw("d"), expected };
    alone(&model, &quarantine, &CollectionSeen::Done);
    alone(&model, &CollectionOp::Count(SelectionInput::default()), &CollectionSeen::Count(1));
    rejected(&model, &CollectionOp::Count(SelectionInput::default()), &CollectionSeen::Count(2));
}

#[test]
fn damaged_records_are_listed_before_all_others_and_count_towards_the_limit() {
    let model = holding(&[("a", good("1")), ("c", damaged(false)), ("b", damaged(true))]);
    let list =
        |cursor, limit| CollectionOp::List(ListInput { cursor, limit, ..ListInput::default() });
    let page = |damaged: &[&str], records: &[Record], has_next| CollectionSeen::Page {
        records: records.to_vec(),
        damaged: damaged.iter().map(|text| id(text)).collect(),
        has_next,
    };
    let record = stored("1").record(&id("a"));
    alone(&model, &list(CursorInput::None, Some(1)), &page(&["b"], &[], true));
    let after = |place| CursorInput::Resumed { text: Arc::from("x"), after: place };
    let rest = page(&["c"], std::slice::from_ref(&record), false);
    alone(&model, &list(after(Place::Damaged(id("b"))), Some(2)), &rest);
    let none = page(&[], &[], false);
    let end = after(Place::Record(INSTANTS[0], id("a")));
    alone(&model, &list(end, None), &none);
    rejected(&model, &list(CursorInput::None, Some(3)), &page(&["b", "c"], &[record], true));
    rejected(&model, &list(CursorInput::None, None), &none);
    let found = CollectionSeen::Found { records: vec![], damaged: vec![id("b"), id("c")] };
    let find = CollectionOp::Find { key: Arc::from("name"), parts: vec![Arc::from("x")] };
    alone(&model, &find, &found);
}

#[test]
fn only_quarantine_removes_what_a_newer_release_wrote() {
    let model = holding(&[("d", damaged(true))]);
    let corrupt = failed(ErrorKind::Corrupt);
    alone(&model, &CollectionOp::Put(input("d", "1")), &corrupt);
    alone(&model, &CollectionOp::Create(input("d", "1")), &corrupt);
    alone(&model, &CollectionOp::Delete { id: raw("d") }, &corrupt);
    rejected(&model, &CollectionOp::Delete { id: raw("d") }, &CollectionSeen::Done);
    let quarantine = CollectionOp::Quarantine { id: raw("d"), expected: payload("{") };
    assert!(alone(&model, &quarantine, &CollectionSeen::Done).entries.is_empty());
}

#[test]
fn a_claim_passes_over_what_an_overlapping_call_may_write_and_nothing_else() {
    let model = holding(&[("a", good("1")), ("b", good("2"))]);
    let claim = CollectionOp::Claim(SelectionInput::default());
    let b = CollectionSeen::Record(stored("2").record(&id("b")));
    let nothing = failed(ErrorKind::NotFound);
    assert!(judge(&model, &claim, &b, Overlap::Ids(&[])).is_err(), "a is smaller");
    let after = judge(&model, &claim, &b, Overlap::Ids(&[id("a")])).expect("a is in other hands");
    assert!(after.entries.contains_key(&id("a")) && !after.entries.contains_key(&id("b")));
    assert!(judge(&model, &claim, &nothing, Overlap::Ids(&[id("a")])).is_err(), "b is there");
    assert!(judge(&model, &claim, &nothing, Overlap::Any).is_ok());
    let forged = CollectionSeen::Record(stored("3").record(&id("b")));
    assert!(judge(&model, &claim, &forged, Overlap::Any).is_err(), "b is not that");
}

#[test]
fn a_purge_counts_what_has_expired_exactly_unless_others_write_it() {
    let mut expired = stored("1");
    expired.expires_at = Some(INSTANTS[0]);
    let model = holding(&[("a", Entry::Good(expired.clone())), ("b", Entry::Good(expired))]);
    let count = |count| CollectionSeen::Count(count);
    let purge = CollectionOp::PurgeExpired;
    assert!(alone(&model, &purge, &count(2)).entries.is_empty());
    rejected(&model, &purge, &count(1));
    let overlapped = judge(&model, &purge, &count(1), Overlap::Ids(&[id("a")])).unwrap();
    assert_eq!(overlapped.lingering.len(), 1, "a may be left");
    alone(&overlapped, &purge, &count(1));
    alone(&overlapped, &purge, &count(0));
    rejected(&overlapped, &purge, &count(2));
    let divergences = Divergences::default();
    let overlap = Overlap::Ids(&[]);
    let moment = Moment { overlap, ..Moment::alone(INSTANTS[0], &divergences) };
    let cut_short = CollectionSubject::outcomes_unseen(&model, &purge, &moment);
    let left: Vec<_> = cut_short.iter().map(|state| state.entries.len()).collect();
    assert_eq!(left, [1, 1, 0], "a purge that is cut short leaves some");
    let deleted = alone(&model, &CollectionOp::Delete { id: raw("a") }, &CollectionSeen::Done);
    rejected(&deleted, &purge, &count(2));
}

#[test]
fn every_wrong_answer_to_a_read_is_rejected() {
    let model = holding(&[("a", good(r#"{"name":"x"}"#))]);
    let get = CollectionOp::Get { id: raw("a") };
    let record = stored(r#"{"name":"x"}"#).record(&id("a"));
    alone(&model, &get, &CollectionSeen::Record(record.clone()));
    let wrong = [
        Record { id: id("b"), ..record.clone() },
        Record { data: payload("{}").payload().clone(), ..record.clone() },
        Record { encoding: Encoding::PROTO3, ..record.clone() },
        Record { created_at: INSTANTS[2], ..record.clone() },
        Record { updated_at: INSTANTS[2], ..record.clone() },
        Record { expires_at: Some(INSTANTS[2]), ..record },
    ];
    for record in wrong {
        rejected(&model, &get, &CollectionSeen::Record(record));
    }
    rejected(&model, &get, &failed(ErrorKind::NotFound));
    rejected(&model, &get, &CollectionSeen::Done);
}

#[test]
fn declared_divergences_are_permitted_and_only_those() {
    let judge = |divergences: Vec<Divergence>, model: &CollectionModel, op, seen| {
        let divergences = Divergences::of(divergences);
        let moment = Moment::alone(INSTANTS[0], &divergences);
        let mut model = model.clone();
        CollectionSubject::step(&mut model, op, seen, &moment).map(|()| model)
    };
    let mut late = input("a", "2");
    late.created_at = INSTANTS[2];
    let put = CollectionOp::Put(late);
    let model = holding(&[("a", good("1"))]);
    let created = |state: CollectionModel| match &state.entries[&id("a")] {
        Entry::Good(stored) => stored.created_at,
        Entry::Damaged { .. } => panic!("it is good"),
    };
    let done = CollectionSeen::Done;
    assert_eq!(judge(vec![], &model, &put, &done).map(created), Ok(INSTANTS[0]));
    let replaced = judge(vec![Divergence::CreatedAtOnPut], &model, &put, &done);
    assert_eq!(replaced.map(created), Ok(INSTANTS[2]));

    let mut expired = stored("1");
    expired.expires_at = Some(INSTANTS[0]);
    let model = holding(&[("a", Entry::Good(expired.clone())), ("b", good("1"))]);
    let get = CollectionOp::Get { id: raw("a") };
    let there = CollectionSeen::Record(expired.record(&id("a")));
    assert!(judge(vec![], &model, &get, &there).is_err());
    assert!(judge(vec![Divergence::ExpiryIgnored], &model, &get, &there).is_ok());

    let list = CollectionOp::List(ListInput { limit: Some(1), ..ListInput::default() });
    let model = holding(&[("a", good("1")), ("b", good("1"))]);
    let records = vec![stored("1").record(&id("a")), stored("1").record(&id("b"))];
    let page = CollectionSeen::Page { records, damaged: vec![], has_next: false };
    assert!(judge(vec![], &model, &list, &page).is_err());
    assert!(judge(vec![Divergence::ListUnbounded], &model, &list, &page).is_ok());
}

#[test]
fn legacy_documents_are_records_of_their_own_bytes_and_times() {
    let documents = [
        ("a", r#"{"created_at": "2026-01-01T09:00:00+09:00", "updated_at": "yesterday"}"#),
        ("b/c", r#"{"name": "x"}"#),
    ]
    .map(|(id, text)| LegacyDocument {
        id: id.into(),
        text: text.into(),
        modified: INSTANTS[2],
    });
    let model = CollectionSubject::model_of_legacy(&documents);
    let a =
        Stored { created_at: INSTANTS[0], updated_at: INSTANTS[2], ..stored(&documents[0].text) };
    assert_eq!(model.entries[&id("a")], Entry::Good(a));
    let b =
        Stored { created_at: INSTANTS[2], updated_at: INSTANTS[2], ..stored(&documents[1].text) };
    assert_eq!(model.entries[&id("b/c")], Entry::Good(b));
}

#[test]
fn shrinking_a_call_ends() {
    let write = |action| WriteInput { action, when: ConditionInput::Data(payload("[]")) };
    let mut record = input("z", "[]");
    record.expires_at = Some(INSTANTS[2]);
    record.updated_at = INSTANTS[3];
    record.encoding = Encoding::PROTO3;
    let mut op = CollectionOp::Commit {
        writes: vec![
            write(ActionInput::Put(record)),
            write(ActionInput::Replace { id: raw("y"), data: payload("[]") }),
            write(ActionInput::Check(raw("b"))),
        ],
    };
    let mut steps = 0;
    // The last candidate is the least simple: the longest way down.
    while let Some(next) = op.simpler().pop() {
        assert_ne!(next, op, "a candidate differs");
        op = next;
        steps += 1;
        assert!(steps < 200, "shrinking goes round in circles at {}", op.describe());
    }
}

#[test]
fn observations_look_at_everything_that_was_used() {
    let ops = [
        CollectionOp::Put(input("a", r#"{"name":"x","group":"g"}"#)),
        CollectionOp::Delete { id: raw("b") },
    ];
    let kinds: Vec<_> =
        CollectionSubject::observations(ops.iter()).iter().map(Operation::describe).collect();
    assert_eq!(
        kinds,
        [
            "list limit 4294967295",
            "get \"a\"",
            "get \"b\"",
            "find name = [\"x\"]",
            "find group = [\"g\", \"plain\"]"
        ]
    );
}
