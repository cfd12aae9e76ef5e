//! Random schedules of two clients with four operations each.

use std::{cell::Cell, collections::BTreeMap, sync::Arc};

use shuttle::{Config, Runner, scheduler::RandomScheduler, sync::Mutex, thread};
use storeproof::{
    check::{
        backends::Memory,
        crash::CrashCheck,
        generate,
        scenario::{Action, Mode, Scenario},
        statistics::Reached,
        verify::{Target, verify},
    },
    model::{
        collection::{CollectionOp, CollectionSubject, RecordInput},
        divergence::Divergences,
        payload::PayloadInput,
        source::{INSTANTS, RawId},
        subject::Subject,
    },
    seam::Encoding,
    sim::schedule::Schedule,
};

use crate::measure::{Contender, Row};

type S = CollectionSubject;

const CLIENTS: usize = 2;
const OPERATIONS: usize = 4;

pub fn rows() -> Vec<Row> {
    let row = |what: &str, ours: fn(u64, u64)| Row {
        what: what.into(),
        unit: "schedules",
        goal: ">= 300 000",
        ours: Contender::new("storeproof, linearized", ours),
        baselines: vec![Contender::new("shuttle 0.9.9 random, unchecked", with_shuttle)],
    };
    vec![
        row("interleavings 2x4, puts and gets", |job, count| verify_many(count, |n| plain(job, n))),
        row("interleavings 2x4, any operation", |job, count| {
            verify_many(count, |n| {
                generate::case_of_size::<S>(7, job << 32 | n, CLIENTS, OPERATIONS)
            });
        }),
    ]
}

fn verify_many(count: u64, scenario: impl Fn(u64) -> Scenario<CollectionOp>) {
    let target = Target::<S> {
        backend: &Memory,
        open: &|collection, surroundings| S::open(collection, surroundings),
        divergences: &Divergences::default(),
        crashes: CrashCheck::default(),
    };
    // Made once, then run with one schedule after the other.
    let mut pool: Vec<_> = (0..64).map(scenario).collect();
    let mut reached = Reached::new::<S>();
    for number in 0..count {
        let place = number as usize % pool.len();
        let scenario = &mut pool[place];
        scenario.mode = Mode::Simulated(Schedule::Random { seed: number, one_in: 2 });
        let verified = verify(&target, scenario, &mut reached);
        assert!(verified.violation.is_none() && verified.schedules == 1);
    }
}

/// The operations that shuttle's threads do as well.
fn plain(job: u64, case: u64) -> Scenario<CollectionOp> {
    let mut scenario = generate::case_of_size::<S>(7, job << 32 | case, CLIENTS, OPERATIONS);
    let payload = PayloadInput::new(b"{\"n\":1}");
    scenario.clients = (0..CLIENTS)
        .map(|client| {
            (0..OPERATIONS).map(|n| Action::Call(operation(client, n, &payload))).collect()
        })
        .collect();
    scenario
}

fn key_of(client: usize, number: usize) -> &'static str {
    ["a", "b"][(client + number / 2) % 2]
}

fn operation(client: usize, number: usize, data: &PayloadInput) -> CollectionOp {
    let id = RawId(Arc::from(key_of(client, number)));
    if number % 2 == 1 {
        return CollectionOp::Get { id };
    }
    CollectionOp::Put(RecordInput {
        id,
        data: data.clone(),
        encoding: Encoding::JSON,
        created_at: INSTANTS[0],
        updated_at: INSTANTS[0],
        expires_at: None,
    })
}

fn with_shuttle(job: u64, count: u64) {
    let mut config = Config::new();
    config.failure_persistence = shuttle::FailurePersistence::None;
    let scheduler = RandomScheduler::new_from_seed(job, count as usize);
    Runner::new(scheduler, config).run(|| {
        let map = Arc::new(Mutex::new(BTreeMap::new()));
        let threads: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let map = Arc::clone(&map);
                thread::spawn(move || {
                    let seen = Cell::new(0);
                    for number in 0..OPERATIONS {
                        let key = key_of(client, number);
                        let mut map = map.lock().unwrap();
                        if number % 2 == 1 {
                            seen.set(map.get(key).copied().unwrap_or(0));
                        } else {
                            map.insert(key, client * OPERATIONS + number);
                        }
                    }
                    seen.get()
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    });
}
