//! Storage that fails and clients that give up: what the simulation does, what is
//! judged of it, and that what is wrong then is found.

use std::{
    future::{Future, poll_fn},
    io::ErrorKind,
    pin::pin,
    sync::Arc,
    task::Poll,
};

use storeproof::{
    bugs::flaws::Flaw,
    check::{
        backends::{BackendUnderTest, Memory, Simulated},
        crash::CrashCheck,
        scenario::{Action, Mode, Scenario},
        shrink::Counterexample,
        statistics::Reached,
        verify::{Target, Verified, verify},
    },
    fs::Fs,
    model::{
        collection::CollectionSubject,
        divergence::Divergences,
        source::RawId,
        subject::Subject,
        users::{UserData, UsersOp, UsersSubject},
    },
    seam::{CollectionExt, Instant},
    sim::{
        disk::{ImageKind, SimDisk, SimFs},
        executor::{Client, End, Sim, run},
        faults::{Fault, FaultKind, FaultPlan},
        schedule::{Decider, Schedule},
        single::run_alone,
    },
};

use super::{
    file_backend::{id, open, record, things},
    mutants::{
        assert_sound_code_passes, flawed,
        flawed_collection::{FailsAsAbsent, FailsForNothing, SaysNotDone, SwallowsFailures},
        flawed_fs::{FlawedFs, FsFlaw},
        found_among, sound,
    },
};

/// How many cases may be needed; only one in eight is about faults.
const CASES: u64 = 8_000;

pub(crate) fn fault(
    client: Option<usize>,
    step: &'static str,
    occurrence: u32,
    kind: FaultKind,
) -> Fault {
    Fault { client, operation: 0, step: step.into(), occurrence, kind, written: 0, lasting: 0 }
}

/// A disk on which this fails in the setup.
fn disk_with(fault: Fault) -> SimFs {
    let sim = Sim::with_faults(&FaultPlan::Listed(vec![fault]));
    sim.begin_setup(0);
    SimFs::new(SimDisk::new(), sim)
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    run_alone(0, future).expect("nobody holds it up")
}

#[test]
fn a_later_fsync_does_not_make_good_a_failed_one() {
    let fs = disk_with(fault(None, "sync_file", 0, FaultKind::Io));
    wait(async {
        let root = fs.root();
        let file = fs.create_file(&root, "a").await.unwrap();
        fs.write(&file, b"1").await.unwrap();
        fs.sync_file(&file).await.expect_err("the first one fails");
        fs.sync_file(&file).await.expect("the next one says that all is well");
        fs.sync_dir(&root).await.unwrap();
        let (bytes, _) = fs.read(&root, "a").await.unwrap();
        assert_eq!(bytes, b"1", "it is read from the cache");
    });
    let lost = fs.disk().image(usize::MAX, ImageKind::NothingUnsynced);
    assert_eq!(lost.read_raw("a").as_deref(), Some(&b""[..]), "and was never written");
    let killed = fs.disk().image(usize::MAX, ImageKind::Everything);
    assert_eq!(killed.read_raw("a").as_deref(), Some(&b"1"[..]), "the cache outlives a kill");
}

#[test]
fn the_names_of_a_failed_fsync_become_durable_with_the_next_one() {
    let fs = disk_with(fault(None, "sync_dir", 0, FaultKind::Io));
    wait(async {
        let root = fs.root();
        fs.create_dir(&root, "a").await.unwrap();
        fs.sync_dir(&root).await.expect_err("the first one fails");
    });
    let lost = |fs: &SimFs| fs.disk().image(usize::MAX, ImageKind::NothingUnsynced).entries();
    assert_eq!(lost(&fs), []);
    wait(async { fs.sync_dir(&fs.root()).await }).unwrap();
    assert_eq!(lost(&fs).len(), 1);
}

#[test]
fn a_write_to_a_full_disk_may_write_a_part() {
    let full = Fault { written: 2, ..fault(None, "write", 0, FaultKind::NoSpace) };
    let fs = disk_with(full);
    wait(async {
        let root = fs.root();
        let file = fs.create_file(&root, "a").await.unwrap();
        let error = fs.write(&file, b"1234").await.expect_err("the disk is full");
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert_eq!(fs.read(&root, "a").await.unwrap().0, b"12");
        fs.write(&file, b"5").await.expect("once only");
    });
}

#[test]
fn a_rename_that_fails_has_not_happened() {
    let fs = disk_with(fault(None, "rename", 0, FaultKind::Io));
    wait(async {
        let root = fs.root();
        drop(fs.create_file(&root, "a").await.unwrap());
        fs.rename(&root, "a", &root, "b").await.expect_err("it fails");
    });
    assert!(fs.disk().read_raw("a").is_some() && fs.disk().read_raw("b").is_none());
}

#[test]
fn a_fault_may_last_for_a_while() {
    let lasting = Fault { lasting: 2, ..fault(None, "open_dir", 0, FaultKind::TooManyFiles) };
    let fs = disk_with(lasting);
    let outcomes = wait(async {
        let root = fs.root();
        let mut outcomes = Vec::new();
        for _ in 0..4 {
            outcomes.push(fs.open_dir(&root, "a").await.map(drop).map_err(|e| e.raw_os_error()));
        }
        outcomes
    });
    let (many, missing) = (Err(Some(24)), Err(Some(2)));
    assert_eq!(outcomes, [many, many, many, missing], "EMFILE thrice, then ENOENT");
}

