//! What the cases of a store on a backend found, with a replay file for what failed.

use super::{
    campaign::{Findings, Numbered},
    exhaustive::Scopes,
    replay::{self, Replay},
    shrink::Counterexample,
    statistics::Reached,
    verify::Target,
    violation::Violation,
};
use crate::model::subject::Subject;

/// What cases of one store on one backend found, with a replay file for each counterexample.
pub type CellFindings = Findings<Found>;

impl CellFindings {
    /// Of a campaign that has not begun.
    #[must_use]
    pub fn nothing(reached: Reached) -> Self {
        Self {
            cases: 0,
            operations: 0,
            schedules: 0,
            crash_images: 0,
            scopes: Scopes::default(),
            violations: 0,
            reached,
            trace_hash: 0,
            ways: Vec::new(),
            counterexamples: Vec::new(),
        }
    }

    /// The same of what a campaign found.
    pub(super) fn of<S: Subject>(
        target: &Target<'_, S>,
        findings: Findings<Numbered<S::Op>>,
    ) -> Self {
        let found = findings.counterexamples.into_iter();
        Self {
            counterexamples: found.filter_map(|(case, found)| saved(target, case, found)).collect(),
            ways: findings.ways,
            cases: findings.cases,
            operations: findings.operations,
            schedules: findings.schedules,
            crash_images: findings.crash_images,
            scopes: findings.scopes,
            violations: findings.violations,
            reached: findings.reached,
            trace_hash: findings.trace_hash,
        }
    }

    /// Adds what further cases of the same store on the same backend found.
    pub fn merge(&mut self, other: Self) {
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut self.cases, other.cases);
        add(&mut self.operations, other.operations);
        add(&mut self.schedules, other.schedules);
        add(&mut self.crash_images, other.crash_images);
        self.scopes.add(&other.scopes);
        add(&mut self.violations, other.violations);
        self.reached.merge(&other.reached);
        // A sum, as that of the cases: it is the same whatever the parts were.
        self.trace_hash = self.trace_hash.wrapping_add(other.trace_hash);
        self.ways.extend(other.ways);
        for found in other.counterexamples {
            let known = |own: &Found| own.violation.signature == found.violation.signature;
            if !self.counterexamples.iter().any(known) {
                self.counterexamples.push(found);
            }
        }
    }
}

/// A small scenario that fails.
#[derive(Clone, Debug)]
pub struct Found {
    /// The number of the case that it was made from.
    pub case: u64,
    /// Whether that was made from the corpus: then the number is one of those.
    pub mutated: bool,
    /// How many runs it took to make it small.
    pub executions: u64,
    /// Whether it failed again; if not, it is as large as it was.
    pub seen_again: bool,
    /// What is broken.
    pub violation: Violation,
    /// How many steps it has.
    pub steps: usize,
    /// Its replay file.
    pub replay: String,
}

impl Found {
    /// The name of its replay file among those of a campaign.
    #[must_use]
    pub fn file_name(&self, store: &str, backend: &str) -> String {
        file_name(store, backend, self.case, self.mutated)
    }
}

/// The name of a counterexample's replay file among those of a campaign.
#[must_use]
pub fn file_name(store: &str, backend: &str, case: u64, mutated: bool) -> String {
    let mutated = if mutated { "mutated-" } else { "" };
    format!("{store}-{backend}-{mutated}{case}.json")
}

/// A counterexample with its replay file.
pub(crate) fn saved<S: Subject>(
    target: &Target<'_, S>,
    case: u64,
    found: Counterexample<S::Op>,
) -> Option<Found> {
    let steps = found.scenario.length();
    let replay = Replay {
        schema: replay::SCHEMA,
        store: S::NAME.to_owned(),
        backend: target.backend.name().to_owned(),
        violation: found.violation.clone(),
        allow: target.divergences.iter().map(|allowed| allowed.name().to_owned()).collect(),
        scenario: found.scenario,
    };
    let text = replay::write(&replay).ok()?;
    Some(Found {
        case,
        mutated: false,
        executions: found.executions,
        seen_again: found.seen_again,
        violation: found.violation,
        steps,
        replay: text,
    })
}
