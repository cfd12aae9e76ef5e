//! Keeps the changes by older software apart.
//!
//! "These guarantees hold among our own processes": a call during which older
//! software makes two changes may see the later one and not the earlier, and no
//! order of the calls explains it. During which it makes one, it either sees it
//! or not. So older software waits before a change until the calls that ran
//! during its last one have returned; those that their clients gave up, too, as
//! they go on without them.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{Mutex, PoisonError},
    task::{Poll, Waker},
};

use crate::sim::executor::Sim;

/// Knows which calls are running, and when older software last changed
/// something.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When each client's running call began.
    running: BTreeMap<usize, u64>,
    /// When those began that go on without their client, by the numbers that the
    /// simulation gave them.
    left_alone: BTreeMap<usize, u64>,
    last_change: u64,
    waiting: Vec<Waker>,
}

impl Gate {
    fn with<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        action(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A call of `client` begins at `time`.
    pub(super) fn begin(&self, client: usize, time: u64) {
        self.with(|state| state.running.insert(client, time));
    }

    /// The call of `client` has returned.
    pub(super) fn end(&self, client: usize) {
        let waiting = self.with(|state| {
            state.running.remove(&client);
            std::mem::take(&mut state.waiting)
        });
        waiting.into_iter().for_each(Waker::wake);
    }

    /// What the running call of `client` was about goes on without it, under these
    /// numbers.
    pub(super) fn leave_alone(&self, client: usize, numbers: &[usize]) {
        self.with(|state| {
            let began = state.running.get(&client).copied();
            let numbers = numbers.iter().copied();
            state.left_alone.extend(numbers.filter_map(|number| Some((number, began?))));
        });
    }

    /// Older software changed something at `time`.
    pub(super) fn changed(&self, time: u64) {
        self.with(|state| state.last_change = time);
    }

    /// Waits until no call is running that began before the last change.
    pub(super) async fn quiet(&self, sim: &Sim) {
        poll_fn(|context| {
            self.with(|state| {
                state.left_alone.retain(|number, _| !sim.has_ended(*number, context.waker()));
                let mut running = state.running.values().chain(state.left_alone.values());
                if running.all(|began| *began > state.last_change) {
                    return Poll::Ready(());
                }
                state.waiting.push(context.waker().clone());
                Poll::Pending
            })
        })
        .await;
    }
}
