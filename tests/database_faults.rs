//! Databases that fail: what each fault does to a call, what is judged of it, and that
//! what makes the wrong thing of it is found.

use std::{future::Future, sync::Arc};

use storeproof::{
    backend::memory::MemoryBackend,
    bugs::flaws::Flaw,
    check::{
        backends::{BackendUnderTest, Hybrid, Memory, Sqlite},
        campaign::{self, Effort, Progress},
        crash::CrashCheck,
        verify::Target,
    },
    model::{
        collection::CollectionSubject, divergence::Divergences, subject::Subject,
        users::UsersSubject,
    },
    seam::{
        Backend, Collection, CollectionExt, CollectionSpec, Error, ErrorKind, Instant, Outcome,
        Payload, Record, RecordId, Selection, SystemClock,
    },
    sim::{
        executor::{Client, End, Sim, run},
        faults::{COLLECTION_STEPS, Fault, FaultKind, FaultPlan},
        schedule::{Decider, Schedule},
        scheduled::Scheduled,
        single::run_alone,
    },
};

use super::{
    faults::{fault, verified},
    mutants::{
        assert_sound_code_passes, flawed,
        flawed_client::{IsAlwaysSure, IsNeverSure, StaysAway, TakesSilenceForConsent, TriesAgain},
        flawed_hybrid::{Mistake, flawed_hybrid},
        found_among, sound,
    },
};

/// How many cases may be needed; only one in eight is about faults.
const CASES: u64 = 8_000;

fn wait<T>(future: impl Future<Output = T>) -> T {
    run_alone(0, future).expect("nobody holds it up")
}

fn id(text: &str) -> RecordId {
    RecordId::new(text).unwrap()
}

fn record(place: &str) -> Record {
    Record::json(id(place), Payload::json(&b"1"[..]).unwrap(), Instant::UNIX_EPOCH)
}

/// A collection on which this fails, and the sound one below it.
fn with(fault: Fault) -> (Scheduled, Arc<dyn Collection>, Sim) {
    let backend = MemoryBackend::new(Arc::new(SystemClock));
    let below = wait(backend.open(CollectionSpec::new("c"))).unwrap();
    let sim = Sim::with_faults(&FaultPlan::Listed(vec![fault]));
    sim.begin_setup(0);
    (Scheduled::new(Arc::clone(&below), sim.clone()), below, sim)
}

fn is_there(below: &dyn Collection, place: &str) -> bool {
    wait(below.get(&id(place))).is_ok()
}

/// How a put under this fault ended, and whether it was done.
fn put_under(kind: FaultKind) -> (Error, bool) {
    let (collection, below, _) = with(fault(None, "commit", 0, kind));
    let error = wait(collection.put(record("a"))).expect_err("it fails");
    let is_done = is_there(&*below, "a");
    wait(collection.put(record("b"))).expect("the handle goes on");
    (error, is_done)
}

#[test]
fn where_a_connection_was_lost_does_not_show() {
    let (before, was_done) = put_under(FaultKind::ConnectionLostBefore);
    assert!(!was_done, "the call never reached the database");
    let (after, was_done) = put_under(FaultKind::ConnectionLostAfter);
    assert!(was_done, "its answer was lost");
    assert_eq!(before.to_string(), after.to_string());
    for error in [before, after] {
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Backend, Outcome::Unknown));
    }
}

#[test]
fn a_full_database_and_one_that_cannot_serialize_surely_did_nothing() {
    for kind in [FaultKind::DatabaseFull, FaultKind::SerializationFailure] {
        let (error, was_done) = put_under(kind);
        assert!(!was_done, "{kind:?}");
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Backend, Outcome::NotDone),
            "{kind:?}: {error}"
        );
    }
}

#[test]
fn a_read_whose_connection_is_lost_was_surely_not_done() {
    let (collection, ..) = with(fault(None, "count", 0, FaultKind::ConnectionLostBefore));
    let error = wait(collection.count(&Selection::all())).expect_err("it fails");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Backend, Outcome::NotDone));
    assert_eq!(wait(collection.count(&Selection::all())).unwrap(), 0, "once only");
}

#[test]
fn a_claim_whose_answer_is_lost_has_claimed() {
    let (collection, below, _) = with(fault(None, "claim", 0, FaultKind::ConnectionLostAfter));
    wait(below.put(record("a"))).unwrap();
    let error = wait(collection.claim(&Selection::all())).expect_err("its answer is lost");
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert!(!is_there(&*below, "a"), "nobody has it, and it is gone");
}

