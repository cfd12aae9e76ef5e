//! Campaigns: many cases of one store on one backend, on several jobs.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use super::{
    exhaustive::Scopes,
    generate,
    shrink::{Counterexample, shrink_or_keep},
    statistics::Reached,
    trace_hash::mix,
    verify::{Target, Verified, verify},
    violation::{Signature, Violation},
};
use crate::model::subject::{Operation, Subject};

/// How much to do.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Decides everything but what threads do.
    pub seed: u64,
    /// The number of the first case.
    pub first: u64,
    /// How many cases.
    pub cases: u64,
    /// On how many threads.
    pub jobs: usize,
}

/// What the caller may look at, and do, while a campaign runs.
#[derive(Debug, Default)]
pub struct Progress {
    /// Cases done.
    pub cases: AtomicU64,
    /// Operations done.
    pub operations: AtomicU64,
    /// Set to end the campaign after the cases that run now.
    pub stop: Arc<AtomicBool>,
    /// What is being run now.
    stage: Mutex<String>,
}

impl Progress {
    /// Nothing done yet; `stop` ends it.
    #[must_use]
    pub fn new(stop: Arc<AtomicBool>) -> Self {
        Self { stop, ..Self::default() }
    }

    /// Says what is being run now.
    pub fn enter(&self, stage: String) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    /// What is being run now.
    #[must_use]
    pub fn stage(&self) -> String {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a campaign found.
#[derive(Debug)]
pub struct Findings<Op> {
    /// How many cases ran.
    pub cases: u64,
    /// How many calls they made.
    pub operations: u64,
    /// How many interleavings they ran.
    pub schedules: u64,
    /// How many crash images they made, opened and checked.
    pub crash_images: u64,
    /// What was covered of the cases that were run in every interleaving.
    pub scopes: Scopes,
    /// How many cases broke a promise.
    pub violations: u64,
    /// What was reached.
    pub reached: Reached,
    /// The same for the same seed, whatever the number of jobs.
    pub trace_hash: u64,
    /// One for each way of failing, as small as could be made.
    pub counterexamples: Vec<(u64, Counterexample<Op>)>,
}

/// How many ways of failing are made small and shown.
const MOST_COUNTEREXAMPLES: usize = 3;

/// Cases that a job takes at a time.
const BATCH: u64 = 32;

struct Tally {
    operations: u64,
    schedules: u64,
    crash_images: u64,
    scopes: Scopes,
    cases: u64,
    violations: u64,
    trace_hash: u64,
    reached: Reached,
    /// The first case of each way of failing, and what was seen.
    failed: BTreeMap<Signature, (u64, Violation)>,
}

impl Tally {
    fn new<S: Subject>() -> Self {
        Self {
            operations: 0,
            schedules: 0,
            crash_images: 0,
            scopes: Scopes::default(),
            cases: 0,
            violations: 0,
            trace_hash: 0,
            reached: Reached::new::<S>(),
            failed: BTreeMap::new(),
        }
    }

    fn add(&mut self, case: u64, verified: Verified) {
        self.cases += 1;
        self.operations += verified.operations;
        self.schedules += verified.schedules;
        self.crash_images += verified.crash_images;
        self.scopes.add(&verified.scopes);
        // A sum does not depend on which job came first.
        let own = mix(verified.digest ^ mix(case));
        self.trace_hash = self.trace_hash.wrapping_add(own);
        if let Some(violation) = verified.violation {
            self.violations += 1;
            self.note_failure(case, violation);
        }
    }

    fn note_failure(&mut self, case: u64, violation: Violation) {
        match self.failed.get(&violation.signature) {
            Some((first, _)) if *first <= case => {}
            _ => _ = self.failed.insert(violation.signature.clone(), (case, violation)),
        }
    }

    fn merge(&mut self, other: Self) {
        self.cases += other.cases;
        self.operations += other.operations;
        self.schedules += other.schedules;
        self.crash_images += other.crash_images;
        self.scopes.add(&other.scopes);
        self.violations += other.violations;
        self.trace_hash = self.trace_hash.wrapping_add(other.trace_hash);
        self.reached.merge(&other.reached);
        for (case, violation) in other.failed.into_values() {
            self.note_failure(case, violation);
        }
    }
}

/// Runs the cases and makes what they find small.
pub fn run<S: Subject>(
    target: &Target<'_, S>,
    effort: &Effort,
    progress: &Progress,
) -> Findings<S::Op> {
    let tally = run_cases(target, effort, progress);
    let capabilities = target.backend.capabilities();
    let mut failed: Vec<(u64, Violation)> = tally.failed.into_values().collect();
    failed.sort_by_key(|(case, _)| *case);
    let counterexamples = failed.into_iter().take(MOST_COUNTEREXAMPLES).map(|(case, seen)| {
        let scenario = generate::case::<S>(effort.seed, case, &capabilities);
        (case, shrink_or_keep(target, scenario, seen))
    });
    Findings {
        counterexamples: distinct(counterexamples.collect()),
        cases: tally.cases,
        operations: tally.operations,
        schedules: tally.schedules,
        crash_images: tally.crash_images,
        scopes: tally.scopes,
        violations: tally.violations,
        reached: tally.reached,
        trace_hash: tally.trace_hash,
    }
}

/// Two ways of failing may turn out to be one when they are small.
fn distinct<Op: Operation>(
    found: Vec<(u64, Counterexample<Op>)>,
) -> Vec<(u64, Counterexample<Op>)> {
    let mut kept: Vec<(u64, Counterexample<Op>)> = Vec::new();
    for (case, counterexample) in found {
        if kept
            .iter()
            .all(|(_, other)| other.violation.signature != counterexample.violation.signature)
        {
            kept.push((case, counterexample));
        }
    }
    kept
}

#[expect(clippy::disallowed_methods, reason = "jobs are threads")]
fn run_cases<S: Subject>(target: &Target<'_, S>, effort: &Effort, progress: &Progress) -> Tally {
    let next = AtomicU64::new(0);
    let total = Mutex::new(Tally::new::<S>());
    std::thread::scope(|scope| {
        for _ in 0..effort.jobs.max(1) {
            scope.spawn(|| {
                let tally = job(target, effort, progress, &next);
                total.lock().unwrap_or_else(PoisonError::into_inner).merge(tally);
            });
        }
    });
    total.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn job<S: Subject>(
    target: &Target<'_, S>,
    effort: &Effort,
    progress: &Progress,
    next: &AtomicU64,
) -> Tally {
    let capabilities = target.backend.capabilities();
    let mut tally = Tally::new::<S>();
    loop {
        let start = next.fetch_add(BATCH, Ordering::Relaxed);
        if start >= effort.cases || progress.stop.load(Ordering::Relaxed) {
            return tally;
        }
        let before = tally.operations;
        let end = (start + BATCH).min(effort.cases);
        for case in effort.first + start..effort.first + end {
            let scenario = generate::case::<S>(effort.seed, case, &capabilities);
            let verified = verify(target, &scenario, &mut tally.reached);
            tally.add(case, verified);
        }
        progress.cases.fetch_add(end - start, Ordering::Relaxed);
        progress.operations.fetch_add(tally.operations - before, Ordering::Relaxed);
    }
}
