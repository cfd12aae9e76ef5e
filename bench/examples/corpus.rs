//! Whether a corpus helps: what a campaign reaches in so many seconds with fresh cases
//! alone, and with a corpus besides; and how soon planted bugs are found either way.
//! One thread, processor time, the same seeds.
//!
//! ```text
//! cargo run --release --manifest-path bench/Cargo.toml --example corpus -- 10 3
//! ```
//!
//! The first number is the seconds for a store on a backend, the second one how many
//! seeds there are.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use storeproof::{
    bugs::catalogue::BUGS,
    check::{
        attention::Attention,
        backends::{BackendUnderTest, Hybrid, Memory, Simulated},
        campaign::{Effort, Progress},
        corpus::{Exploration, Explored, Explorer, KnownWays, Origin, opening},
        registry::store_named,
        shard::Shard,
    },
    model::divergence::Divergences,
};

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Cases of one store on some backends, until the time is over or something fails: how
/// many keys were reached, and how long it took.
fn campaign(
    store: &str,
    mut explorer: Box<dyn Explorer>,
    backends: &[&dyn BackendUnderTest],
    seed: u64,
    with_corpus: bool,
    time: Duration,
) -> (usize, Option<Duration>) {
    let mut attention = Attention::new(backends.len());
    let mut next = vec![[0_u64, 0]; backends.len()];
    let started = processor_time();
    loop {
        let has_corpus = with_corpus && explorer.entries() > 0;
        let is_over = |cell: usize| {
            let fresh = next.get(cell).map_or(0, |[fresh, _]| *fresh);
            fresh >= opening(store, backends[cell].name())
        };
        let turn = attention.next(|cell| has_corpus && is_over(cell));
        let (cell, origin) = turn.expect("a backend");
        let first = next[cell][usize::from(origin == Origin::Mutated)];
        let began = processor_time();
        let Explored { findings, new_keys, .. } = explorer.explore(&Exploration {
            backend: backends[cell],
            divergences: &Divergences::default(),
            effort: Effort { seed, first, cases: 32, jobs: 1 },
            shard: Shard::WHOLE,
            origin,
            known: &KnownWays::default(),
            most_ways: 0,
            progress: &Progress::default(),
        });
        next[cell][usize::from(origin == Origin::Mutated)] += findings.cases;
        attention.learn(cell, origin, processor_time() - began, new_keys);
        let took = processor_time() - started;
        let keys = backends.iter().map(|backend| explorer.reached(backend.name())).sum();
        if findings.totals.violations > 0 {
            return (keys, Some(took));
        }
        if took >= time {
            return (keys, None);
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse().expect("a number"));
    let time = Duration::from_secs(arguments.next().unwrap_or(10));
    let seeds = arguments.next().unwrap_or(3);
    let (file, legacy, hybrid) = (Simulated::file(), Simulated::legacy(), Hybrid::over_file());
    let backends: [&dyn BackendUnderTest; 4] = [&Memory, &file, &hybrid, &legacy];

    println!("{:<12} {:<8} {:>8} {:>8} {:>6}", "store", "backend", "fresh", "corpus", "ratio");
    for name in ["collection", "users", "sessions", "workspace"] {
        let store = store_named(name).expect("a store");
        for backend in backends {
            let reached = |with_corpus| -> usize {
                let one =
                    |seed| campaign(name, store.explorer(), &[backend], seed, with_corpus, time).0;
                (0..seeds).map(one).sum::<usize>() / seeds as usize
            };
            let (fresh, corpus) = (reached(false), reached(true));
            let ratio = corpus as f64 / fresh as f64;
            println!("{name:<12} {:<8} {fresh:>8} {corpus:>8} {ratio:>6.2}", backend.name());
        }
    }

    println!("\nseconds until a bug is found (the mean of {seeds} seeds; > where one was not)");
    println!("{:<5} {:>9} {:>9}", "bug", "fresh", "corpus");
    let mut sums = [0.0, 0.0];
    for bug in BUGS {
        let planted: Vec<_> =
            backends.iter().filter_map(|sound| bug.planted.planted_on(*sound)).collect();
        let planted: Vec<&dyn BackendUnderTest> = planted.iter().map(|it| &**it).collect();
        let seconds = [false, true].map(|with_corpus| {
            let one = |seed| {
                let explorer = bug.planted.explorer();
                campaign(bug.planted.store(), explorer, &planted, seed, with_corpus, time)
                    .1
                    .unwrap_or(time * 2)
            };
            (0..seeds).map(one).sum::<Duration>().as_secs_f64() / seeds as f64
        });
        sums.iter_mut().zip(seconds).for_each(|(sum, seconds)| *sum += seconds);
        // Those found at once tell nothing.
        if seconds.iter().any(|seconds| *seconds > 0.5) {
            println!("{:<5} {:>9.2} {:>9.2}", bug.id, seconds[0], seconds[1]);
        }
    }
    println!("{:<5} {:>9.2} {:>9.2}", "all", sums[0], sums[1]);
}
