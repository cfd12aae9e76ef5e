use std::sync::Arc;

use super::*;
use crate::{
    model::{
        divergence::Divergences,
        legacy::LegacyDocument,
        subject::{Operation, Verdict},
        testing::{legacy_agrees, moment, run_many},
    },
    seam::Instant,
    store::error::Kind,
};

fn beat(worker_id: &str, at: i64) -> HeartbeatData {
    HeartbeatData::new(RawId(Arc::from(worker_id)), at)
}

fn model(heartbeats: &[HeartbeatData]) -> HeartbeatsModel {
    let worker = |beat: &HeartbeatData| Worker { own: Some(beat.clone()), older: None };
    let by_id = |beat: &HeartbeatData| (Arc::clone(&beat.worker_id.0), worker(beat));
    HeartbeatsModel { workers: heartbeats.iter().map(by_id).collect(), ..Default::default() }
}

/// Two milliseconds after the epoch.
fn before() -> Instant {
    Instant::new(0, 2_000_000).unwrap()
}

#[test]
fn agrees_with_the_store_on_memory_and_reaches_every_required_outcome() {
    run_many::<WorkerHeartbeatsSubject>(2_000);
}

#[test]
fn the_model_reads_legacy_heartbeats_as_the_store_does() {
    let read = legacy_agrees::<WorkerHeartbeatsSubject>(300);
    assert!(read > 100, "only {read} documents were made");
}

#[test]
fn every_wrong_answer_is_rejected() {
    let (old, new) = (beat("a", 1), beat("b", 3));
    let start = model(&[old.clone(), new.clone()]);
    let divergences = Divergences::default();
    let moment = moment(&divergences);
    let after = |op: &HeartbeatsOp, seen: &HeartbeatsSeen| {
        let mut state = start.clone();
        WorkerHeartbeatsSubject::step(&mut state, op, seen, &moment).is_ok().then_some(state)
    };
    let accepts = |op: &HeartbeatsOp, seen: &HeartbeatsSeen| after(op, seen).is_some();
    let list = |heartbeats: &[HeartbeatData]| HeartbeatsSeen::List {
        heartbeats: heartbeats.to_vec(),
        damaged: Vec::new(),
    };
    assert!(accepts(&HeartbeatsOp::List, &list(&[old.clone(), new.clone()])));
    assert!(!accepts(&HeartbeatsOp::List, &list(&[new.clone(), old.clone()])), "by id");
    assert!(!accepts(&HeartbeatsOp::List, &list(&[old.clone(), old.clone(), new.clone()])));
    assert!(!accepts(&HeartbeatsOp::List, &list(std::slice::from_ref(&old))));

    let stale = HeartbeatsOp::DeleteStale { before: before() };
    assert_eq!(after(&stale, &HeartbeatsSeen::Removed(1)), Some(model(std::slice::from_ref(&new))));
    assert!(!accepts(&stale, &HeartbeatsSeen::Removed(0)));
    assert!(!accepts(&stale, &HeartbeatsSeen::Removed(2)));

    let upsert =
        |beat: &HeartbeatData| after(&HeartbeatsOp::Upsert(beat.clone()), &HeartbeatsSeen::Done);
    assert_eq!(upsert(&beat("b", 2)), Some(start.clone()), "an older one is ignored");
    let mut equal = beat("b", 3);
    equal.unknown = [(Arc::from("x"), Arc::from("1"))].into();
    assert_eq!(upsert(&equal), Some(model(&[old, equal])), "an equal one replaces");
    let now = upsert(&beat("c", 0)).unwrap().workers["c"].own.clone().unwrap();
    assert_eq!(now.last_heartbeat_at, 1_767_225_600_000);
}

