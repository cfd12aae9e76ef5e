//! Small scenarios in every interleaving.

use storeproof::{
    check::{
        backends::{BackendUnderTest, Memory, Simulated},
        generate::Purpose,
        registry::STORES,
        scenario::{Mode, Scenario},
        shrink::shrink,
        statistics::Reached,
        verify::{Verified, verify},
    },
    model::{
        api_keys::ApiKeysSubject, collection::CollectionSubject, secrets::SecretsSubject,
        sessions::SessionsSubject, subject::Subject, users::UsersSubject,
        watermark::WatermarkSubject, webhooks::WebhooksSubject,
        worker_heartbeats::WorkerHeartbeatsSubject, workspace::WorkspaceSubject,
    },
    sim::schedule::{Bounds, Schedule},
};

use crate::{
    mutants::flawed_fs::{FlawedFs, FsFlaw},
    targets::{numbered, with_target},
};

fn verified<S: Subject>(backend: &dyn BackendUnderTest, scenario: &Scenario<S::Op>) -> Verified {
    with_target::<S, _>(backend, |target| verify(target, scenario, &mut Reached::new::<S>()))
}

/// Proves some scopes on memory wholly, and says in how many interleavings.
fn prove<S: Subject>() -> u64 {
    let bounds = Bounds { preemptions: None, runs: 2_000 };
    let (mut interleavings, mut whole) = (0, 0);
    for seed in 0..20 {
        let scenario = numbered::<S>(seed, Purpose::Exhaustive(bounds));
        assert_eq!(scenario.clients.len(), 2);
        let verified = verified::<S>(&Memory, &scenario);
        assert_eq!(verified.violation, None, "{} number {seed}", S::NAME);
        assert_eq!(verified.scopes.whole + verified.scopes.cut, 1, "{} number {seed}", S::NAME);
        whole += verified.scopes.whole;
        assert_eq!(verified.scopes.interleavings, verified.schedules);
        // Two clients with two calls, each with a point before it at least.
        assert!(verified.schedules >= 6, "{} number {seed}: {}", S::NAME, verified.schedules);
        interleavings += verified.schedules;
    }
    assert!(whole >= 5, "{}: only {whole} of 20 scopes are proven", S::NAME);
    interleavings
}

#[test]
fn every_store_holds_in_all_interleavings_of_small_scopes() {
    let proven = [
        prove::<CollectionSubject>(),
        prove::<UsersSubject>(),
        prove::<ApiKeysSubject>(),
        prove::<WebhooksSubject>(),
        prove::<SecretsSubject>(),
        prove::<SessionsSubject>(),
        prove::<WatermarkSubject>(),
        prove::<WorkerHeartbeatsSubject>(),
        prove::<WorkspaceSubject>(),
    ];
    // Working sets are stale on purpose, which has to be permitted.
    assert_eq!(proven.len(), STORES.len() - 1, "a store is missing");
    assert!(proven.iter().sum::<u64>() > 2_000, "{proven:?}");
}

#[test]
fn on_files_those_with_few_preemptions_are_covered() {
    let bounds = Bounds { preemptions: Some(1), runs: 10_000 };
    for seed in 0..5 {
        let scenario = numbered::<UsersSubject>(seed, Purpose::Exhaustive(bounds));
        let verified = verified::<UsersSubject>(&Simulated::file(), &scenario);
        assert_eq!(verified.violation, None, "number {seed}");
        let scopes = verified.scopes;
        assert_eq!((scopes.whole, scopes.bounded, scopes.cut), (0, 1, 0), "number {seed}");
        let cut = Bounds { preemptions: Some(1), runs: 2 };
        let scenario = Scenario { mode: Mode::Exhaustive(cut), ..scenario };
        let scopes = self::verified::<UsersSubject>(&Simulated::file(), &scenario).scopes;
        assert_eq!((scopes.whole, scopes.bounded, scopes.cut), (0, 0, 1), "number {seed}");
        assert_eq!(scopes.interleavings, 2);
    }
}

#[test]
fn a_race_is_found_and_saved_with_its_preemptions() {
    let broken = Simulated::wrapped("file", |fs| FlawedFs::new(fs, FsFlaw::NoLock));
    let bounds = Bounds { preemptions: Some(2), runs: 1_000 };
    let failing = (0..100)
        .map(|seed| numbered::<CollectionSubject>(seed, Purpose::Exhaustive(bounds)))
        .find(|scenario| verified::<CollectionSubject>(&broken, scenario).violation.is_some());
    let failing = failing.expect("a race without any lock");
    let small = with_target::<CollectionSubject, _>(&broken, |target| shrink(target, &failing));
    let small = small.expect("it fails when it is run again");
    let Mode::Simulated(Schedule::Preemptions(preemptions)) = &small.scenario.mode else {
        panic!("it is saved with another schedule: {:#?}", small.scenario.mode);
    };
    assert!((1..=4).contains(&preemptions.len()), "{preemptions:#?}");
    let again = verified::<CollectionSubject>(&broken, &small.scenario);
    assert_eq!(again.violation, Some(small.violation));
}
