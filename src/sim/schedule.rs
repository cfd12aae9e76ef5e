//! Which client runs next, at every scheduling point.

use std::borrow::Cow;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

/// How a scenario's clients are interleaved.
///
/// Without a decision to the contrary the running client goes on; when it
/// cannot, the one with the smallest number runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// At every point, with a probability of one in `one_in`, any runnable
    /// client runs next.
    Random {
        /// Decides everything.
        seed: u64,
        /// At least 1.
        one_in: u32,
    },
    /// Exactly these departures from the rule.
    Preemptions(Vec<Preemption>),
}

impl Default for Schedule {
    fn default() -> Self {
        Self::Preemptions(Vec::new())
    }
}

/// A departure from the rule: at this point another client ran.
///
/// The point is named by what the client was about to do, not by a count of
/// all steps, so that it survives changes of the code elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preemption {
    /// The client that stopped.
    pub client: usize,
    /// The number of its action, from 0.
    pub operation: usize,
    /// What it was about to do; `blocked` and `end` where it could not go on.
    pub step: Cow<'static, str>,
    /// Which one of the equally named points in that operation, from 0.
    pub occurrence: u32,
    /// The client that ran instead.
    pub to: usize,
}

/// A scheduling point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub client: usize,
    pub operation: usize,
    pub step: &'static str,
    pub occurrence: u32,
}

/// Makes the decisions of a [`Schedule`], and notes those that depart from the
/// rule.
#[derive(Debug)]
pub struct Decider {
    choice: Choice,
    taken: Vec<Preemption>,
}

#[derive(Debug)]
enum Choice {
    Random { random: Xoshiro256PlusPlus, one_in: u32 },
    Listed { preemptions: Vec<Preemption>, used: Vec<bool> },
}

impl Decider {
    /// A decider for `schedule`, at its beginning.
    #[must_use]
    pub fn new(schedule: &Schedule) -> Self {
        let choice = match schedule {
            Schedule::Random { seed, one_in } => Choice::Random {
                random: Xoshiro256PlusPlus::seed_from_u64(*seed),
                one_in: (*one_in).max(1),
            },
            Schedule::Preemptions(list) => {
                Choice::Listed { preemptions: list.clone(), used: vec![false; list.len()] }
            }
        };
        Self { choice, taken: Vec::new() }
    }

    /// Who of `runnable` (ascending, not empty) runs next.
    pub(crate) fn decide(&mut self, point: Point, runnable: &[usize]) -> usize {
        let goes_on = runnable.contains(&point.client);
        let rule = if goes_on { point.client } else { runnable.first().copied().unwrap_or(0) };
        let next = match &mut self.choice {
            Choice::Random { random, one_in } => {
                if runnable.len() > 1 && (!goes_on || below(random, *one_in) == 0) {
                    let count = u32::try_from(runnable.len()).unwrap_or(u32::MAX);
                    runnable.get(below(random, count) as usize).copied().unwrap_or(rule)
                } else {
                    rule
                }
            }
            Choice::Listed { preemptions, used } => preemptions
                .iter()
                .zip(used)
                .find(|(preemption, used)| !**used && preemption.is_at(point))
                .map(|(preemption, used)| {
                    *used = true;
                    preemption.to
                })
                .filter(|to| runnable.contains(to))
                .unwrap_or(rule),
        };
        if next != rule {
            self.taken.push(Preemption {
                client: point.client,
                operation: point.operation,
                step: Cow::Borrowed(point.step),
                occurrence: point.occurrence,
                to: next,
            });
        }
        next
    }

    /// Every departure from the rule that was made, in order: as a schedule it
    /// gives the same run again.
    #[must_use]
    pub fn into_taken(self) -> Vec<Preemption> {
        self.taken
    }

    /// How many listed preemptions were never reached, because the code no
    /// longer comes by their points.
    #[must_use]
    pub fn stale(&self) -> usize {
        match &self.choice {
            Choice::Random { .. } => 0,
            Choice::Listed { used, .. } => used.iter().filter(|used| !**used).count(),
        }
    }
}

impl Preemption {
    fn is_at(&self, point: Point) -> bool {
        self.client == point.client
            && self.operation == point.operation
            && self.occurrence == point.occurrence
            && self.step == point.step
    }
}

/// A number below `end` (multiply and shift: Lemire, "Fast random integer
/// generation in an interval", without the rejection, which does not matter
/// for choices among a few).
pub(super) fn below(random: &mut impl Rng, end: u32) -> u32 {
    let wide = u64::from(random.next_u32()) * u64::from(end);
    u32::try_from(wide >> 32).unwrap_or(0)
}
