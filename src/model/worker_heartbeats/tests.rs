use std::sync::Arc;

use super::*;
use crate::{
    model::{
        divergence::Divergences,
        subject::{Operation, Verdict},
        testing::{legacy_agrees, moment, run_many},
    },
    seam::Instant,
};

fn beat(worker_id: &str, at: i64) -> HeartbeatData {
    HeartbeatData::new(RawId(Arc::from(worker_id)), at)
}

fn model(heartbeats: &[HeartbeatData]) -> HeartbeatsModel {
    let by_id = |beat: &HeartbeatData| (Arc::clone(&beat.worker_id.0), beat.clone());
    HeartbeatsModel { heartbeats: heartbeats.iter().map(by_id).collect(), ..Default::default() }
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
    let now = upsert(&beat("c", 0)).unwrap().heartbeats["c"].last_heartbeat_at;
    assert_eq!(now, 1_767_225_600_000);
}

#[test]
fn a_list_may_show_a_shadowed_heartbeat_only_while_the_worker_changes() {
    let mut both = model(&[beat("a", 2), beat("b", 2)]);
    both.shadowed.insert(Arc::from("a"), beat("a", 1));
    let judge = |states: &[&HeartbeatsModel], heartbeats: &[HeartbeatData]| {
        let seen = HeartbeatsSeen::List { heartbeats: heartbeats.to_vec(), damaged: Vec::new() };
        let (states, op) = (&mut states.iter().copied(), HeartbeatsOp::List);
        WorkerHeartbeatsSubject::judge_interval(
            states,
            &op,
            &seen,
            &moment(&Divergences::default()),
        )
        .is_ok()
    };
    let shown = [beat("a", 1), beat("b", 2)];
    let gone = model(&[beat("b", 2)]);
    assert!(judge(&[&both, &gone], &shown) && judge(&[&both, &gone], &shown[1..]));
    assert!(!judge(&[&both], &shown), "the fresher one counts");
    assert!(!judge(&[&gone], &shown) && !judge(&[&both, &gone], &shown[..1]));
    assert!(!judge(&[&both, &gone], &[beat("a", 1), beat("a", 2), beat("b", 2)]), "listed once");
    assert!(!judge(&[&both, &gone], &[beat("b", 2), beat("a", 1)]), "by worker id");
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
        model(&ids.iter().map(|id| start.heartbeats[*id].clone()).collect::<Vec<_>>())
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
