use std::{cell::RefCell, collections::BTreeSet};

use super::{Bounds, Coverage, Decider, EveryInterleaving, Schedule};
use crate::sim::executor::{Client, End, Sim, run};

/// Runs clients with so many points each, and says in which order they went
/// through them.
fn order(points: &[usize], decider: &mut Decider) -> Vec<usize> {
    let sim = Sim::default();
    let log = RefCell::new(Vec::new());
    let client = |number: usize, points: usize| -> Client<'_> {
        let (sim, log) = (&sim, &log);
        Box::pin(async move {
            sim.begin(number, 0);
            for _ in 0..points {
                sim.step("point").await;
                log.borrow_mut().push(number);
            }
        })
    };
    let clients = points.iter().enumerate().map(|(number, points)| client(number, *points));
    assert_eq!(run(&sim, clients.collect(), decider), End::Finished);
    log.into_inner()
}

/// All orders that the search comes by, and what it says it covered.
fn every(points: &[usize], bounds: Bounds) -> (Vec<Vec<usize>>, Coverage) {
    let mut search = EveryInterleaving::new(bounds);
    let mut orders = Vec::new();
    while let Some(mut decider) = search.next_run() {
        orders.push(order(points, &mut decider));
        search.was_run(&mut decider);
        let taken = Schedule::Preemptions(decider.into_taken());
        let replayed = order(points, &mut Decider::new(&taken));
        assert_eq!(orders.last(), Some(&replayed), "a run does not replay from its preemptions");
    }
    (orders, search.coverage())
}

fn bounds(preemptions: Option<u32>) -> Bounds {
    Bounds { preemptions, runs: 1_000_000 }
}

fn factorial(n: usize) -> usize {
    (1..=n).product()
}

fn choose(n: usize, k: usize) -> usize {
    if k > n { 0 } else { factorial(n) / factorial(k) / factorial(n - k) }
}

fn assert_distinct(orders: &[Vec<usize>]) {
    let distinct: BTreeSet<_> = orders.iter().collect();
    assert_eq!(distinct.len(), orders.len(), "an interleaving was run twice");
}

#[test]
fn every_interleaving_is_run_exactly_once() {
    for (first, second) in [(0, 0), (0, 3), (1, 1), (2, 3), (4, 4), (5, 6)] {
        let (orders, coverage) = every(&[first, second], bounds(None));
        assert_distinct(&orders);
        assert_eq!(orders.len(), choose(first + second, first), "{first} and {second} points");
        assert_eq!(coverage.interleavings, orders.len() as u64);
        assert!(coverage.is_whole);
    }
    let (orders, coverage) = every(&[3, 3, 3], bounds(None));
    assert_distinct(&orders);
    assert_eq!(orders.len(), factorial(9) / factorial(3).pow(3));
    assert!(coverage.is_whole);
}

/// How many orders of two clients with `n` points each have at most so many
/// preemptions: an order of *k* blocks has *k* - 2, because the last change of
/// clients comes where one has ended.
fn with_preemptions(n: usize, most: usize) -> usize {
    let blocks = |k: usize| 2 * choose(n - 1, k.div_ceil(2) - 1) * choose(n - 1, k / 2 - 1);
    (2..=most + 2).map(blocks).sum()
}

#[test]
fn with_a_bound_exactly_those_with_so_few_preemptions_are_run() {
    for n in [1, 2, 4, 6] {
        for most in 0..5 {
            let preemptions = Some(u32::try_from(most).unwrap());
            let (orders, coverage) = every(&[n, n], bounds(preemptions));
            let expected = with_preemptions(n, most);
            assert_distinct(&orders);
            assert_eq!(orders.len(), expected, "{n} points, {most} preemptions");
            let whole = expected == choose(2 * n, n);
            assert_eq!(coverage.is_whole, whole, "{n} points, {most} preemptions");
            if !whole {
                assert_eq!(coverage.preemptions, preemptions);
            }
        }
    }
}

