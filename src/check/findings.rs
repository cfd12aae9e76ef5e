//! What the cases of a store on a backend found, with a replay file for what failed.

use serde::{Deserialize, Serialize};

use super::{
    campaign::{Findings, Numbered, WayOfFailing, first_ways, shown},
    replay::{self, Replay},
    shrink::Counterexample,
    statistics::Reached,
    totals::Totals,
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
            totals: Totals::default(),
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
            totals: findings.totals,
            reached: findings.reached,
            trace_hash: findings.trace_hash,
        }
    }

    /// Adds what further cases of the same store on the same backend found.
    pub fn merge(&mut self, other: Self) {
        self.cases = self.cases.saturating_add(other.cases);
        self.totals.add(&other.totals);
        self.reached.merge(&other.reached);
        // A sum, as that of the cases: it is the same whatever the parts were.
        self.trace_hash = self.trace_hash.wrapping_add(other.trace_hash);
        let ways = std::mem::take(&mut self.ways).into_iter().chain(other.ways);
        self.ways = first_ways(ways.collect(), usize::MAX);
        let found = std::mem::take(&mut self.counterexamples).into_iter();
        let mut found: Vec<Found> = found.chain(other.counterexamples).collect();
        let place = |found: &Found| self.ways.iter().position(|way| found.is_of(way));
        found.retain(|found| place(found).is_some());
        found.sort_by_key(place);
        self.counterexamples = found;
    }

    /// The counterexamples that are [`shown`].
    pub fn shown(&self) -> impl Iterator<Item = &Found> {
        shown(&self.ways)
            .filter_map(|way| self.counterexamples.iter().find(|found| found.is_of(way)))
    }

    /// Puts a counterexample that was made small in the place of what it was made from.
    pub fn replace(&mut self, small: Found) {
        for way in self.ways.iter_mut().filter(|way| small.is_of(way)) {
            way.shrunk = small.violation.signature.clone();
        }
        let same = |own: &&mut Found| (own.case, own.mutated) == (small.case, small.mutated);
        if let Some(own) = self.counterexamples.iter_mut().find(same) {
            *own = small;
        }
    }
}

/// A scenario that fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The number of the case that it was made from.
    pub case: u64,
    /// Whether that was made from the corpus: then the number is one of those.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mutated: bool,
    /// How many runs it took to make it small; none: nobody tried yet.
    pub executions: u64,
    /// Whether it failed again; if not, it is as large as it was.
    pub seen_again: bool,
    /// How many steps it has.
    pub steps: usize,
    /// What is broken.
    pub violation: Violation,
    /// Its replay file; empty: it was saved, and not read again.
    #[serde(skip)]
    pub replay: String,
}

impl Found {
    /// Whether nobody tried yet to make it small.
    #[must_use]
    pub const fn is_raw(&self) -> bool {
        self.executions == 0
    }

    /// Whether it is of this way of failing.
    #[must_use]
    pub fn is_of(&self, way: &WayOfFailing) -> bool {
        (self.case, self.mutated) == (way.case, way.mutated)
    }

    /// The name of its replay file among those of the cases of a seed.
    #[must_use]
    pub fn file_name(&self, store: &str, backend: &str, seed: u64) -> String {
        file_name(store, backend, seed, (self.case, self.mutated))
    }
}

/// The name of a counterexample's replay file: of a case of a seed, or of one of the seed's
/// that was made from the corpus.
#[must_use]
pub fn file_name(store: &str, backend: &str, seed: u64, (case, mutated): (u64, bool)) -> String {
    let mutated = if mutated { "mutated-" } else { "" };
    format!("{store}-{backend}-{seed}-{mutated}{case}.json")
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

#[cfg(test)]
mod tests {
    use super::{CellFindings, Found, WayOfFailing};
    use crate::{
        check::{
            statistics::Reached,
            violation::{Kind, Signature, Violation},
        },
        model::users::UsersSubject,
    };

    fn found(case: u64, uncertain: bool, seen: &str, shrunk: &str) -> CellFindings {
        let signature = |rule: &str| Signature { kind: Kind::Outcome, rule: rule.to_owned() };
        let violation = Violation { signature: signature(shrunk), steps: Vec::new(), crash: None };
        let (seen, shrunk) = (signature(seen), signature(shrunk));
        let way = WayOfFailing { case, mutated: false, uncertain, seen, shrunk };
        let mut findings = CellFindings::nothing(Reached::new::<UsersSubject>());
        findings.ways.push(way);
        findings.counterexamples.push(Found {
            case,
            mutated: false,
            executions: 1,
            seen_again: !uncertain,
            steps: 1,
            violation,
            replay: String::new(),
        });
        findings
    }

    fn cases<'a>(found: impl Iterator<Item = &'a Found>) -> Vec<u64> {
        found.map(|found| found.case).collect()
    }

    #[test]
    fn of_what_fails_alike_what_surely_fails_again_is_kept() {
        let mut findings = found(3, true, "a", "a");
        findings.merge(found(9, false, "b", "x"));
        findings.merge(found(12, false, "a", "a"));
        findings.merge(found(4, false, "b", "b"));
        assert_eq!(findings.ways.iter().map(|way| way.case).collect::<Vec<_>>(), [4, 12]);
        assert_eq!(cases(findings.counterexamples.iter()), [4, 12], "one for each way");
    }

    #[test]
    fn what_turns_out_to_be_one_when_it_is_small_is_shown_once() {
        let mut findings = found(3, false, "a", "a");
        findings.merge(found(9, false, "b", "b"));
        assert_eq!(cases(findings.shown()), [3, 9]);
        let small = found(9, false, "b", "a").counterexamples.remove(0);
        findings.replace(small.clone());
        assert_eq!(findings.counterexamples[1], small);
        assert_eq!(cases(findings.shown()), [3]);
    }
}