#[test]
fn the_fresher_of_two_counts_and_a_list_shows_no_other() {
    let mut both = model(&[beat("a", 1), beat("b", 2)]);
    both.workers.get_mut("a").unwrap().older = Some(beat("a", 2));
    let judge = |states: &[&HeartbeatsModel], heartbeats: &[HeartbeatData]| {
        let seen = HeartbeatsSeen::List { heartbeats: heartbeats.to_vec(), damaged: Vec::new() };
        let states = &mut states.iter().copied();
        let divergences = Divergences::default();
        let op = HeartbeatsOp::List;
        WorkerHeartbeatsSubject::judge_interval(states, &op, &seen, &moment(&divergences)).is_ok()
    };
    let gone = model(&[beat("b", 2)]);
    assert!(judge(&[&both], &[beat("a", 2), beat("b", 2)]));
    assert!(judge(&[&both, &gone], &[beat("b", 2)]), "a went meanwhile");
    for states in [&[&both][..], &[&both, &gone], &[&gone]] {
        assert!(!judge(states, &[beat("a", 1), beat("b", 2)]), "it never counted");
        assert!(!judge(states, &[beat("a", 1), beat("a", 2), beat("b", 2)]), "listed once");
        assert!(!judge(states, &[beat("b", 2), beat("a", 2)]), "by worker id");
    }
    let mut equal = both;
    equal.workers.get_mut("a").unwrap().older =
        Some(HeartbeatData { labels: Some([].into()), ..beat("a", 1) });
    assert!(judge(&[&equal], &[beat("a", 1), beat("b", 2)]), "of equals our own");
}

/// The SHA-256 of "w".
const OLDER_W: &str = "50e721e49c013f00c62cf59f2163542a9d8df02464efeb615d31051b0fddc326";

fn written(model: &mut HeartbeatsModel, id: &str, text: &str) {
    let modified = Instant::UNIX_EPOCH;
    let document = LegacyDocument { id: id.to_owned(), text: text.to_owned(), modified };
    WorkerHeartbeatsSubject::legacy_written(model, &document);
}