#[test]
fn a_search_that_is_cut_says_what_it_covered() {
    let n = 6;
    for runs in [1, 2, 3, 11, 12, 13, 60, 61, 62, 63, 200, 923, 924, 925] {
        let (orders, coverage) = every(&[n, n], Bounds { preemptions: None, runs });
        assert_distinct(&orders);
        let all = choose(2 * n, n);
        assert_eq!(orders.len(), all.min(usize::try_from(runs).unwrap()), "{runs} runs");
        assert_eq!(coverage.is_whole, orders.len() == all, "{runs} runs");
        let covered = (0..12).rev().find(|most| with_preemptions(n, *most) <= orders.len());
        if !coverage.is_whole {
            let said = coverage.preemptions.map(|level| level as usize);
            assert_eq!(said, covered, "{runs} runs");
        }
    }
}

#[test]
fn what_needs_fewer_preemptions_comes_first() {
    let (orders, _) = every(&[4, 4], bounds(None));
    let changes = |order: &Vec<usize>| order.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(orders.is_sorted_by_key(changes), "{orders:?}");
}

#[test]
fn a_race_is_found_with_as_many_preemptions_as_it_needs_and_not_with_fewer() {
    for turns in 2..5 {
        // Only the strict alternation of two clients is a failure.
        let fails = |order: &Vec<usize>| order.windows(2).all(|pair| pair[0] != pair[1]);
        let needed = u32::try_from(2 * turns - 2).unwrap();
        let found = |most| every(&[turns, turns], bounds(Some(most))).0.iter().any(fails);
        assert!(found(needed), "{turns} turns each, {needed} preemptions");
        assert!(!found(needed - 1), "{turns} turns each, {} preemptions", needed - 1);
    }
}

#[test]
fn priorities_change_as_often_as_the_depth_says() {
    let changes = |order: &[usize]| order.windows(2).filter(|pair| pair[0] != pair[1]).count();
    for depth in 1..=4 {
        let mut most = 0;
        for seed in 0..500 {
            let schedule = Schedule::Pct { seed, depth, steps: 30 };
            let mut decider = Decider::new(&schedule);
            let order = order(&[10, 10, 10], &mut decider);
            let changes = changes(&order);
            // Two where clients end, one for each change of a priority.
            assert!(changes <= 1 + depth as usize, "seed {seed}, depth {depth}: {order:?}");
            most = most.max(changes);
        }
        assert_eq!(most, 1 + depth as usize, "depth {depth} never used its changes");
    }
}

#[test]
fn a_schedule_by_priorities_replays_from_its_preemptions() {
    let mut seen = BTreeSet::new();
    for seed in 0..100 {
        let schedule = Schedule::Pct { seed, depth: 3, steps: 12 };
        let mut decider = Decider::new(&schedule);
        let first = order(&[4, 4, 4], &mut decider);
        assert_eq!(first, order(&[4, 4, 4], &mut Decider::new(&schedule)));
        let taken = Schedule::Preemptions(decider.into_taken());
        assert_eq!(first, order(&[4, 4, 4], &mut Decider::new(&taken)), "seed {seed}");
        seen.insert(first);
    }
    assert!(seen.len() > 50, "only {} orders in 100 schedules", seen.len());
}

#[test]
fn a_client_that_asks_again_and_again_does_not_keep_the_others_from_running() {
    let schedules = [
        Schedule::default(),
        Schedule::Random { seed: 1, one_in: u32::MAX },
        Schedule::Pct { seed: 3, depth: 1, steps: 10 },
        Schedule::Pct { seed: 4, depth: 2, steps: 10 },
    ];
    for schedule in schedules {
        let sim = Sim::default();
        let done = std::cell::Cell::new(false);
        let asks: Client<'_> = Box::pin(async {
            while !done.get() {
                sim.step("ask").await;
            }
        });
        let does: Client<'_> = Box::pin(async {
            sim.step("do").await;
            done.set(true);
        });
        let end = run(&sim, vec![asks, does], &mut Decider::new(&schedule));
        assert_eq!(end, End::Finished, "{schedule:?}");
    }
}
