//! The harness finds what is broken on purpose: a dropped lock, a forgotten
//! index update, a reordered write, a mis-sorted list, a forgotten page.
//!
//! A check that cannot fail is a defect of the check.

pub(crate) mod flawed_client;
pub(crate) mod flawed_collection;
pub(crate) mod flawed_fs;
pub(crate) mod flawed_hybrid;

use flawed_collection::{GivesWay, RetriesForEver, SortedById, StaleIndex};
use flawed_fs::{FlawedFs, FsFlaw};
use storeproof::{
    bugs::flaws::{FirstPage, Flaw, Flawed},
    check::{
        backends::{BackendUnderTest, Memory, Simulated},
        campaign::{self, Effort, Progress},
        crash::CrashCheck,
        generate::case,
        scenario::Mode,
        shrink::Counterexample,
        statistics::Reached,
        verify::{Opener, Target, Verified, verify},
        violation::Kind,
    },
    model::{
        collection::CollectionSubject,
        divergence::Divergences,
        subject::{Operation, Subject},
        users::UsersSubject,
    },
    sim::{disk::SimFs, schedule::Schedule},
};

/// How many cases may be needed. The default profile runs many more.
const CASES: u64 = 4_000;
/// How long a counterexample may be.
const MOST_STEPS: usize = 8;

pub(crate) fn sound<S: Subject>() -> Box<Opener<S>> {
    Box::new(|collection, surroundings| S::open(collection, surroundings))
}

pub(crate) fn flawed<S: Subject, F: Flaw>(flaw: fn() -> F) -> Box<Opener<S>> {
    Box::new(move |collection, surroundings| {
        S::open(Flawed::over(collection, flaw()), surroundings)
    })
}

/// The smallest counterexample that a campaign with nothing to go on finds.
fn found<S: Subject>(
    what: &str,
    backend: &dyn BackendUnderTest,
    open: &Opener<S>,
) -> Counterexample<S::Op> {
    found_among::<S>(CASES, what, backend, open)
}

/// The same with so many cases.
pub(crate) fn found_among<S: Subject>(
    cases: u64,
    what: &str,
    backend: &dyn BackendUnderTest,
    open: &Opener<S>,
) -> Counterexample<S::Op> {
    let divergences = Divergences::default();
    let target =
        Target::<S> { backend, open, divergences: &divergences, crashes: CrashCheck::default() };
    let effort = Effort { seed: 1, first: 0, cases, jobs: 2 };
    let findings = campaign::run(&target, &effort, &Progress::default());
    let smallest = findings
        .counterexamples
        .into_iter()
        .map(|(_, counterexample)| counterexample)
        .min_by_key(|counterexample| counterexample.scenario.length());
    let Some(smallest) = smallest else {
        panic!("{what}: {cases} cases of {} on {} found nothing", S::NAME, backend.name());
    };
    assert!(
        smallest.scenario.length() <= MOST_STEPS,
        "{what}: the counterexample has {} steps: {:#?}",
        smallest.scenario.length(),
        smallest.violation
    );
    let again = verify(&target, &smallest.scenario, &mut Reached::new::<S>());
    assert_eq!(
        again.violation.as_ref().map(|violation| &violation.signature),
        Some(&smallest.violation.signature),
        "{what}: the counterexample does not fail when it is run again"
    );
    smallest
}

/// The counterexample says something about the flaw only if sound code passes.
pub(crate) fn assert_sound_code_passes<S: Subject>(
    backend: &dyn BackendUnderTest,
    counterexample: &Counterexample<S::Op>,
) {
    let divergences = Divergences::default();
    let open = sound::<S>();
    let target = Target::<S> {
        backend,
        open: &*open,
        divergences: &divergences,
        crashes: CrashCheck::default(),
    };
    let verified = verify(&target, &counterexample.scenario, &mut Reached::new::<S>());
    assert_eq!(verified.violation, None, "the sound {} fails as well", S::NAME);
}

#[test]
fn a_dropped_lock_is_found() {
    let broken = Simulated::wrapped("file", |fs| FlawedFs::new(fs, FsFlaw::NoLock));
    let counterexample =
        found::<CollectionSubject>("a dropped lock", &broken, &*sound::<CollectionSubject>());
    assert_sound_code_passes::<CollectionSubject>(&Simulated::file(), &counterexample);
}

#[test]
fn a_write_that_is_synced_after_its_name_is_found() {
    let broken = Simulated::wrapped("file", |fs| FlawedFs::new(fs, FsFlaw::NameBeforeContent));
    let counterexample =
        found::<CollectionSubject>("a reordered write", &broken, &*sound::<CollectionSubject>());
    assert!(counterexample.scenario.crash.is_some(), "only a crash can show it");
    assert_sound_code_passes::<CollectionSubject>(&Simulated::file(), &counterexample);
}

/// The flaw shows only where older software was at work, and is found there.
fn is_found_beside_older_software(what: &str, wrap: fn(SimFs) -> FlawedFs) {
    let broken = Simulated::wrapped("legacy", wrap).with_older_software();
    let counterexample = found::<UsersSubject>(what, &broken, &*sound::<UsersSubject>());
    assert_sound_code_passes::<UsersSubject>(&Simulated::legacy(), &counterexample);
}

