use std::sync::Arc;

use super::{WorkingSetsModel, WorkingSetsOp, WorkingSetsSubject};
use crate::{
    model::{
        collection::{CollectionOp, CollectionSeen, RecordInput, SelectionInput},
        divergence::{Divergence, Divergences},
        payload::PayloadInput,
        source::{INSTANTS, RawId},
        subject::{Broken, Handle, Moment, Subject},
        testing::{legacy_agrees, run_many_by},
    },
    seam::{Encoding, ErrorKind},
};

fn id(id: &str) -> RawId {
    RawId(Arc::from(id))
}

fn input(name: &str, data: &str) -> RecordInput {
    RecordInput {
        id: id(name),
        data: PayloadInput::new(data.as_bytes()),
        encoding: Encoding::JSON,
        created_at: INSTANTS[0],
        updated_at: INSTANTS[0],
        expires_at: None,
    }
}

fn put(name: &str, data: &str) -> CollectionOp {
    CollectionOp::Put(input(name, data))
}

fn get(name: &str) -> WorkingSetsOp {
    WorkingSetsOp::Own(CollectionOp::Get { id: id(name) })
}

fn held(name: &str, data: &str) -> CollectionSeen {
    CollectionSeen::Record(input(name, data).to_record().unwrap())
}

fn refused(kind: ErrorKind) -> CollectionSeen {
    CollectionSeen::refused(kind, None)
}

/// A model with the calls of two working sets, one call after the other.
#[derive(Clone)]
struct History {
    model: WorkingSetsModel,
    time: u64,
    divergences: Divergences,
}

impl History {
    fn new() -> Self {
        let divergences = Divergences::of(vec![Divergence::StaleReads]);
        Self { model: WorkingSetsModel::default(), time: 0, divergences }
    }

    fn judge(
        &mut self,
        handle: Handle,
        op: &WorkingSetsOp,
        seen: &CollectionSeen,
    ) -> Result<(), Broken<CollectionSeen>> {
        self.time += 2;
        let alone = Moment::alone(INSTANTS[0], &self.divergences);
        let moment = Moment { handle, invoked: self.time, returned: self.time + 1, ..alone };
        WorkingSetsSubject::step(&mut self.model, op, seen, &moment)
    }

    /// What must be allowed.
    fn then(&mut self, handle: Handle, op: &WorkingSetsOp, seen: &CollectionSeen) {
        if let Err(broken) = self.judge(handle, op, seen) {
            panic!("{op:?} gave {seen:?}; expected {:?}: {}", broken.expected, broken.rule);
        }
    }

    /// What may be, but need not.
    fn allows(&self, handle: Handle, op: &WorkingSetsOp, seen: &CollectionSeen) -> bool {
        self.clone().judge(handle, op, seen).is_ok()
    }

    fn outside(&mut self, op: CollectionOp) {
        self.then(OTHER, &WorkingSetsOp::Outside(op), &CollectionSeen::Done);
    }
}

const ONE: Handle = Handle { number: 0, opened: 0 };
const OTHER: Handle = Handle { number: 1, opened: 0 };

#[test]
fn agrees_with_a_working_set_over_memory_and_reaches_every_required_outcome() {
    run_many_by::<WorkingSetsSubject, _>(3_000, |model| model.durable.clone());
}

#[test]
fn agrees_about_what_older_software_left() {
    assert!(legacy_agrees::<WorkingSetsSubject>(400) > 400, "few documents");
}

#[test]
fn a_read_may_be_stale_until_a_refresh() {
    let mut history = History::new();
    history.outside(put("a", "1"));
    history.outside(put("a", "2"));
    for seen in [refused(ErrorKind::NotFound), held("a", "1"), held("a", "2")] {
        assert!(history.allows(ONE, &get("a"), &seen), "{seen:?}");
    }
    assert!(!history.allows(ONE, &get("a"), &held("a", "3")), "it never was that");
    history.then(ONE, &WorkingSetsOp::Refresh, &CollectionSeen::Done);
    assert!(!history.allows(ONE, &get("a"), &held("a", "1")), "seen after a refresh");
    assert!(history.allows(OTHER, &get("a"), &held("a", "1")), "which was another one's");
    assert!(history.allows(ONE, &get("a"), &held("a", "2")));
}

