//! The seeded executor: one thread, one client at a time, a decision at every
//! scheduling point.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

/// A handle on the simulation, for everything that has scheduling points.
#[derive(Clone, Debug, Default)]
pub struct Sim(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// More than one client: points are decided. Alone, nobody else could run.
    contended: AtomicBool,
    /// Scheduling points passed.
    steps: AtomicU64,
}

impl Sim {
    /// A scheduling point: the executor decides who runs next. `name` says
    /// what the client is about to do.
    pub fn step(&self, name: &'static str) -> impl Future<Output = ()> + Send + use<> {
        let _ = name;
        std::future::ready(())
    }
}
