//! The harness is measured by the bugs that it finds: each one of the catalogue,
//! within a bounded number of cases, in a few steps.

use std::collections::BTreeMap;

use storeproof::{
    bugs::{
        catalogue::BUGS,
        hunt::{Hunt, cases_of_a_round, hunt},
    },
    check::{
        backends::{self, BackendUnderTest},
        campaign::{Effort, Progress},
        registry::{Request, store_named},
    },
    model::divergence::Divergences,
};

const SEED: u64 = 7;
/// How many rounds a bug may take: each is a hundredth of a smoke run, a seven hundredth of
/// a default one. The rarest ones take a hundred on average (those of a workspace's
/// memory, 235 cases).
const MOST_ROUNDS: u64 = 1_000;
/// How long a counterexample may be.
const MOST_STEPS: usize = 8;

#[test]
fn the_catalogue_has_every_bug_once() {
    let ids: Vec<&str> = BUGS.iter().map(|bug| bug.id).collect();
    let expected = (1..=71).filter(|number| *number != 4).map(|number| format!("A{number}"));
    assert_eq!(ids, expected.collect::<Vec<_>>());
}

#[test]
fn every_bug_says_what_it_is() {
    for bug in BUGS {
        for text in [bug.title, bug.class, bug.description] {
            assert!(!text.is_empty() && !text.contains('\n'), "{}: {text:?}", bug.id);
        }
        let store = bug.planted.store();
        assert!(store_named(store).is_some(), "{}: there is no store {store}", bug.id);
    }
}

/// What each bug took is looked at together: a list of all that is wrong says
/// more than the first.
#[test]
fn every_bug_is_found_in_a_few_steps_and_nothing_without_one() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let backends = backends::all(scratch.path());
    let mut problems = Vec::new();
    let mut cases: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for bug in BUGS {
        let mut found = None;
        let mut confirm = |backend: &dyn BackendUnderTest, case| {
            found = bug.planted.counterexample(backend, SEED, case);
            found.is_some()
        };
        let Hunt { caught, cases: ran } =
            hunt(bug, &backends, SEED, MOST_ROUNDS, &|| true, &mut confirm);
        for (backend, ran) in ran {
            let most = cases.entry((bug.planted.store(), backend)).or_default();
            *most = (*most).max(ran);
        }
        match found {
            None => problems.push(format!(
                "{}: {MOST_ROUNDS} rounds found nothing that fails again ({caught:?})",
                bug.id
            )),
            Some(found) if found.steps > MOST_STEPS => {
                let steps = found.violation.steps;
                problems.push(format!("{}: {} steps: {steps:#?}", bug.id, found.steps));
            }
            Some(_) => {}
        }
    }
    for ((store, name), cases) in cases {
        let backend = backends.iter().find(|backend| backend.name() == name).unwrap();
        let findings = store_named(store).unwrap().check(&Request {
            backend: &**backend,
            divergences: &Divergences::default(),
            effort: Effort {
                seed: SEED,
                first: 0,
                cases: cases.max(cases_of_a_round(store, name)),
                jobs: 2,
            },
            progress: &Progress::default(),
        });
        for found in findings.counterexamples {
            problems.push(format!("{store} on {name}, without a bug: {:#?}", found.violation));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
