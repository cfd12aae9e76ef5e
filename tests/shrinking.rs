//! Counterexamples become minimal on cases whose minimum is known, and not
//! merely shorter.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use storeproof::{
    bugs::flaws::{Flaw, Flawed},
    check::{
        backends::{BackendUnderTest, Memory},
        campaign::{self, Effort, Progress},
        crash::CrashCheck,
        generate::{case, case_of_size},
        scenario::{Mode, Scenario},
        shrink::{Counterexample, shrink},
        statistics::Reached,
        verify::{Opener, Target, verify},
    },
    model::{
        collection::{CollectionOp, CollectionSubject},
        divergence::Divergences,
    },
    seam::{
        Action, Collection, Condition, Error, Outcome, RecordId, Result, Selection, Site, Write,
    },
};

/// How many operations a sequence has before it is made small.
const OPERATIONS: usize = 50;
/// How many runs that may take.
const MOST_EXECUTIONS: u64 = 300;
const SEEDS: u64 = 40;

fn fails<T>(collection: &dyn Collection) -> Result<T> {
    Err(Error::Backend {
        site: Site::new("planted", &collection.spec().name, None),
        problem: "planted".to_owned(),
        outcome: Outcome::NotDone,
    })
}

/// A sequence that fails, made small.
fn made_small(open: &Opener<CollectionSubject>, seed: u64) -> Counterexample<CollectionOp> {
    let case = |case| case_of_size::<CollectionSubject>(seed, case, 1, OPERATIONS);
    made_small_of(open, (0..10_000).map(case))
}

/// The first of these that fails, made small.
fn made_small_of(
    open: &Opener<CollectionSubject>,
    scenarios: impl Iterator<Item = Scenario<CollectionOp>>,
) -> Counterexample<CollectionOp> {
    let divergences = Divergences::default();
    let target = Target::<CollectionSubject> {
        backend: &Memory,
        open,
        divergences: &divergences,
        crashes: CrashCheck::default(),
    };
    let mut failing = scenarios.filter(|scenario| {
        verify(&target, scenario, &mut Reached::new::<CollectionSubject>()).violation.is_some()
    });
    let scenario = failing.next().expect("a scenario that fails");
    shrink(&target, &scenario).expect("it fails again")
}

/// Every sequence that fails ends up with `steps` steps, within
/// [`MOST_EXECUTIONS`] runs.
fn assert_minimal(what: &str, steps: usize, open: &Opener<CollectionSubject>) {
    let made_small: Vec<_> = (0..SEEDS).map(|seed| made_small(open, seed)).collect();
    let mut executions: Vec<u64> = made_small.iter().map(|small| small.executions).collect();
    executions.sort_unstable();
    let lengths: Vec<_> = made_small.iter().map(|small| small.scenario.length()).collect();
    println!("{what}: lengths {lengths:?}, executions {executions:?}");
    for (seed, small) in made_small.iter().enumerate() {
        let operations: Vec<_> = small.scenario.operations().collect();
        assert_eq!(operations.len(), steps, "{what}, seed {seed}: {operations:#?}");
        let executions = small.executions;
        assert!(executions <= MOST_EXECUTIONS, "{what}, seed {seed}: {executions} runs");
    }
}

/// What was created can't be deleted again.
#[derive(Default)]
struct NoWayBack(Mutex<BTreeSet<RecordId>>);

#[async_trait]
impl Flaw for NoWayBack {
    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        if let [Write { action: Action::Delete(id), when: Condition::Any }] = writes.as_slice()
            && self.0.lock().unwrap().contains(id)
        {
            return fails(sound);
        }
        let created = match writes.as_slice() {
            [Write { action: Action::Put(record), when: Condition::Absent }] => {
                Some(record.id.clone())
            }
            _ => None,
        };
        sound.commit(writes).await?;
        self.0.lock().unwrap().extend(created);
        Ok(())
    }
}

#[test]
fn a_create_and_the_delete_of_what_it_created_are_two_steps() {
    let open: Box<Opener<CollectionSubject>> =
        Box::new(|collection, _| Flawed::over(collection, NoWayBack::default()));
    assert_minimal("a create and its delete", 2, &*open);
}

