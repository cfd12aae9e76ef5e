//! Makes a failing scenario small, keeping the same failure.
//!
//! Delta debugging (Zeller and Hildebrandt, 2002) over everything a scenario
//! is made of: clients, runs of actions, pairs of actions that only go
//! together, legacy documents, preemptions, faults; then values. Each candidate
//! is run with the schedule and the faults as they were; if that no longer fails, a
//! few random schedules are searched, because fewer steps need another
//! interleaving, and other places for the faults. All passes are repeated until none
//! of them finds anything more, or there were [`MOST_EXECUTIONS`]; no candidate is tried
//! twice. What failed on threads, or in processes, is simulated first: if it fails so as
//! well, it surely does again.

mod crash;
mod edit;
mod faults;
mod preemptions;
mod rename;

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};

use edit::{
    Place, action_at, decisions, forget_client, places, remove_decisions, set_action, without,
};
use rename::renamed;

use super::{
    scenario::{Action, Mode, Scenario},
    statistics::Reached,
    trace_hash::hash_of,
    verify::{Target, Verified, verify},
    violation::{Kind, Signature, Violation},
};
use crate::{
    model::subject::{Operation, Subject},
    sim::{disk::ImageKind, faults::FaultPlan, schedule::Schedule},
};

/// A failing scenario with its violation.
#[derive(Clone, Debug)]
pub struct Counterexample<Op> {
    /// The scenario, its schedule given as preemptions.
    pub scenario: Scenario<Op>,
    /// What it breaks.
    pub violation: Violation,
    /// How many runs the shrinking took.
    pub executions: u64,
    /// Whether it failed again. What threads and processes do is not the same twice:
    /// what was seen only once is kept as it was, and not made small.
    pub seen_again: bool,
}

/// How many runs shrinking may take.
pub const MOST_EXECUTIONS: u64 = 4_000;

/// How many random schedules are tried for a candidate.
const SCHEDULES_TRIED: u64 = 12;
/// The same for one of a few steps, where each one less counts.
const SCHEDULES_TRIED_AT_LAST: u64 = 36;
/// How many steps are a few.
const FEW_STEPS: usize = 8;

/// How many preemptions are kept of a run that went on for ever, if they will do.
const MOST_PREEMPTIONS: usize = 64;

/// On threads a failure may show only now and then.
const REPEATS_ON_THREADS: u64 = 40;

/// And in processes, which take longer.
const REPEATS_IN_PROCESSES: u64 = 10;

/// How often a scenario is run until one says that it does not fail.
pub(super) fn repeats(mode: &Mode) -> u64 {
    match mode {
        Mode::Simulated(_) | Mode::Exhaustive(_) => 1,
        Mode::Threads => REPEATS_ON_THREADS,
        Mode::Processes { .. } => REPEATS_IN_PROCESSES,
    }
}

/// Makes `scenario` as small as possible while it fails in the same way.
///
/// `None` when it does not fail, however often it is run.
pub fn shrink<S: Subject>(
    target: &Target<'_, S>,
    scenario: &Scenario<S::Op>,
) -> Option<Counterexample<S::Op>> {
    Shrinker::new(target, None, &AtomicBool::new(false)).shrink(scenario)
}

/// The scenario made small, or as it was, with what was `seen`, if it does not fail
/// again. Where `stop` is set it is left as small as it is by then.
pub fn shrink_or_keep<S: Subject>(
    target: &Target<'_, S>,
    scenario: Scenario<S::Op>,
    seen: Violation,
    stop: &AtomicBool,
) -> Counterexample<S::Op> {
    let mut shrinker = Shrinker::new(target, Some(seen.signature.clone()), stop);
    shrinker.shrink(&scenario).unwrap_or(Counterexample {
        executions: shrinker.executions,
        scenario,
        violation: seen,
        seen_again: false,
    })
}

/// One of the random schedules that are tried, the same for the same number.
fn random_schedule(seed: u64) -> Schedule {
    let one_in = match seed % 3 {
        0 => 1,
        1 => 2,
        _ => 4,
    };
    Schedule::Random { seed, one_in }
}

