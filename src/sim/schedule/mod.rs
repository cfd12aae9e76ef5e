//! Which client runs next, at every scheduling point.

mod every;
mod pct;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, cmp::Ordering};

use every::Route;
pub use every::{Bounds, Coverage, EveryInterleaving};
use pct::Priorities;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

/// How a scenario's clients are interleaved.
///
/// The rule: without a decision to the contrary the running client goes on; when
/// it cannot, the one with the smallest number runs. One that went on for
/// [`MOST_IN_A_ROW`] points makes room for the next, so that clients that wait
/// for others by asking again and again do not wait for ever.
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
    /// The client with the highest priority runs; priorities are random, and
    /// change at random points. See Burckhardt et al., "A Randomized Scheduler
    /// with Probabilistic Guarantees of Finding Bugs" (ASPLOS 2010).
    Pct {
        /// Decides everything.
        seed: u64,
        /// How many things must happen in an order for a race to show: one
        /// more than there are changes.
        depth: u32,
        /// About how many points the run has.
        steps: u32,
    },
    /// Exactly these departures from the rule.
    Preemptions(Vec<Preemption>),
}

/// How many points in a row one client may come by while others could run.
pub const MOST_IN_A_ROW: u32 = 1_000;

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
pub(crate) struct Point<'a> {
    pub client: usize,
    pub operation: usize,
    pub step: &'a str,
    pub occurrence: u32,
}

/// Makes the decisions of a run, and notes those that depart from the rule.
#[derive(Debug)]
pub struct Decider {
    choice: Choice,
    taken: Vec<Preemption>,
    /// Who ran last, and for how many points in a row.
    ran: (usize, u32),
}

#[derive(Debug)]
enum Choice {
    Random { random: Xoshiro256PlusPlus, one_in: u32 },
    Pct(Priorities),
    Listed(Listed),
    Along(Route),
}

impl Decider {
    /// A decider for `schedule`, at its beginning.
    #[must_use]
    pub fn new(schedule: &Schedule) -> Self {
        Self::of(match schedule {
            Schedule::Random { seed, one_in } => Choice::Random {
                random: Xoshiro256PlusPlus::seed_from_u64(*seed),
                one_in: (*one_in).max(1),
            },
            Schedule::Pct { seed, depth, steps } => {
                Choice::Pct(Priorities::new(*seed, *depth, *steps))
            }
            Schedule::Preemptions(list) => Choice::Listed(Listed::new(list)),
        })
    }

    fn of(choice: Choice) -> Self {
        Self { choice, taken: Vec::new(), ran: (0, 0) }
    }

    /// Who of `runnable` (ascending, not empty) runs next.
    pub(crate) fn decide(&mut self, point: Point<'static>, runnable: &[usize]) -> usize {
        let (last, in_a_row) = self.ran;
        let must_yield = runnable.len() > 1 && last == point.client && in_a_row >= MOST_IN_A_ROW;
        let goes_on = !must_yield && runnable.contains(&point.client);
        let rule = if goes_on {
            point.client
        } else {
            let after = runnable.iter().find(|client| must_yield && **client > point.client);
            after.or(runnable.first()).copied().unwrap_or(0)
        };
        let next = match &mut self.choice {
            Choice::Random { random, one_in } => {
                if runnable.len() > 1 && (!goes_on || below(random, *one_in) == 0) {
                    let count = u32::try_from(runnable.len()).unwrap_or(u32::MAX);
                    runnable.get(below(random, count) as usize).copied().unwrap_or(rule)
                } else {
                    rule
                }
            }
            Choice::Pct(priorities) => priorities.choose(point.client, must_yield, runnable),
            Choice::Listed(listed) => {
                listed.next(point).filter(|to| runnable.contains(to)).unwrap_or(rule)
            }
            Choice::Along(route) => route.choose(rule, goes_on, runnable),
        };
        self.ran = match self.ran {
            (client, points) if client == next => (client, points + 1),
            _ => (next, 1),
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
            Choice::Listed(listed) => listed.used.iter().filter(|used| !**used).count(),
            Choice::Random { .. } | Choice::Pct(_) | Choice::Along(_) => 0,
        }
    }
}

/// Preemptions, to be looked up by their points.
#[derive(Debug)]
struct Listed {
    /// By point; equal ones in their order.
    preemptions: Vec<Preemption>,
    used: Vec<bool>,
}

impl Listed {
    fn new(list: &[Preemption]) -> Self {
        let mut preemptions = list.to_vec();
        preemptions.sort_by(|one, other| one.compare(&other.point()));
        Self { used: vec![false; preemptions.len()], preemptions }
    }

    /// The first one at this point that was not used.
    fn next(&mut self, point: Point<'_>) -> Option<usize> {
        let start = self
            .preemptions
            .partition_point(|preemption| preemption.compare(&point) == Ordering::Less);
        let here = self.preemptions.iter().zip(&mut self.used).skip(start);
        let mut here = here.take_while(|(preemption, _)| preemption.is_at(point));
        let (preemption, used) = here.find(|(_, used)| !**used)?;
        *used = true;
        Some(preemption.to)
    }
}

impl Preemption {
    fn is_at(&self, point: Point<'_>) -> bool {
        self.compare(&point) == Ordering::Equal
    }

    fn point(&self) -> Point<'_> {
        Point {
            client: self.client,
            operation: self.operation,
            step: &self.step,
            occurrence: self.occurrence,
        }
    }

    /// An order of points, which has no meaning.
    fn compare(&self, point: &Point<'_>) -> Ordering {
        let numbers = (self.client, self.operation, self.occurrence);
        let others = (point.client, point.operation, point.occurrence);
        numbers.cmp(&others).then_with(|| (*self.step).cmp(point.step))
    }
}

/// A number below `end` (multiply and shift: Lemire, "Fast random integer
/// generation in an interval", without the rejection, which does not matter
/// for choices among a few).
pub(super) fn below(random: &mut impl Rng, end: u32) -> u32 {
    let wide = u64::from(random.next_u32()) * u64::from(end);
    u32::try_from(wide >> 32).unwrap_or(0)
}
