//! Probabilistic concurrency testing.
//!
//! Burckhardt, Kothari, Musuvathi and Nagarakatte, "A Randomized Scheduler with
//! Probabilistic Guarantees of Finding Bugs" (ASPLOS 2010): every client has a
//! priority, drawn at random, and the one with the highest runs; at *d* - 1
//! random steps of *k*, the running one gets a priority below all others. Each
//! run then finds a race that needs *d* things in an order with a probability
//! of at least 1 / (n k^(d-1)), for *n* clients.

use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::below;

/// The priorities of a run.
#[derive(Debug)]
pub(super) struct Priorities {
    random: Xoshiro256PlusPlus,
    /// By client; the highest runs. Drawn when a client is first seen.
    of: Vec<Option<i64>>,
    /// At which steps the running client's priority changes, and to what.
    changes: Vec<(u64, i64)>,
    /// How many steps were made.
    steps: u64,
    /// The lowest priority that was ever given.
    lowest: i64,
}

impl Priorities {
    /// Those of a run of about `steps` steps, changed `depth` - 1 times.
    pub(super) fn new(seed: u64, depth: u32, steps: u32) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let changes = (1..i64::from(depth))
            .map(|priority| (u64::from(below(&mut random, steps.max(1))), priority))
            .collect();
        Self { random, of: Vec::new(), changes, steps: 0, lowest: 0 }
    }

    /// Who of `runnable` goes on, after `running` came to a point; `yields`: it
    /// ran for so long that others must have their turn.
    pub(super) fn choose(&mut self, running: usize, yields: bool, runnable: &[usize]) -> usize {
        let change = self.changes.iter().find(|(step, _)| *step == self.steps);
        let changed = change.map(|(_, priority)| *priority);
        self.steps += 1;
        if let Some(priority) = changed {
            self.set(running, priority);
        }
        if yields {
            self.lowest -= 1;
            self.set(running, self.lowest);
        }
        let highest = runnable.iter().copied().max_by_key(|client| self.priority(*client));
        highest.unwrap_or(running)
    }

    fn set(&mut self, client: usize, priority: i64) {
        if self.of.len() <= client {
            self.of.resize(client + 1, None);
        }
        if let Some(own) = self.of.get_mut(client) {
            *own = Some(priority);
        }
    }

    /// Above those that changes give, and distinct but for a chance of one in
    /// four thousand million.
    fn priority(&mut self, client: usize) -> i64 {
        if let Some(Some(priority)) = self.of.get(client) {
            return *priority;
        }
        let drawn = i64::from(below(&mut self.random, u32::MAX)) + i64::from(u32::MAX);
        self.set(client, drawn);
        drawn
    }
}