/// What shrinking makes smaller: steps first, then the rest.
fn weight<Op: Operation>(scenario: &Scenario<Op>) -> (usize, usize, usize, usize) {
    let preemptions = match &scenario.mode {
        Mode::Simulated(Schedule::Preemptions(list)) => list.len(),
        Mode::Processes { kills } => kills.len(),
        _ => usize::MAX / 2,
    };
    let decisions = preemptions + scenario.faults.most();
    let text = serde_json::to_string(scenario).map_or(usize::MAX, |text| text.len());
    let files = scenario.legacy.len() + scenario.foreign.len();
    (scenario.length() + files, decisions, crash::weight(scenario), text)
}

struct Shrinker<'a, S: Subject> {
    target: &'a Target<'a, S>,
    signature: Option<Signature>,
    executions: u64,
    /// Hashes of the candidates that were tried in vain: the passes come by the
    /// same ones again and again.
    in_vain: BTreeSet<u64>,
    /// Set when nobody has the time for more.
    stop: &'a AtomicBool,
}

impl<'a, S: Subject> Shrinker<'a, S> {
    /// Of a failure that resembles this one, if there is one.
    fn new(target: &'a Target<'a, S>, signature: Option<Signature>, stop: &'a AtomicBool) -> Self {
        Self { target, signature, executions: 0, in_vain: BTreeSet::new(), stop }
    }

