//! Which cases a campaign runs next: more of those that still find something new.
//!
//! The time goes to **arms**: a cell (a store on a backend) with fresh cases, or with
//! cases made from its corpus. Every second turn is for the cell that has had the least
//! time so far, so that each cell has its share however little it finds; of its two
//! arms, the less used one has a quarter of these turns at least, the better one the
//! rest. The other turns are for the best arm of all. An arm is as good as its new keys
//! in a second of late: each of its turns counts seven tenths of the one after it. One
//! that had no turn is better than all others.

use std::time::Duration;

use super::corpus::Origin;

/// How much of what was counted before stays when an arm has a turn.
const MEMORY: f64 = 0.7;

/// Where the time went, and what came of it.
#[derive(Clone, Debug)]
pub struct Attention {
    cells: Vec<Cell>,
    turns: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    /// In all.
    time: Duration,
    fresh: Arm,
    mutated: Arm,
    /// How many turns it had as the one with the least time.
    fair_turns: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Arm {
    /// In all.
    time: Duration,
    turns: u64,
    /// New keys of late.
    new: f64,
    /// Seconds of late.
    seconds: f64,
}

impl Arm {
    /// New keys in a second.
    fn rate(&self) -> f64 {
        if self.turns == 0 { f64::INFINITY } else { self.new / self.seconds.max(1e-6) }
    }
}

impl Attention {
    /// To so many cells, none of which had any time yet.
    #[must_use]
    pub fn new(cells: usize) -> Self {
        Self { cells: vec![Cell::default(); cells], turns: 0 }
    }

    /// Whether each cell had a turn.
    #[must_use]
    pub fn has_met_all(&self) -> bool {
        self.cells.iter().all(|cell| cell.time > Duration::ZERO)
    }

    /// Whose turn it is: the number of the cell, and where its cases are to come from.
    /// `can_mutate` says whether the cell of that number has a corpus. None: there are
    /// no cells.
    pub fn next(&mut self, can_mutate: impl Fn(usize) -> bool) -> Option<(usize, Origin)> {
        self.turns += 1;
        let least = (0..self.cells.len()).min_by_key(|cell| self.time(*cell))?;
        if self.time(least) == Duration::ZERO {
            return Some((least, Origin::Fresh));
        }
        if self.turns.is_multiple_of(2) {
            return Some((least, self.fair_origin(least, can_mutate(least))));
        }
        let arms = (0..self.cells.len()).flat_map(|cell| {
            let mutated = can_mutate(cell).then_some((cell, Origin::Mutated));
            [Some((cell, Origin::Fresh)), mutated].into_iter().flatten()
        });
        arms.max_by(|one, other| {
            let by_rate = self.rate(*one).total_cmp(&self.rate(*other));
            // Of equals, the one with the least time.
            by_rate.then_with(|| self.arm(*other).time.cmp(&self.arm(*one).time))
        })
    }

    /// What came of a turn.
    pub fn learn(&mut self, cell: usize, origin: Origin, time: Duration, new_keys: usize) {
        let Some(cell) = self.cells.get_mut(cell) else { return };
        // No turn takes no time at all.
        let time = time.max(Duration::from_nanos(1));
        cell.time += time;
        let arm = match origin {
            Origin::Fresh => &mut cell.fresh,
            Origin::Mutated => &mut cell.mutated,
        };
        arm.time += time;
        arm.turns += 1;
        arm.new = arm.new * MEMORY + new_keys as f64;
        arm.seconds = arm.seconds * MEMORY + time.as_secs_f64();
    }

    fn fair_origin(&mut self, cell: usize, can_mutate: bool) -> Origin {
        let Some(cell) = self.cells.get_mut(cell).filter(|_| can_mutate) else {
            return Origin::Fresh;
        };
        cell.fair_turns += 1;
        if cell.fair_turns.is_multiple_of(4) {
            return match cell.fresh.time <= cell.mutated.time {
                true => Origin::Fresh,
                false => Origin::Mutated,
            };
        }
        if cell.mutated.rate() > cell.fresh.rate() { Origin::Mutated } else { Origin::Fresh }
    }

    fn time(&self, cell: usize) -> Duration {
        self.cells.get(cell).map_or(Duration::MAX, |cell| cell.time)
    }

    fn arm(&self, (cell, origin): (usize, Origin)) -> Arm {
        let cell = self.cells.get(cell).copied().unwrap_or_default();
        match origin {
            Origin::Fresh => cell.fresh,
            Origin::Mutated => cell.mutated,
        }
    }

    fn rate(&self, arm: (usize, Origin)) -> f64 {
        self.arm(arm).rate()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Attention, Origin};

    /// Seconds for each cell and origin, when a turn takes a tenth of a second, and
    /// finds so many new keys.
    fn spent(cells: usize, turns: usize, new: impl Fn(usize, Origin) -> usize) -> Vec<[f64; 2]> {
        let mut attention = Attention::new(cells);
        let mut spent = vec![[0.0; 2]; cells];
        for _ in 0..turns {
            let (cell, origin) = attention.next(|_| true).unwrap();
            attention.learn(cell, origin, Duration::from_millis(100), new(cell, origin));
            spent[cell][usize::from(origin == Origin::Mutated)] += 0.1;
        }
        spent
    }

    #[test]
    fn every_cell_is_met_first_and_has_its_share() {
        let mut attention = Attention::new(3);
        for expected in 0..3 {
            assert!(!attention.has_met_all());
            assert_eq!(attention.next(|_| true), Some((expected, Origin::Fresh)));
            attention.learn(expected, Origin::Fresh, Duration::from_millis(1), 0);
        }
        assert!(attention.has_met_all());
        let spent = spent(10, 2_000, |cell, _| if cell == 0 { 100 } else { 0 });
        for (cell, [fresh, mutated]) in spent.iter().enumerate() {
            assert!(fresh + mutated >= 200.0 / 2.0 / 10.0 - 1.0, "cell {cell} starves: {spent:?}");
        }
    }

    #[test]
    fn more_time_goes_where_more_is_found() {
        let spent = spent(4, 1_000, |cell, origin| match (cell, origin) {
            (2, Origin::Mutated) => 5,
            _ => 0,
        });
        let most = spent[2][1];
        assert!(most > 40.0, "half of 100 s are for the best: {spent:?}");
        assert!(spent[2][0] > 0.0, "its other arm is not forgotten: {spent:?}");
    }

    #[test]
    fn nothing_is_made_from_a_corpus_that_is_empty() {
        let mut attention = Attention::new(2);
        for _ in 0..100 {
            let (cell, origin) = attention.next(|_| false).unwrap();
            assert_eq!(origin, Origin::Fresh);
            attention.learn(cell, origin, Duration::from_millis(1), 1);
        }
        assert_eq!(Attention::new(0).next(|_| true), None);
    }
}