#[test]
fn a_backend_that_does_not_notice_other_writers_is_found() {
    is_found_beside_older_software("an unnoticed writer", |fs| {
        FlawedFs::new(fs, FsFlaw::TimeStandsStill)
    });
}

#[test]
fn a_backend_that_sweeps_the_files_of_others_is_found() {
    is_found_beside_older_software("a sweep of everything", |fs| {
        FlawedFs::new(fs, FsFlaw::SweepsEverything)
    });
}

#[test]
fn a_backend_that_rewrites_what_it_only_reads_is_found() {
    is_found_beside_older_software("a rewritten file", |fs| {
        FlawedFs::new(fs, FsFlaw::RewritesWhatItReads)
    });
}

#[test]
fn a_forgotten_index_update_is_found() {
    let open = flawed::<CollectionSubject, _>(StaleIndex::default);
    let counterexample = found::<CollectionSubject>("a stale index", &Memory, &*open);
    assert_sound_code_passes::<CollectionSubject>(&Memory, &counterexample);
}

#[test]
fn a_mis_sorted_list_is_found() {
    let open = flawed::<CollectionSubject, _>(|| SortedById);
    let counterexample = found::<CollectionSubject>("a mis-sorted list", &Memory, &*open);
    assert_sound_code_passes::<CollectionSubject>(&Memory, &counterexample);
}

#[test]
fn a_forgotten_page_is_found() {
    let open = flawed::<UsersSubject, _>(|| FirstPage);
    let counterexample = found::<UsersSubject>("a forgotten page", &Memory, &*open);
    assert_sound_code_passes::<UsersSubject>(&Memory, &counterexample);
}

/// A call that goes on for ever ends the run, is found, and replays.
fn is_found_to_be_endless<F: Flaw>(what: &str, flaw: fn() -> F, clients: usize) {
    let divergences = Divergences::default();
    let open = flawed::<CollectionSubject, F>(flaw);
    for backend in [&Memory as &dyn BackendUnderTest, &Simulated::file()] {
        let target = Target::<CollectionSubject> {
            backend,
            open: &*open,
            divergences: &divergences,
            crashes: CrashCheck::default(),
        };
        let run =
            |scenario: &_| verify(&target, scenario, &mut Reached::new::<CollectionSubject>());
        let is_endless = |verified: &Verified| {
            let violation = verified.violation.as_ref();
            violation.is_some_and(|violation| violation.signature.kind == Kind::NoEnd)
        };
        let found = (0..64).find_map(|number| {
            let scenario = case::<CollectionSubject>(1, number, &backend.capabilities());
            let verified = run(&scenario);
            (scenario.clients.len() >= clients && is_endless(&verified))
                .then_some((scenario, verified))
        });
        let (mut scenario, verified) =
            found.unwrap_or_else(|| panic!("{what}: nothing goes on for ever"));
        if scenario.clients.len() > 1 && scenario.faults.is_none() {
            let taken = verified.preemptions.expect("a simulated run");
            scenario.mode = Mode::Simulated(Schedule::Preemptions(taken));
        }
        assert!(is_endless(&run(&scenario)), "{what} on {} does not replay", backend.name());
    }
}

#[test]
fn a_call_that_tries_again_for_ever_is_found() {
    is_found_to_be_endless("trying again", || RetriesForEver, 1);
}

#[test]
fn two_calls_that_give_way_to_each_other_for_ever_are_found() {
    is_found_to_be_endless("giving way", GivesWay::new, 2);
}

#[test]
fn sound_code_passes_the_same_campaigns() {
    let divergences = Divergences::default();
    let effort = Effort { seed: 1, first: 0, cases: CASES, jobs: 2 };
    for backend in [&Memory as &dyn BackendUnderTest, &Simulated::file()] {
        let open = sound::<CollectionSubject>();
        let target = Target::<CollectionSubject> {
            backend,
            open: &*open,
            divergences: &divergences,
            crashes: CrashCheck::default(),
        };
        let findings = campaign::run(&target, &effort, &Progress::default());
        let violations: Vec<_> = findings
            .counterexamples
            .iter()
            .map(|(case, found)| (case, found.violation.clone(), found.scenario.length()))
            .collect();
        assert!(violations.is_empty(), "on {}: {violations:#?}", backend.name());
    }
}

#[test]
fn operations_describe_themselves_without_line_breaks() {
    let divergences = Divergences::default();
    let open = flawed::<CollectionSubject, _>(|| SortedById);
    let target = Target::<CollectionSubject> {
        backend: &Memory,
        open: &*open,
        divergences: &divergences,
        crashes: CrashCheck::default(),
    };
    let effort = Effort { seed: 2, first: 0, cases: 400, jobs: 1 };
    let findings = campaign::run(&target, &effort, &Progress::default());
    assert!(!findings.counterexamples.is_empty(), "there is nothing to describe");
    for (_, counterexample) in &findings.counterexamples {
        for op in counterexample.scenario.operations() {
            let text = op.describe();
            assert!(!text.is_empty() && !text.contains('\n'), "{op:?} is described as {text:?}");
        }
    }
}