#[test]
fn what_fails_on_threads_is_simulated_where_it_fails_so_too() {
    let open: Box<Opener<CollectionSubject>> =
        Box::new(|collection, _| Flawed::over(collection, NoWayBack::default()));
    for seed in 0..SEEDS {
        let on_threads = (0..10_000).map(|case| {
            let scenario = case_of_size::<CollectionSubject>(seed, case, 3, 5);
            Scenario { mode: Mode::Threads, ..scenario }
        });
        let small = made_small_of(&*open, on_threads);
        let mode = &small.scenario.mode;
        assert!(matches!(mode, Mode::Simulated(_)), "seed {seed}: it still runs as {mode:?}");
        let operations: Vec<_> = small.scenario.operations().collect();
        assert!(operations.len() <= 3, "seed {seed}: {operations:#?}");
    }
}

/// Counts commits, and fails to count records when their number is even: no one of
/// them can be left out, any two of them can.
#[derive(Default)]
struct EvenCommits(Mutex<u64>);

#[async_trait]
impl Flaw for EvenCommits {
    async fn count(&self, sound: &dyn Collection, selection: &Selection) -> Result<u64> {
        if self.0.lock().unwrap().is_multiple_of(2) {
            return fails(sound);
        }
        sound.count(selection).await
    }

    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        *self.0.lock().unwrap() += 1;
        sound.commit(writes).await
    }
}

#[test]
fn steps_that_can_only_go_in_pairs_go() {
    let open: Box<Opener<CollectionSubject>> =
        Box::new(|collection, _| Flawed::over(collection, EvenCommits::default()));
    assert_minimal("pairs", 1, &*open);
}

/// Fails to count records while every record that was put was deleted again: a put
/// can go only with the delete of what it left.
#[derive(Default)]
struct NothingLeft(Mutex<BTreeSet<RecordId>>);

#[async_trait]
impl Flaw for NothingLeft {
    async fn count(&self, sound: &dyn Collection, selection: &Selection) -> Result<u64> {
        if self.0.lock().unwrap().is_empty() {
            return fails(sound);
        }
        sound.count(selection).await
    }

    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        sound.commit(writes.clone()).await?;
        let mut left = self.0.lock().unwrap();
        for write in &writes {
            match &write.action {
                Action::Put(record) => {
                    left.insert(record.id.clone());
                }
                Action::Delete(id) => {
                    left.remove(id);
                }
                Action::Replace { .. } | Action::Check(_) => {}
            }
        }
        Ok(())
    }
}

#[test]
fn a_put_goes_together_with_the_delete_of_what_it_left() {
    let open: Box<Opener<CollectionSubject>> =
        Box::new(|collection, _| Flawed::over(collection, NothingLeft::default()));
    assert_minimal("puts with their deletes", 1, &*open);
}

/// Fails to count records, but only once in its life.
struct Once(Arc<AtomicBool>);

#[async_trait]
impl Flaw for Once {
    async fn count(&self, sound: &dyn Collection, selection: &Selection) -> Result<u64> {
        if self.0.swap(false, Ordering::Relaxed) {
            return fails(sound);
        }
        sound.count(selection).await
    }
}

#[test]
fn what_does_not_fail_again_is_kept_as_it_was() {
    let armed = Arc::new(AtomicBool::new(true));
    let open: Box<Opener<CollectionSubject>> =
        Box::new(move |collection, _| Flawed::over(collection, Once(Arc::clone(&armed))));
    let divergences = Divergences::default();
    let target = Target::<CollectionSubject> {
        backend: &Memory,
        open: &*open,
        divergences: &divergences,
        crashes: CrashCheck::default(),
    };
    let effort = Effort { seed: 1, first: 0, cases: 200, jobs: 1 };
    let findings = campaign::run(&target, &effort, &Progress::default());
    assert_eq!(findings.totals.violations, 1);
    let [(number, found)] = findings.counterexamples.as_slice() else {
        panic!("it is not kept: {:#?}", findings.counterexamples);
    };
    assert!(!found.seen_again);
    let generated = case::<CollectionSubject>(1, *number, &Memory.capabilities());
    assert_eq!(found.scenario, generated);
}