#[test]
fn older_software_replaces_and_removes_files_whatever_they_are() {
    let mut state = HeartbeatsModel::default();
    written(&mut state, OLDER_W, r#"{"workerId":"w","lastHeartbeatAt":1}"#);
    written(&mut state, "w", r#"{"workerId":"w","lastHeartbeatAt":2,"stats":{}}"#);
    let worker = &state.workers["w"];
    assert_eq!(worker.older, Some(beat("w", 1)));
    assert_eq!(worker.own.as_ref().unwrap().last_heartbeat_at, 2);
    written(&mut state, "w", r#"{"workerId":"w","stats":[]}"#);
    assert_eq!(state.workers["w"], Worker { own: None, older: Some(beat("w", 1)) });
    assert_eq!(state.damaged, [Arc::from("w")].into());
    for text in [r#"{"workerId":"v"}"#, "null", "{", r#"{"workerId":"w","lastHeartbeatAt":1.5}"#] {
        written(&mut state, OLDER_W, text);
        assert_eq!(state.workers, [].into(), "{text}");
    }
    for id in ["w", OLDER_W, "nobody"] {
        WorkerHeartbeatsSubject::legacy_removed(&mut state, id);
    }
    assert_eq!(state, HeartbeatsModel::default());
}

#[test]
fn damage_hides_nobody_and_goes_when_a_heartbeat_comes() {
    let mut damaged = model(&[beat("a", 1)]);
    written(&mut damaged, OLDER_W, "{");
    written(&mut damaged, "x", "{");
    let divergences = Divergences::default();
    let moment = moment(&divergences);
    let accepts = |op: &HeartbeatsOp, seen: &HeartbeatsSeen| {
        WorkerHeartbeatsSubject::step(&mut damaged.clone(), op, seen, &moment).is_ok()
    };
    let get = |id: &str| HeartbeatsOp::Get { worker_id: RawId(Arc::from(id)) };
    let failed = |problem| HeartbeatsSeen::Failed(Failure::refused(problem));
    let corrupt = failed(HeartbeatsProblem::Storage(Kind::Corrupt));
    let absent = failed(HeartbeatsProblem::HeartbeatNotFound);
    assert!(accepts(&get("w"), &corrupt) && accepts(&get("x"), &corrupt));
    assert!(!accepts(&get("w"), &absent) && accepts(&get("v"), &absent));
    let list = |named: &[&str]| HeartbeatsSeen::List {
        heartbeats: vec![beat("a", 1)],
        damaged: named.iter().map(|id| RecordId::new(*id).unwrap()).collect(),
    };
    assert!(accepts(&HeartbeatsOp::List, &list(&[OLDER_W, "x"])));
    for named in [&[][..], &["x"], &["x", OLDER_W], &[OLDER_W, "x", "y"]] {
        assert!(!accepts(&HeartbeatsOp::List, &list(named)), "{named:?}");
    }
    let upsert = HeartbeatsOp::Upsert(beat("w", 1));
    let aside = WorkerHeartbeatsSubject::partial_steps(0, &damaged, &upsert, &moment);
    assert_eq!(aside.len(), 1);
    assert_eq!((aside[0].workers.len(), aside[0].damaged.len()), (1, 1), "it was set aside first");
    let after = WorkerHeartbeatsSubject::outcomes_unseen(&damaged, &upsert, &moment);
    assert_eq!((after[0].workers.len(), after[0].damaged.len()), (2, 1));
}

#[test]
fn a_removal_is_judged_by_all_the_states_it_ran_through() {
    let (a, b, fresh) = (beat("a", 1), beat("b", 2), beat("c", 3));
    let judge = |states: &[HeartbeatsModel]| {
        let op = HeartbeatsOp::DeleteStale { before: before() };
        let seen = HeartbeatsSeen::Removed(1);
        WorkerHeartbeatsSubject::judge_interval(
            &mut states.iter(),
            &op,
            &seen,
            &moment(&Divergences::default()),
        )
        .is_ok()
    };
    let all = model(&[a.clone(), b.clone(), fresh.clone()]);
    assert!(judge(&[all.clone(), model(std::slice::from_ref(&fresh))]));
    assert!(!judge(&[all.clone(), model(&[b.clone(), fresh.clone()])]), "b was there throughout");
    let refreshed = model(&[beat("b", 4), fresh.clone()]);
    assert!(judge(&[all, refreshed]), "b was refreshed");
    assert!(
        judge(&[model(std::slice::from_ref(&fresh)), model(&[a, b, fresh])]),
        "both came later"
    );
}

#[test]
fn a_killed_removal_may_have_removed_any() {
    let start = model(&[beat("a", 1), beat("b", 2), beat("c", 3)]);
    let divergences = Divergences::default();
    let moment = moment(&divergences);
    let op = HeartbeatsOp::DeleteStale { before: before() };
    let unseen = WorkerHeartbeatsSubject::outcomes_unseen(&start, &op, &moment);
    let left = |ids: &[&str]| {
        model(&ids.iter().map(|id| start.last(id).unwrap().clone()).collect::<Vec<_>>())
    };
    assert_eq!(unseen.len(), 3);
    for ids in [&["b", "c"][..], &["a", "c"], &["c"]] {
        assert!(unseen.contains(&left(ids)), "{ids:?} may be left");
    }
}

#[test]
fn shrinking_a_call_ends() {
    let mut heartbeat = beat("z", 1);
    heartbeat.labels = Some([(Arc::from("x"), Arc::from("1"))].into());
    let mut op = HeartbeatsOp::Upsert(heartbeat);
    let mut steps = 0;
    while let Some(next) = op.simpler().pop() {
        op = next;
        steps += 1;
        assert!(steps < 100, "shrinking goes round in circles at {}", op.describe());
    }
    assert_eq!(op.describe(), "upsert \"a\" at 1 ms");
}

#[test]
fn observations_look_at_everything_that_was_used() {
    let ops =
        [HeartbeatsOp::Upsert(beat("b", 1)), HeartbeatsOp::Get { worker_id: RawId("a".into()) }];
    let reads = WorkerHeartbeatsSubject::observations(ops.iter());
    let reads: Vec<_> = reads.iter().map(Operation::describe).collect();
    assert_eq!(reads, ["list", "get \"a\"", "get \"b\""]);
    assert_eq!(HeartbeatsSeen::Removed(2).describe(), "removed 2");
}
