//! Campaigns: many cases of one store on one backend, on several jobs.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use serde::{Deserialize, Serialize};

use super::{
    backends::Capabilities,
    coverage::Coverage,
    generate,
    jobs::on_jobs,
    scenario::Scenario,
    shrink::{Counterexample, shrink_or_keep},
    statistics::Reached,
    totals::Totals,
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
    /// What has been reached, for people.
    note: Mutex<String>,
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

    /// Says what has been reached.
    pub fn remark(&self, note: String) {
        *self.note.lock().unwrap_or_else(PoisonError::into_inner) = note;
    }

    /// What has been reached; empty: nobody said so.
    #[must_use]
    pub fn note(&self) -> String {
        self.note.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A scenario that fails, as small as could be made, and the number of the case that it was
/// made from.
pub type Numbered<Op> = (u64, Counterexample<Op>);

/// What cases of one store on one backend found; `C` is a counterexample.
#[derive(Debug)]
pub struct Findings<C> {
    /// How many cases ran.
    pub cases: u64,
    /// What they did.
    pub totals: Totals,
    /// What was reached.
    pub reached: Reached,
    /// The same for the same seed, whatever the number of jobs.
    pub trace_hash: u64,
    /// The ways of failing that were looked at: the first ones, by case.
    pub ways: Vec<WayOfFailing>,
    /// One for each of the ways, in the order of these.
    pub counterexamples: Vec<C>,
}

/// A way of failing: the first case of all that fail alike. Where some of them can be
/// repeated surely, it is the first of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WayOfFailing {
    /// The number of the case.
    pub case: u64,
    /// Whether it was made from the corpus: then the number is one of those.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mutated: bool,
    /// Whether it ran on threads, or in processes, and may not fail again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uncertain: bool,
    /// How it failed.
    pub seen: Signature,
    /// How it fails when it is small.
    pub shrunk: Signature,
}

/// How many ways of failing are made small and shown, of one store on one backend.
pub const MOST_COUNTEREXAMPLES: usize = 3;

/// The same of a campaign, which has the time for more.
pub const MOST_COUNTEREXAMPLES_IN_TIME: usize = 12;

/// The first of these ways of failing, `most` at most, in the order of their cases,
/// whoever found them, those that may not fail again last: one for each way in which they
/// were seen to fail. Several machines' lists give what one machine's list would be.
#[must_use]
pub fn first_ways(mut ways: Vec<WayOfFailing>, most: usize) -> Vec<WayOfFailing> {
    ways.sort_by_key(|way| (way.uncertain, way.mutated, way.case));
    let mut first: Vec<WayOfFailing> = Vec::new();
    for way in ways {
        if first.len() < most && first.iter().all(|earlier| earlier.seen != way.seen) {
            first.push(way);
        }
    }
    first
}

/// Those that are shown: two ways of failing may turn out to be one when they are
/// small.
pub fn shown(ways: &[WayOfFailing]) -> impl Iterator<Item = &WayOfFailing> {
    ways.iter().enumerate().filter_map(|(place, way)| {
        let mut earlier = ways.iter().take(place);
        earlier.all(|earlier| earlier.shrunk != way.shrunk).then_some(way)
    })
}

/// Where the cases come from, and who looks at what they reach.
pub(super) trait Cases<S: Subject>: Sync {
    /// The number of the case at that place.
    fn number(&self, place: u64) -> u64 {
        place
    }

    /// The case of that number.
    fn scenario(&self, number: u64) -> Scenario<S::Op>;

    /// What was reached before; none: nobody asks what is new.
    fn reached_before(&self) -> Option<Coverage> {
        None
    }

    /// A case reached these keys, perhaps as the first one.
    fn has_reached(&self, number: u64, scenario: &Scenario<S::Op>, keys: &[u32]) {
        let _ = (number, scenario, keys);
    }

    /// Whether this way of failing has been looked at before; `uncertain`: by a case that may
    /// not fail again.
    fn is_known(&self, signature: &Signature, uncertain: bool) -> bool {
        let _ = (signature, uncertain);
        false
    }

    /// Whether failures are made small at once.
    fn makes_small(&self) -> bool {
        true
    }

    /// How many ways of failing are to be looked at.
    fn most_ways(&self) -> usize {
        MOST_COUNTEREXAMPLES
    }
}

/// The cases of a seed.
struct OfSeed {
    seed: u64,
    capabilities: Capabilities,
}

impl<S: Subject> Cases<S> for OfSeed {
    fn scenario(&self, number: u64) -> Scenario<S::Op> {
        generate::case::<S>(self.seed, number, &self.capabilities)
    }
}

/// Cases that a job takes at a time.
const BATCH: u64 = 32;

struct Tally<Op> {
    cases: u64,
    totals: Totals,
    trace_hash: u64,
    reached: Reached,
    /// The first case of each way of failing, by [rank](Failed::rank).
    failed: BTreeMap<Signature, Failed<Op>>,
}

/// A case that failed, and how.
struct Failed<Op> {
    case: u64,
    scenario: Scenario<Op>,
    violation: Violation,
}

impl<Op> Failed<Op> {
    /// Which one of several that fail alike is shown, and before which others: the first.
    fn rank(&self) -> (bool, u64) {
        (self.scenario.is_uncertain(), self.case)
    }
}

impl<Op: Operation> Tally<Op> {
    fn new<S: Subject<Op = Op>>() -> Self {
        Self {
            cases: 0,
            totals: Totals::default(),
            trace_hash: 0,
            reached: Reached::new::<S>(),
            failed: BTreeMap::new(),
        }
    }

    fn add(&mut self, case: u64, scenario: Scenario<Op>, verified: Verified) {
        self.cases += 1;
        self.totals.add(&Totals::of(&verified));
        // A sum does not depend on which job came first.
        let own = mix(verified.digest ^ mix(case));
        self.trace_hash = self.trace_hash.wrapping_add(own);
        if let Some(violation) = verified.violation {
            self.note_failure(Failed { case, scenario, violation });
        }
    }

    fn note_failure(&mut self, failed: Failed<Op>) {
        match self.failed.get(&failed.violation.signature) {
            Some(first) if first.rank() <= failed.rank() => {}
            _ => _ = self.failed.insert(failed.violation.signature.clone(), failed),
        }
    }

    fn merge(&mut self, other: Self) {
        self.cases += other.cases;
        self.totals.add(&other.totals);
        self.trace_hash = self.trace_hash.wrapping_add(other.trace_hash);
        self.reached.merge(&other.reached);
        other.failed.into_values().for_each(|failed| self.note_failure(failed));
    }
}

/// Runs the cases and makes what they find small.
pub fn run<S: Subject>(
    target: &Target<'_, S>,
    effort: &Effort,
    progress: &Progress,
) -> Findings<Numbered<S::Op>> {
    let capabilities = target.backend.capabilities();
    run_these(target, effort, progress, &OfSeed { seed: effort.seed, capabilities })
}

/// As [`run`], with cases from elsewhere.
pub(super) fn run_these<S: Subject>(
    target: &Target<'_, S>,
    effort: &Effort,
    progress: &Progress,
    cases: &impl Cases<S>,
) -> Findings<Numbered<S::Op>> {
    let tally = run_cases(target, effort, progress, cases);
    let mut failed: Vec<Failed<S::Op>> = tally.failed.into_values().collect();
    failed.retain(|failed| {
        !cases.is_known(&failed.violation.signature, failed.scenario.is_uncertain())
    });
    failed.sort_by_key(Failed::rank);
    let looked_at = failed.into_iter().take(cases.most_ways()).map(|failed| {
        let uncertain = failed.scenario.is_uncertain();
        let Failed { case, scenario, violation } = failed;
        let seen = violation.signature.clone();
        let found = match cases.makes_small() {
            true => shrink_or_keep(target, scenario, violation, &progress.stop),
            false => Counterexample { scenario, violation, executions: 0, seen_again: false },
        };
        let shrunk = found.violation.signature.clone();
        (WayOfFailing { case, mutated: false, uncertain, seen, shrunk }, (case, found))
    });
    let (ways, counterexamples) = looked_at.unzip();
    Findings {
        counterexamples,
        ways,
        cases: tally.cases,
        totals: tally.totals,
        reached: tally.reached,
        trace_hash: tally.trace_hash,
    }
}

fn run_cases<S: Subject>(
    target: &Target<'_, S>,
    effort: &Effort,
    progress: &Progress,
    cases: &impl Cases<S>,
) -> Tally<S::Op> {
    let next = AtomicU64::new(0);
    let total = Mutex::new(Tally::new::<S>());
    let most = usize::try_from(effort.cases).unwrap_or(usize::MAX);
    on_jobs(effort.jobs.min(most), || {
        let tally = job(target, effort, progress, cases, &next);
        total.lock().unwrap_or_else(PoisonError::into_inner).merge(tally);
    });
    total.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn job<S: Subject>(
    target: &Target<'_, S>,
    effort: &Effort,
    progress: &Progress,
    cases: &impl Cases<S>,
    next: &AtomicU64,
) -> Tally<S::Op> {
    let mut tally = Tally::new::<S>();
    if let Some(known) = cases.reached_before() {
        tally.reached = tally.reached.watching(known);
    }
    // All jobs have a share, also of few cases.
    let batch = BATCH.min(effort.cases.div_ceil(effort.jobs.max(1) as u64)).max(1);
    loop {
        // Whoever has taken cases runs them: those that were run are the first ones.
        if progress.stop.load(Ordering::Relaxed) {
            return tally;
        }
        let start = next.fetch_add(batch, Ordering::Relaxed);
        if start >= effort.cases {
            return tally;
        }
        let before = tally.totals.operations;
        let end = (start + batch).min(effort.cases);
        for place in start..end {
            let number = cases.number(effort.first.saturating_add(place));
            let scenario = cases.scenario(number);
            let verified = verify(target, &scenario, &mut tally.reached);
            tally.reached.note_run(&scenario, &verified);
            let keys = tally.reached.end_case();
            if !keys.is_empty() {
                cases.has_reached(number, &scenario, &keys);
            }
            tally.add(number, scenario, verified);
        }
        progress.cases.fetch_add(end - start, Ordering::Relaxed);
        progress.operations.fetch_add(tally.totals.operations - before, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{Failed, Scenario, Tally, WayOfFailing, first_ways, shown};
    use crate::{
        check::{
            backends::{BackendUnderTest, Memory},
            generate,
            scenario::Mode,
            violation::{Kind, Signature, Violation},
        },
        model::collection::CollectionSubject,
    };

    fn way(case: u64, seen: &str, shrunk: &str) -> WayOfFailing {
        let signature = |rule: &str| Signature { kind: Kind::Outcome, rule: rule.to_owned() };
        let (seen, shrunk) = (signature(seen), signature(shrunk));
        // Every fourth case is on threads, as it were.
        WayOfFailing { case, mutated: false, uncertain: case.is_multiple_of(4), seen, shrunk }
    }

    #[test]
    fn parts_of_a_campaign_show_what_the_whole_shows() {
        let all = [
            way(0, "b", "x"),
            way(3, "a", "x"),
            way(4, "e", "z"),
            way(5, "b", "x"),
            way(9, "c", "y"),
            way(11, "d", "z"),
            way(12, "a", "x"),
        ];
        let whole = first_ways(all.to_vec(), 3);
        assert_eq!(whole.iter().map(|way| way.case).collect::<Vec<_>>(), [3, 5, 9]);
        assert_eq!(shown(&whole).map(|way| way.case).collect::<Vec<_>>(), [3, 9]);
        let parts = [[vec![0, 1, 4, 6], vec![2, 3, 5]], [vec![6, 5, 3], vec![4, 2, 1, 0]]];
        for parts in parts {
            let first = parts.map(|places| {
                first_ways(places.into_iter().map(|place| all[place].clone()).collect(), 3)
            });
            assert_eq!(first_ways(first.concat(), 3), whole);
        }
    }

    #[test]
    fn of_cases_that_fail_alike_the_first_is_kept_that_surely_fails_again() {
        let failed = |case, mode| {
            let scenario = generate::case::<CollectionSubject>(7, case, &Memory.capabilities());
            let signature = Signature { kind: Kind::Outcome, rule: "a".to_owned() };
            let violation = Violation { signature, steps: Vec::new(), crash: None };
            Failed { case, scenario: Scenario { mode, ..scenario }, violation }
        };
        let all: [(u64, fn() -> Mode); 4] = [
            (3, || Mode::Threads),
            (4, || Mode::Processes { kills: Vec::new() }),
            (5, Mode::default),
            (6, Mode::default),
        ];
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
            let mut tally = Tally::new::<CollectionSubject>();
            for place in order {
                let (case, mode) = all[place];
                tally.note_failure(failed(case, mode()));
            }
            let kept: Vec<u64> = tally.failed.values().map(|failed| failed.case).collect();
            assert_eq!(kept, [5], "they failed in the order of {order:?}");
        }
    }
}