#[test]
fn a_write_that_timed_out_happens_later_and_not_after_it_is_settled() {
    let (collection, below, sim) = with(fault(Some(0), "commit", 0, FaultKind::TimedOut));
    let (own, under) = (&sim, Arc::clone(&below));
    let client: Client<'_> = Box::pin(async move {
        own.begin(0, 0);
        let error = collection.put(record("a")).await.expect_err("no answer comes");
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Backend, Outcome::Unknown));
        under.get(&id("a")).await.expect_err("it has not happened yet");
        collection.settle().await.unwrap();
        under.get(&id("a")).await.expect("it has happened by now");
    });
    let end = run(&sim, vec![client], &mut Decider::new(&Schedule::default()));
    assert_eq!(end, End::Finished);
    assert_eq!(sim.take_detached(0).len(), 1, "the client left it alone");
    assert_eq!(sim.take_ended().len(), 1, "and it came to its end");
}

#[test]
fn every_call_of_a_store_may_meet_every_failure_of_its_database() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let (sqlite, hybrid) = (Sqlite::new(scratch.path()), Hybrid::over_sqlite(scratch.path()));
    for backend in [&Memory as &dyn BackendUnderTest, &sqlite, &hybrid] {
        for kind in FaultKind::OF_DATABASE {
            let mut met = 0;
            for step in COLLECTION_STEPS.iter().filter(|step| kind.fits(step)) {
                for (operation, occurrence) in (0..4).flat_map(|op| (0..3).map(move |n| (op, n))) {
                    let planned = Fault { operation, ..fault(Some(0), step, occurrence, *kind) };
                    let verified = verified(backend, vec![planned.clone()]);
                    assert_eq!(verified.violation, None, "{planned:?} on {}", backend.name());
                    met += verified.faults.len();
                }
            }
            assert!(met >= 2, "{kind:?} was met {met} times on {}", backend.name());
        }
    }
}

/// The flaw is found, and by nothing but what the faults do to it.
fn is_found<S: Subject, F: Flaw>(what: &str, flaw: fn() -> F) {
    let open = flawed::<S, F>(flaw);
    let counterexample = found_among::<S>(CASES, what, &Memory, &*open);
    assert!(!counterexample.scenario.faults.is_none(), "{what}: found without a fault");
    assert_sound_code_passes::<S>(&Memory, &counterexample);
}

#[test]
fn what_does_a_thing_twice_when_its_answer_is_lost_is_found() {
    is_found::<CollectionSubject, _>("a second try", || TriesAgain);
    is_found::<UsersSubject, _>("a second try", || TriesAgain);
}

#[test]
fn what_takes_a_lost_answer_for_done_is_found() {
    is_found::<UsersSubject, _>("silence taken for consent", || TakesSilenceForConsent);
}

#[test]
fn what_takes_a_lost_answer_for_surely_not_done_is_found() {
    is_found::<UsersSubject, _>("a false not-done", || IsAlwaysSure);
}

#[test]
fn what_says_unknown_of_what_was_surely_not_done_is_found() {
    is_found::<UsersSubject, _>("a needless doubt", || IsNeverSure);
}

#[test]
fn what_takes_no_writes_once_a_connection_was_lost_is_found() {
    is_found::<UsersSubject, _>("a handle that stays away", StaysAway::default);
}

#[test]
fn a_hybrid_that_waits_and_reads_back_holds() {
    let divergences = Divergences::default();
    let open = sound::<CollectionSubject>();
    let target = Target::<CollectionSubject> {
        backend: &flawed_hybrid(Mistake::None),
        open: &*open,
        divergences: &divergences,
        crashes: CrashCheck::default(),
    };
    let effort = Effort { seed: 1, first: 0, cases: CASES, jobs: 2 };
    let findings = campaign::run(&target, &effort, &Progress::default());
    let violations: Vec<_> = findings.counterexamples.iter().map(|(_, c)| &c.violation).collect();
    assert!(violations.is_empty(), "{violations:#?}");
}

/// A hybrid that makes the mistake is found, and one that does not passes the same.
fn is_found_of_a_hybrid(mistake: Mistake) {
    let open = sound::<CollectionSubject>();
    let what = format!("{mistake:?}");
    let broken = flawed_hybrid(mistake);
    let counterexample = found_among::<CollectionSubject>(CASES, &what, &broken, &*open);
    assert!(!counterexample.scenario.faults.is_none(), "{what}: found without a fault");
    let right = flawed_hybrid(Mistake::None);
    assert_sound_code_passes::<CollectionSubject>(&right, &counterexample);
}

#[test]
fn a_hybrid_that_takes_a_lost_answer_for_done_is_found() {
    is_found_of_a_hybrid(Mistake::TakesForDone);
}

#[test]
fn a_hybrid_that_takes_a_lost_answer_for_not_done_is_found() {
    is_found_of_a_hybrid(Mistake::TakesForNotDone);
}

#[test]
fn a_hybrid_that_reads_back_what_may_still_happen_is_found() {
    is_found_of_a_hybrid(Mistake::DoesNotWait);
}
