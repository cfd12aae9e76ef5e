//! Every interleaving of a few clients, one after the other.
//!
//! A stateless search of the tree of decisions, as Godefroid describes it
//! ("Model checking for programming languages using `VeriSoft`", POPL 1997): each
//! run follows the beginning of an earlier one, decides otherwise at one point,
//! and from there on as the rule says. The runs come in the order of their
//! preemptions (Musuvathi and Qadeer, "Iterative context bounding for systematic
//! testing of multithreaded programs", PLDI 2007): most races need few, so that
//! a search that is cut short has covered what matters most.
//!
//! Nothing is left out but one thing: what a client does before its first point
//! is taken to concern nobody else, so that who comes to that point first is
//! not decided.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Choice, Decider};

/// What is to be covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// So many preemptions in a run at most; none: any number. To go on with
    /// another client where the running one could go on is a preemption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preemptions: Option<u32>,
    /// So many runs at most; one is made in any case.
    pub runs: u64,
}

/// What was covered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// How many interleavings were run, no two of them the same.
    pub interleavings: u64,
    /// Whether these are all there are.
    pub is_whole: bool,
    /// All with at most so many preemptions were run; none: not even those
    /// without any.
    pub preemptions: Option<u32>,
}

/// The search.
#[derive(Debug)]
pub struct EveryInterleaving {
    bounds: Bounds,
    /// How many preemptions the present runs have.
    level: u32,
    /// What is left to run of them, the next one last.
    now: Vec<Branch>,
    /// What needs one preemption more.
    later: Vec<Branch>,
    /// Some of either were left out, because they would not be run.
    now_is_cut: bool,
    later_is_cut: bool,
    coverage: Coverage,
}

/// The beginning of a run that was made, up to a decision, and another one
/// there.
#[derive(Clone, Debug)]
struct Branch {
    run: Arc<[usize]>,
    decisions: usize,
    then: usize,
}

/// The way of one run through the tree.
#[derive(Debug)]
pub(super) struct Route {
    /// Where to begin.
    from: Option<Branch>,
    taken: Vec<usize>,
    /// Which clients were brought to their first points.
    begun: Vec<usize>,
    /// Decisions that could have been others.
    others: Vec<Other>,
}

#[derive(Debug)]
struct Other {
    decisions: usize,
    then: usize,
    is_preemption: bool,
}

impl EveryInterleaving {
    /// A search that has covered nothing.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            level: 0,
            now: Vec::new(),
            later: Vec::new(),
            now_is_cut: false,
            later_is_cut: false,
            coverage: Coverage::default(),
        }
    }

    /// Decides the next run; none: everything was covered, or enough.
    pub fn next_run(&mut self) -> Option<Decider> {
        if self.coverage.interleavings == 0 {
            return Some(Decider::of(Choice::Along(Route::new(None))));
        }
        if self.now.is_empty() {
            if !self.now_is_cut {
                self.coverage.preemptions = Some(self.level);
            }
            if self.later.is_empty() {
                self.coverage.is_whole = !self.now_is_cut && !self.later_is_cut;
                return None;
            }
            self.level += 1;
            self.now = std::mem::take(&mut self.later);
            self.now.reverse();
            self.now_is_cut |= std::mem::take(&mut self.later_is_cut);
        }
        if self.coverage.interleavings >= self.bounds.runs {
            return None;
        }
        self.now.pop().map(|branch| Decider::of(Choice::Along(Route::new(Some(branch)))))
    }

    /// Takes note of a run that `decider` decided, and of where it could have
    /// gone otherwise.
    pub fn was_run(&mut self, decider: &mut Decider) {
        let Choice::Along(route) = &mut decider.choice else { return };
        self.coverage.interleavings += 1;
        let run: Arc<[usize]> = std::mem::take(&mut route.taken).into();
        for other in route.others.drain(..) {
            let Other { decisions, then, is_preemption } = other;
            self.add(Branch { run: Arc::clone(&run), decisions, then }, is_preemption);
        }
    }

    fn add(&mut self, branch: Branch, is_preemption: bool) {
        let waiting = (self.now.len() + self.later.len()) as u64;
        let has_room = waiting + self.coverage.interleavings < self.bounds.runs;
        let is_wanted = self.bounds.preemptions.is_none_or(|most| self.level < most);
        if is_preemption {
            if has_room && is_wanted {
                self.later.push(branch);
            } else {
                self.later_is_cut = true;
            }
        } else if has_room {
            self.now.push(branch);
        } else if self.later.pop().is_some() {
            self.later_is_cut = true;
            self.now.push(branch);
        } else {
            self.now_is_cut = true;
        }
    }

    /// What was covered so far.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        self.coverage
    }
}

impl Route {
    fn new(from: Option<Branch>) -> Self {
        Self { from, taken: Vec::new(), begun: Vec::new(), others: Vec::new() }
    }

    /// Who of `runnable` goes on. By the rule that is `rule`; `goes_on` says
    /// whether it is the client that ran.
    pub(super) fn choose(&mut self, rule: usize, goes_on: bool, runnable: &[usize]) -> usize {
        let next = self.decided(rule, goes_on, runnable);
        self.taken.push(next);
        next
    }

    fn decided(&mut self, rule: usize, goes_on: bool, runnable: &[usize]) -> usize {
        if let Some(waiting) = runnable.iter().copied().find(|client| !self.begun.contains(client))
        {
            self.begun.push(waiting);
            return waiting;
        }
        let decisions = self.taken.len();
        if let Some(given) = self.from.as_ref().and_then(|branch| branch.decision(decisions)) {
            // Clients are a pure function of the decisions: it can go on now.
            return if runnable.contains(&given) { given } else { rule };
        }
        // When all stand at their first points, nobody is running.
        let goes_on = goes_on && decisions > self.begun.len();
        let others = runnable.iter().filter(|client| **client != rule);
        self.others.extend(others.map(|then| Other {
            decisions,
            then: *then,
            is_preemption: goes_on,
        }));
        rule
    }
}

impl Branch {
    /// Its decision after so many others; none: it ends before.
    fn decision(&self, decisions: usize) -> Option<usize> {
        if decisions == self.decisions {
            return Some(self.then);
        }
        self.run.get(decisions).copied().filter(|_| decisions < self.decisions)
    }
}
