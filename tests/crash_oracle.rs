//! What is asked of a recovered storage can fail: whoever asks for more than a
//! storage can give is refuted by the same campaign that finds nothing wrong
//! otherwise, and every way of recovering badly is found.

use storeproof::{
    check::{
        backends::{BackendUnderTest, Simulated},
        campaign::{self, Effort, Findings, Numbered, Progress},
        crash::{CrashCheck, Recovery},
        scenario::Scenario,
        statistics::Reached,
        verify::{Target, verify},
        violation::Kind,
    },
    model::{
        collection::{CollectionOp, CollectionSubject},
        divergence::Divergences,
        sessions::SessionsSubject,
        subject::Subject,
        users::UsersSubject,
        watermark::WatermarkSubject,
    },
    sim::disk::{ImageKind, SimFs},
};

use crate::crash_sites::site_fs::{Flaw, SiteFs};

const CASES: u64 = 600;

fn campaign<S: Subject>(
    backend: &dyn BackendUnderTest,
    recovery: Recovery,
    cases: u64,
) -> Findings<Numbered<S::Op>> {
    let divergences = Divergences::default();
    let target = Target::<S> {
        backend,
        open: &|collection, surroundings| S::open(collection, surroundings),
        divergences: &divergences,
        crashes: CrashCheck { recovery, ..CrashCheck::default() },
    };
    let effort = Effort { seed: 1, first: 0, cases, jobs: 2 };
    campaign::run(&target, &effort, &Progress::default())
}

fn stronger_rules_are_refuted<S: Subject>() {
    let file = Simulated::file();
    assert_eq!(
        campaign::<S>(&file, Recovery::Admissible, CASES).totals.violations,
        0,
        "{}",
        S::NAME
    );
    for stronger in [Recovery::ExactlyLatest, Recovery::ExactlyAcknowledged] {
        let findings = campaign::<S>(&file, stronger, CASES);
        let refuted = findings.counterexamples.iter().map(|(_, found)| found);
        let refuted = refuted.filter(|found| found.violation.signature.kind == Kind::Crash);
        let smallest = refuted.min_by_key(|found| found.scenario.length());
        let Some(smallest) = smallest else {
            panic!("{stronger:?}: {CASES} cases of {} do not refute it", S::NAME);
        };
        let steps = smallest.scenario.length();
        assert!(steps <= 4, "{stronger:?}: {steps} steps, {:#?}", smallest.violation);
    }
}

#[test]
fn stronger_rules_are_refuted_by_the_campaign_that_finds_nothing_wrong() {
    stronger_rules_are_refuted::<CollectionSubject>();
    stronger_rules_are_refuted::<UsersSubject>();
    stronger_rules_are_refuted::<SessionsSubject>();
    stronger_rules_are_refuted::<WatermarkSubject>();
}

/// What the campaign makes of a bad recovery, as small as it can be made.
fn found(wrap: fn(SimFs) -> SiteFs, kind: Kind) -> Scenario<CollectionOp> {
    let bad = Simulated::wrapped("file", wrap);
    let findings = campaign::<CollectionSubject>(&bad, Recovery::Admissible, 4_000);
    let of_kind = findings
        .counterexamples
        .into_iter()
        .map(|(_, found)| found)
        .filter(|found| found.violation.signature.kind == kind);
    let smallest = of_kind.min_by_key(|found| found.scenario.length());
    let smallest = smallest.unwrap_or_else(|| panic!("nothing of the kind {kind:?} was found"));
    assert!(smallest.scenario.crash.is_some(), "only a crash shows it");
    assert!(smallest.violation.crash.is_some(), "the crash is told in words");
    assert!(smallest.scenario.length() <= 4, "{:#?}", smallest.violation);
    let divergences = Divergences::default();
    let target = |backend| Target::<CollectionSubject> {
        backend,
        open: &|collection, surroundings| CollectionSubject::open(collection, surroundings),
        divergences: &divergences,
        crashes: CrashCheck::default(),
    };
    let again = |backend| {
        verify(&target(backend), &smallest.scenario, &mut Reached::new::<CollectionSubject>())
    };
    assert_eq!(
        again(&bad).violation.map(|violation| violation.signature),
        Some(smallest.violation.signature.clone()),
        "the pinned crash shows it again"
    );
    assert_eq!(again(&Simulated::file()).violation, None, "a sound recovery does not show it");
    smallest.scenario
}

#[test]
fn a_recovery_that_sweeps_nothing_is_found() {
    found(|fs| SiteFs::flawed(fs, Flaw::SweepsNothing), Kind::Leftover);
}

#[test]
fn a_recovery_that_completes_nothing_is_found() {
    found(|fs| SiteFs::flawed(fs, Flaw::OverlooksIntents), Kind::Leftover);
}

/// After the crash everything looks right, until somebody writes.
#[test]
fn a_store_that_can_only_be_read_after_a_crash_is_found() {
    found(|fs| SiteFs::flawed(fs, Flaw::CannotWrite), Kind::Crash);
}

/// It takes two crashes: what recovery did is lost with the second one.
#[test]
fn a_recovery_that_does_not_make_durable_what_it_does_is_found() {
    let scenario = found(|fs| SiteFs::flawed(fs, Flaw::SyncsNothing), Kind::Crash);
    let crashes: Vec<_> = scenario.crashes().collect();
    assert_eq!(crashes.len(), 2, "{crashes:#?}");
    assert!(crashes[1].image.as_ref().is_some_and(ImageKind::is_power_loss), "{crashes:#?}");
}
