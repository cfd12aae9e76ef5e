//! The same seed gives the same run, whatever the number of jobs.

use storeproof::{
    check::{
        backends::{BackendUnderTest, Memory, Simulated},
        campaign::{Effort, Progress},
        findings::CellFindings,
        generate::{Purpose, case},
        registry::{Request, STORES, StoreUnderTest},
    },
    model::{collection::CollectionSubject, divergence::Divergences, workspace::WorkspaceSubject},
};

fn run(
    store: &dyn StoreUnderTest,
    backend: &dyn BackendUnderTest,
    seed: u64,
    jobs: usize,
) -> CellFindings {
    store.check(&Request {
        backend,
        divergences: &Divergences::default(),
        effort: Effort { seed, first: 0, cases: 400, jobs },
        progress: &Progress::default(),
    })
}

#[test]
fn one_seed_gives_one_trace_on_simulated_storage_and_any_number_of_jobs() {
    for store in STORES {
        for backend in [&Memory as &dyn BackendUnderTest, &Simulated::file(), &Simulated::legacy()]
        {
            let first = run(*store, backend, 7, 1);
            for jobs in [2, 3] {
                let again = run(*store, backend, 7, jobs);
                let name = format!("{} on {} with {jobs} jobs", store.name(), backend.name());
                assert_eq!(again.trace_hash, first.trace_hash, "{name}: another trace");
                assert_eq!(again.totals, first.totals, "{name}: other totals");
                assert_eq!(again.reached, first.reached, "{name}: other outcomes");
            }
        }
    }
}

#[test]
fn another_seed_gives_another_trace() {
    for store in STORES {
        let hashes = [7, 8].map(|seed| run(*store, &Memory, seed, 1).trace_hash);
        assert_ne!(hashes[0], hashes[1], "{}", store.name());
    }
}

#[test]
fn a_case_does_not_depend_on_the_cases_before_it() {
    let capabilities = Memory.capabilities();
    for number in [0, 1, 5, 1_000_000] {
        let alone = case::<CollectionSubject>(3, number, &capabilities);
        let _others: Vec<_> =
            (0..10).map(|other| case::<CollectionSubject>(3, other, &capabilities)).collect();
        assert_eq!(case::<CollectionSubject>(3, number, &capabilities), alone, "case {number}");
    }
}

#[test]
fn every_purpose_has_its_share_of_the_cases() {
    let of = |backend: &dyn BackendUnderTest, purpose| {
        let capabilities = backend.capabilities();
        let of_case = |case| Purpose::of_case::<CollectionSubject>(case, &capabilities);
        (0..320).filter(|case| of_case(*case) == purpose).count()
    };
    assert_eq!(of(&Memory, Purpose::Sequence), 160);
    assert_eq!(of(&Memory, Purpose::Threads), 10);
    assert_eq!(of(&Memory, Purpose::Crash), 0);
    assert_eq!(of(&Memory, Purpose::Processes), 0);
    let every = Memory.capabilities().every_interleaving.unwrap();
    assert_eq!(of(&Memory, Purpose::Exhaustive(every)), 1);
    assert_eq!(of(&Simulated::file(), Purpose::Threads), 0);
    assert_eq!(of(&Simulated::file(), Purpose::Crash), 40);
    assert_eq!(of(&Simulated::file(), Purpose::Fault), 40);
    let capabilities = Simulated::file().capabilities();
    let of_workspace = |case| Purpose::of_case::<WorkspaceSubject>(case, &capabilities);
    let faults = (0..320).filter(|case| of_workspace(*case) == Purpose::Fault).count();
    assert_eq!(faults, 80, "of eighteen stores in one");
}