#[test]
fn a_call_that_is_given_up_goes_on_without_its_client() {
    let cancel = fault(Some(0), "rename", 0, FaultKind::Cancel);
    let sim = Sim::with_faults(&FaultPlan::Listed(vec![cancel]));
    let fs = SimFs::new(SimDisk::new(), sim.clone());
    let collection = open(&fs, things());
    let (given_up, left_alone) = (&sim, Arc::clone(&collection));
    let client: Client<'_> = Box::pin(async move {
        given_up.begin(0, 0);
        let mut put = pin!(Some(left_alone.put(record("a", "1"))));
        let done = poll_fn(|context| {
            let running = put.as_mut().as_pin_mut().expect("it was not dropped yet");
            let polled = running.poll(context).map(Some);
            if polled.is_pending() && given_up.gives_up() {
                put.set(None);
                return Poll::Ready(None);
            }
            polled
        });
        assert!(done.await.is_none(), "the client gives up");
        let found = left_alone.get(&id("a")).await;
        found.expect_err("the rename has not happened when it gives up");
    });
    let end = run(&sim, vec![client], &mut Decider::new(&Schedule::default()));
    assert_eq!(end, End::Finished);
    assert_eq!(sim.take_ended().len(), 1, "what was left alone came to its end");
    wait(collection.get(&id("a"))).expect("and did what it was to do");
}

/// What comes of the life of a user on a storage that fails so: created, looked up,
/// deleted.
pub(crate) fn verified(backend: &dyn BackendUnderTest, faults: Vec<Fault>) -> Verified {
    let name = RawId(Arc::from("a"));
    let create = UsersOp::Create(UserData::new(name.clone(), Arc::from("ann")));
    let (get, delete) = (UsersOp::Get { id: name.clone() }, UsersOp::Delete { id: name });
    let calls = [create, get, UsersOp::List, delete];
    let scenario = Scenario {
        legacy: Vec::new(),
        foreign: Vec::new(),
        start: Instant::new(1_767_225_600, 0).unwrap(),
        seed: 1,
        page_size: None,
        handles: 1,
        setup: Vec::new(),
        clients: vec![calls.map(Action::Call).into()],
        mode: Mode::default(),
        faults: FaultPlan::Listed(faults),
        skews: Vec::new(),
        crash: None,
    };
    let divergences = Divergences::default();
    let open = sound::<UsersSubject>();
    let target = Target::<UsersSubject> {
        backend,
        open: &*open,
        divergences: &divergences,
        crashes: CrashCheck::default(),
    };
    verify(&target, &scenario, &mut Reached::new::<UsersSubject>())
}

#[test]
fn every_step_of_a_call_may_fail_or_be_where_its_client_gives_up() {
    let kinds = [FaultKind::Io, FaultKind::NoSpace, FaultKind::NoLocks, FaultKind::Cancel];
    let mut met = 0;
    for step in storeproof::sim::faults::FS_STEPS {
        for occurrence in 0..20 {
            for kind in kinds.into_iter().filter(|kind| kind.fits(step)) {
                let planned = fault(Some(0), step, occurrence, kind);
                let verified = verified(&Simulated::file(), vec![planned.clone()]);
                assert_eq!(verified.violation, None, "{planned:?}");
                met += verified.faults.len();
                assert_eq!(verified.stale, 1 - verified.faults.len(), "{planned:?}");
            }
        }
    }
    assert!(met > 30, "only {met} of them were reached");
}

#[test]
fn a_client_of_a_backend_without_points_gives_up_before_or_after_a_call() {
    for kind in [FaultKind::Cancel, FaultKind::CancelAfter] {
        let verified = verified(&Memory, vec![fault(Some(0), "commit", 0, kind)]);
        assert_eq!(verified.violation, None, "{kind:?}");
        assert_eq!((verified.faults.len(), verified.stale), (1, 0), "{kind:?}");
    }
}

#[test]
fn a_fault_that_is_not_reached_any_more_is_stale() {
    let gone = fault(Some(0), "rename", 99, FaultKind::Io);
    let verified = verified(&Simulated::file(), vec![gone]);
    assert_eq!((verified.violation, verified.stale), (None, 1));
}

/// The flaw is found, and by nothing but what the faults do to it.
fn is_found<S: Subject, F: Flaw>(what: &str, flaw: fn() -> F) -> Counterexample<S::Op> {
    let open = flawed::<S, F>(flaw);
    let counterexample = found_among::<S>(CASES, what, &Simulated::file(), &*open);
    assert!(!counterexample.scenario.faults.is_none(), "{what}: found without a fault");
    assert_sound_code_passes::<S>(&Simulated::file(), &counterexample);
    counterexample
}

#[test]
fn a_swallowed_failure_is_found() {
    is_found::<UsersSubject, _>("a swallowed failure", || SwallowsFailures);
}

#[test]
fn a_failure_that_is_passed_off_as_absence_is_found() {
    is_found::<CollectionSubject, _>("an empty queue", || FailsAsAbsent);
}

#[test]
fn a_failure_that_is_passed_off_as_surely_not_done_is_found() {
    is_found::<CollectionSubject, _>("a false not-done", || SaysNotDone);
}

#[test]
fn a_failure_for_nothing_is_found() {
    let open = flawed::<UsersSubject, _>(|| FailsForNothing);
    let counterexample =
        found_among::<UsersSubject>(CASES, "a failure for nothing", &Memory, &*open);
    assert_sound_code_passes::<UsersSubject>(&Memory, &counterexample);
}

#[test]
fn an_acknowledgement_after_a_failed_fsync_is_found() {
    let broken = Simulated::wrapped("file", |fs| FlawedFs::new(fs, FsFlaw::SyncsAgain));
    let open = sound::<CollectionSubject>();
    let counterexample = found_among::<CollectionSubject>(
        4 * CASES,
        "a second fsync that is believed",
        &broken,
        &*open,
    );
    assert!(counterexample.scenario.crash.is_some(), "only a loss of power can show it");
    assert_sound_code_passes::<CollectionSubject>(&Simulated::file(), &counterexample);
}
