//! A store on a backend in a campaign: what came of it so far.

use std::{collections::BTreeMap, time::Duration};

use super::super::check::Pair;
use crate::check::{
    campaign_state::{CellState, StateError},
    corpus::{KnownWays, Origin},
    findings::{CellFindings, Found},
};

/// How many cases a turn has, while nobody knows how long one takes.
const FIRST_CASES: u64 = 32;
/// How many it has at most.
const MOST_CASES: u64 = 16_384;

/// A store on a backend.
pub(super) struct Cell<'a> {
    pub(super) pair: Pair<'a>,
    pub(super) findings: CellFindings,
    /// How many fresh cases were run, and how many that were made of the corpus.
    pub(super) fresh: u64,
    mutated: u64,
    /// Of the fresh ones, for the speed; processor time, of all threads.
    pub(super) fresh_operations: u64,
    pub(super) fresh_seconds: f64,
    /// How long a case takes, by [`Origin`]; none: nobody knows.
    pace: BTreeMap<Origin, Duration>,
    /// How many outcomes must be reached, and how many of them were not.
    pub(super) required: usize,
    pub(super) missing: usize,
    /// Whether keys were reached that are not saved yet.
    pub(super) has_news: bool,
}

impl<'a> Cell<'a> {
    /// What an earlier campaign knows of it goes on.
    pub(super) fn new(pair: Pair<'a>, known: Option<&CellState>) -> Result<Self, StateError> {
        let (store, backend) = pair;
        let nothing = store.nothing_reached();
        let required = store.missing(backend, &nothing).len();
        let findings = match known {
            Some(state) => state.findings(store)?,
            None => CellFindings::nothing(nothing),
        };
        Ok(Self {
            pair,
            missing: store.missing(backend, &findings.reached).len(),
            findings,
            fresh: known.map_or(0, |state| state.fresh),
            mutated: known.map_or(0, |state| state.mutated),
            fresh_operations: known.map_or(0, |state| state.fresh_operations),
            fresh_seconds: known.map_or(0.0, |state| state.fresh_seconds),
            pace: BTreeMap::new(),
            required,
            has_news: false,
        })
    }

    /// The ways of failing that have been looked at.
    pub(super) fn known(&self) -> KnownWays {
        let mut known = KnownWays::default();
        let counterexamples = &self.findings.counterexamples;
        for way in &self.findings.ways {
            let fails_again = |found: &Found| found.is_of(way) && found.seen_again;
            let ways = match way.uncertain && !counterexamples.iter().any(fails_again) {
                true => &mut known.uncertain,
                false => &mut known.sure,
            };
            ways.extend([way.seen.clone(), way.shrunk.clone()]);
        }
        known
    }

    /// The place of the next case.
    pub(super) fn first(&self, origin: Origin) -> u64 {
        match origin {
            Origin::Fresh => self.fresh,
            Origin::Mutated => self.mutated,
        }
    }

    /// How many cases take so long.
    pub(super) fn cases_of(&self, origin: Origin, time: Duration) -> u64 {
        let Some(pace) = self.pace.get(&origin) else { return FIRST_CASES };
        let cases = time.as_nanos() / pace.as_nanos().max(1);
        u64::try_from(cases).unwrap_or(MOST_CASES).clamp(1, MOST_CASES)
    }

    /// Adds what a turn found; `worked` is the processor time of all threads.
    pub(super) fn learn(
        &mut self,
        origin: Origin,
        found: CellFindings,
        took: Duration,
        worked: Duration,
    ) {
        let cases = found.cases;
        match origin {
            Origin::Fresh => {
                self.fresh = self.fresh.saturating_add(cases);
                self.fresh_operations =
                    self.fresh_operations.saturating_add(found.totals.operations);
                self.fresh_seconds += worked.as_secs_f64();
            }
            Origin::Mutated => self.mutated = self.mutated.saturating_add(cases),
        }
        // A rare case that takes long is no measure of all others.
        let pace = took.div_f64(cases.max(1) as f64);
        let known = self.pace.entry(origin).or_insert(pace);
        *known = (*known + pace) / 2;
        self.findings.merge(found);
        let (store, backend) = self.pair;
        self.missing = store.missing(backend, &self.findings.reached).len();
    }

    /// What is saved of it.
    pub(super) fn state(&self) -> CellState {
        CellState::of(
            (self.pair.0.name(), self.pair.1.name()),
            (self.fresh, self.mutated),
            (self.fresh_operations, self.fresh_seconds),
            &self.findings,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Found};
    use crate::check::{
        backends::Memory,
        campaign::WayOfFailing,
        registry::store_named,
        violation::{Kind, Signature, Violation},
    };

    #[test]
    fn what_was_seen_once_is_known_to_those_that_may_not_fail_again() {
        let mut cell = Cell::new((store_named("users").unwrap(), &Memory), None).unwrap();
        let signature = |rule: &str| Signature { kind: Kind::Outcome, rule: rule.to_owned() };
        for (case, rule, uncertain, seen_again) in
            [(1, "simulated", false, true), (2, "once", true, false), (3, "again", true, true)]
        {
            let (seen, shrunk) = (signature(rule), signature(rule));
            let violation = Violation { signature: signature(rule), steps: vec![], crash: None };
            cell.findings.ways.push(WayOfFailing { case, mutated: false, uncertain, seen, shrunk });
            cell.findings.counterexamples.push(Found {
                case,
                mutated: false,
                executions: 1,
                seen_again,
                steps: 1,
                violation,
                replay: String::new(),
            });
        }
        let known = cell.known();
        assert_eq!(known.sure, ["simulated", "again"].map(signature).into());
        assert_eq!(known.uncertain, [signature("once")].into());
    }
}