    /// `None` when it does not fail, however often it is run.
    fn shrink(&mut self, scenario: &Scenario<S::Op>) -> Option<Counterexample<S::Op>> {
        let mut best = self.simulated(scenario).or_else(|| self.fails(scenario))?;
        self.signature = Some(best.violation.signature.clone());
        loop {
            let length = weight(&best.scenario);
            self.remove_whole_parts(&mut best);
            self.remove_actions(&mut best);
            self.remove_pairs(&mut best);
            self.remove_preemptions(&mut best);
            self.simplify_faults(&mut best);
            self.simplify(&mut best);
            self.simplify_crashes(&mut best);
            self.rename(&mut best);
            if weight(&best.scenario) >= length || self.is_exhausted() {
                break;
            }
        }
        best.executions = self.executions;
        Some(best)
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn is_exhausted(&self) -> bool {
        let kind = self.signature.as_ref().map(|signature| signature.kind);
        // Each run of these takes long.
        let most = if kind == Some(Kind::NoEnd) { MOST_EXECUTIONS / 10 } else { MOST_EXECUTIONS };
        self.executions >= most || self.is_stopped()
    }

    fn run(&mut self, scenario: &Scenario<S::Op>) -> Verified {
        self.executions += 1;
        verify(self.target, scenario, &mut Reached::new::<S>())
    }

    /// The scenario with its schedule and crash pinned down, if it fails in
    /// the same way.
    fn fails(&mut self, scenario: &Scenario<S::Op>) -> Option<Counterexample<S::Op>> {
        (0..repeats(&scenario.mode))
            .find_map(|_| if self.is_stopped() { None } else { self.fails_once(scenario) })
    }

    fn fails_once(&mut self, scenario: &Scenario<S::Op>) -> Option<Counterexample<S::Op>> {
        let verified = self.run(scenario);
        let violation = verified.violation?;
        if self.signature.as_ref().is_some_and(|known| !known.resembles(&violation.signature)) {
            return None;
        }
        let mut scenario = scenario.clone();
        let is_simulated = matches!(scenario.mode, Mode::Simulated(_) | Mode::Exhaustive(_));
        if let Some(preemptions) = verified.preemptions.filter(|_| is_simulated) {
            if preemptions.len() > MOST_PREEMPTIONS && violation.signature.kind == Kind::NoEnd {
                // Who goes on for ever mostly does so whatever the others do.
                let first = preemptions.iter().take(MOST_PREEMPTIONS).cloned().collect();
                scenario.mode = Mode::Simulated(Schedule::Preemptions(first));
                if let Some(found) = self.fails_once(&scenario) {
                    return Some(found);
                }
            }
            scenario.mode = Mode::Simulated(Schedule::Preemptions(preemptions));
        }
        if !verified.faults.is_empty() {
            scenario.faults = FaultPlan::Listed(verified.faults);
        }
        scenario.pin_crashes(verified.crashed);
        Some(Counterexample { scenario, violation, executions: 0, seen_again: true })
    }

    /// What ran on threads, or in processes, as it fails on the executor, if some
    /// interleaving does.
    fn simulated(&mut self, scenario: &Scenario<S::Op>) -> Option<Counterexample<S::Op>> {
        if !scenario.is_uncertain() {
            return None;
        }
        (0..SCHEDULES_TRIED_AT_LAST).find_map(|seed| {
            let mode = Mode::Simulated(random_schedule(seed));
            if self.is_stopped() {
                return None;
            }
            self.fails_once(&Scenario { mode, ..scenario.clone() })
        })
    }

    /// Takes `candidate` in place of `best` if it fails in the same way, with
    /// its schedule or with another one, at its crash point or at another one.
    fn take(&mut self, best: &mut Counterexample<S::Op>, mut candidate: Scenario<S::Op>) -> bool {
        if self.is_exhausted() {
            return false;
        }
        let hash = hash_of(&[&serde_json::to_vec(&candidate).unwrap_or_default()]);
        if self.in_vain.contains(&hash) {
            return false;
        }
        // At another moment first, then with anything else left.
        candidate.each_crash(|crash| crash.after_steps = None);
        let is_plain = |image: &ImageKind| ImageKind::ALL.contains(image);
        let mut found = None;
        if candidate.crashes().all(|crash| crash.image.as_ref().is_some_and(is_plain)) {
            found = self.fails(&candidate);
        }
        if found.is_none() && candidate.crash.is_some() {
            candidate.unpin_crashes();
        }
        let mut found = found.or_else(|| self.fails(&candidate));
        // What a client gives up goes on beside it.
        let interleaved = (candidate.clients.len() > 1 || !candidate.faults.is_none())
            && matches!(candidate.mode, Mode::Simulated(_));
        let faults = candidate.faults.clone();
        let is_small = candidate.length() <= FEW_STEPS && candidate.crash.is_none();
        let tries = if is_small { SCHEDULES_TRIED_AT_LAST } else { SCHEDULES_TRIED };
        for seed in 0..tries {
            if found.is_some() || !interleaved || self.is_exhausted() {
                break;
            }
            candidate.mode = Mode::Simulated(random_schedule(seed));
            candidate.faults = faults.elsewhere(seed);
            found = self.fails(&candidate);
        }
        let replaced = self.replaces(best, found);
        if !replaced {
            self.in_vain.insert(hash);
        }
        replaced
    }

    /// The same, but neither with another schedule nor with another crash.
    fn take_as_it_is(
        &mut self,
        best: &mut Counterexample<S::Op>,
        candidate: &Scenario<S::Op>,
    ) -> bool {
        let found = self.fails(candidate);
        self.replaces(best, found)
    }

    /// Puts what was found in place of `best` if it is smaller.
    fn replaces(
        &self,
        best: &mut Counterexample<S::Op>,
        found: Option<Counterexample<S::Op>>,
    ) -> bool {
        match found {
            Some(smaller) if weight(&smaller.scenario) < weight(&best.scenario) => {
                *best = smaller;
                true
            }
            _ => false,
        }
    }

    /// Clients, the setup, all legacy documents, extra handles.
    fn remove_whole_parts(&mut self, best: &mut Counterexample<S::Op>) {
        let mut client = 0;
        while best.scenario.clients.len() > 1 && client < best.scenario.clients.len() {
            let mut candidate = best.scenario.clone();
            candidate.clients.remove(client);
            forget_client(&mut candidate, client);
            if !self.take(best, candidate) {
                client += 1;
            }
        }
        let edits: [fn(&mut Scenario<S::Op>); 7] = [
            |scenario| scenario.faults = FaultPlan::default(),
            |scenario| scenario.skews.clear(),
            |scenario| scenario.setup.clear(),
            |scenario| scenario.legacy.clear(),
            |scenario| scenario.foreign.clear(),
            |scenario| scenario.handles = 1,
            |scenario| scenario.page_size = None,
        ];
        for edit in edits {
            let mut candidate = best.scenario.clone();
            edit(&mut candidate);
            if candidate != best.scenario {
                self.take(best, candidate);
            }
        }
        let mut document = 0;
        while document < best.scenario.legacy.len() {
            let mut candidate = best.scenario.clone();
            candidate.legacy.remove(document);
            if !self.take(best, candidate) {
                document += 1;
            }
        }
        let mut file = 0;
        while file < best.scenario.foreign.len() {
            let mut candidate = best.scenario.clone();
            candidate.foreign.remove(file);
            if !self.take(best, candidate) {
                file += 1;
            }
        }
    }

    /// Runs of actions, long ones first.
    fn remove_actions(&mut self, best: &mut Counterexample<S::Op>) {
        let mut size = best.scenario.length().div_ceil(2).max(1);
        loop {
            let mut start = 0;
            while start < best.scenario.length() {
                let places = places(&best.scenario);
                let chunk: Vec<Place> = places.into_iter().skip(start).take(size).collect();
                let candidate = without(&best.scenario, &chunk);
                if !self.take(best, candidate) {
                    start += size;
                }
            }
            if size == 1 {
                return;
            }
            size /= 2;
        }
    }

    /// Two actions that fail to go one by one may go together: a create and
    /// the delete of what it created.
    fn remove_pairs(&mut self, best: &mut Counterexample<S::Op>) {
        let mut first = 0;
        while first < best.scenario.length() {
            let mut removed = false;
            for second in first + 1..best.scenario.length() {
                let places = places(&best.scenario);
                let pair: Vec<Place> =
                    [first, second].iter().filter_map(|k| places.get(*k)).copied().collect();
                if self.take(best, without(&best.scenario, &pair)) {
                    removed = true;
                    break;
                }
            }
            if !removed {
                first += 1;
            }
            if self.is_exhausted() {
                return;
            }
        }
    }

    /// Preemptions, or kills: runs of them, long ones first.
    fn remove_preemptions(&mut self, best: &mut Counterexample<S::Op>) {
        let mut size = decisions(&best.scenario.mode).div_ceil(2).max(1);
        loop {
            let mut start = 0;
            while start < decisions(&best.scenario.mode) && !self.is_exhausted() {
                let mut candidate = best.scenario.clone();
                remove_decisions(&mut candidate.mode, start, size);
                // Another schedule would be no simplification.
                if !self.take_as_it_is(best, &candidate) {
                    start += size;
                }
            }
            if size == 1 {
                return;
            }
            size /= 2;
        }
    }

    /// Shorter names for what several actions name alike.
    fn rename(&mut self, best: &mut Counterexample<S::Op>) {
        while !self.is_exhausted() {
            let candidates = renamed(&best.scenario);
            if !candidates.into_iter().any(|candidate| self.take(best, candidate)) {
                return;
            }
        }
    }

    /// Simpler values in every action.
    fn simplify(&mut self, best: &mut Counterexample<S::Op>) {
        for place in places(&best.scenario) {
            let mut tried = 0;
            while let Some(Action::Call(op)) = action_at(&best.scenario, place) {
                let Some(simpler) = op.simpler().into_iter().nth(tried) else { break };
                let mut candidate = best.scenario.clone();
                set_action(&mut candidate, place, Action::Call(simpler));
                if self.take(best, candidate) {
                    tried = 0;
                } else {
                    tried += 1;
                }
                if self.is_exhausted() {
                    return;
                }
            }
        }
    }
}