#[test]
fn without_the_divergence_no_read_is_stale() {
    let mut history = History { divergences: Divergences::default(), ..History::new() };
    history.outside(put("a", "1"));
    assert!(!history.allows(ONE, &get("a"), &refused(ErrorKind::NotFound)));
    assert!(history.allows(ONE, &get("a"), &held("a", "1")));
}

#[test]
fn a_store_that_is_opened_has_read_what_was_done_before() {
    let mut history = History::new();
    history.outside(put("a", "1"));
    let opened = Handle { number: 2, opened: history.time + 2 };
    history.time += 2;
    history.outside(put("a", "2"));
    assert!(!history.allows(opened, &get("a"), &refused(ErrorKind::NotFound)));
    assert!(history.allows(opened, &get("a"), &held("a", "1")));
}

#[test]
fn nothing_older_is_read_than_what_was_read_before() {
    let mut history = History::new();
    history.outside(put("a", "1"));
    history.outside(put("a", "2"));
    history.then(ONE, &get("a"), &held("a", "1"));
    assert!(!history.allows(ONE, &get("a"), &refused(ErrorKind::NotFound)), "older than 1");
    assert!(history.allows(ONE, &get("a"), &held("a", "2")));
}

#[test]
fn own_writes_and_refused_ones_are_known_from_then_on() {
    let mut history = History::new();
    history.outside(put("a", "1"));
    let create = WorkingSetsOp::Own(CollectionOp::Create(input("a", "2")));
    assert!(!history.allows(ONE, &create, &CollectionSeen::Done), "judged below");
    history.then(ONE, &create, &refused(ErrorKind::AlreadyExists));
    assert!(!history.allows(ONE, &get("a"), &refused(ErrorKind::NotFound)), "it was told");
    history.then(OTHER, &WorkingSetsOp::Own(put("a", "3")), &CollectionSeen::Done);
    assert!(!history.allows(OTHER, &get("a"), &held("a", "1")), "its own write");
    assert!(history.allows(ONE, &get("a"), &held("a", "1")), "another one's");
}

#[test]
fn an_update_may_find_nothing_where_others_have_written() {
    let mut history = History::new();
    history.outside(put("a", "1"));
    let data = PayloadInput::new(b"2");
    let update = WorkingSetsOp::Own(CollectionOp::Update { id: id("a"), data });
    assert!(history.allows(ONE, &update, &refused(ErrorKind::NotFound)));
    assert!(history.allows(ONE, &update, &CollectionSeen::Done));
    history.then(ONE, &WorkingSetsOp::Refresh, &CollectionSeen::Done);
    assert!(!history.allows(ONE, &update, &refused(ErrorKind::NotFound)));
}

#[test]
fn listings_and_counts_take_each_record_for_what_it_may_be() {
    let mut history = History::new();
    let list = WorkingSetsOp::Own(super::everything());
    let page = |records: &[RecordInput], has_next| {
        let records = records.iter().map(|record| record.to_record().unwrap()).collect();
        CollectionSeen::Page { records, damaged: Vec::new(), has_next }
    };
    history.outside(put("a", "1"));
    history.outside(put("b", "1"));
    for allowed in [&[][..], &[input("a", "1")], &[input("b", "1")]] {
        assert!(history.allows(ONE, &list, &page(allowed, false)), "{allowed:?}");
    }
    assert!(!history.allows(ONE, &list, &page(&[input("c", "1")], false)), "it never was");
    assert!(!history.allows(ONE, &list, &page(&[input("b", "1"), input("a", "1")], false)));
    let first = super::ListInput { limit: Some(1), ..super::ListInput::default() };
    let first = WorkingSetsOp::Own(CollectionOp::List(first));
    assert!(history.allows(ONE, &first, &page(&[input("a", "1")], true)), "b comes next");
    assert!(history.allows(ONE, &first, &page(&[input("a", "1")], false)), "b is not seen");
    assert!(!history.allows(ONE, &first, &page(&[input("b", "1")], true)), "a comes before b");
    let count = WorkingSetsOp::Own(CollectionOp::Count(SelectionInput::default()));
    for (number, is_allowed) in [(0, true), (1, true), (2, true), (3, false)] {
        let seen = CollectionSeen::Count(number);
        assert_eq!(history.allows(ONE, &count, &seen), is_allowed, "{number}");
    }
    history.then(ONE, &list, &page(&[input("a", "1")], false));
    assert!(!history.allows(ONE, &count, &CollectionSeen::Count(0)), "a was listed");
}
