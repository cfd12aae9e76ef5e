//! What faults do to a database.
//!
//! - A **connection that is lost** before the call reached the database, or after the
//!   call had its effect, looks the same to who called: a read gives nothing, and of a
//!   write nobody knows whether it was done (`PostgreSQL`, "Error Codes": 08006
//!   `connection_failure`, 08007 `transaction_resolution_unknown`). The next call has a
//!   connection of its own.
//! - A call that **times out** goes on: its effect may come at any time until the
//!   database has noticed that nobody waits for it, which
//!   [`Collection::settle`](crate::seam::Collection::settle) waits for.
//! - In a **full** database (53100 `disk_full`, `SQLITE_FULL`), and where a transaction
//!   **can't be serialized** (40001 `serialization_failure`, `SQLITE_BUSY`), it is undone:
//!   surely nothing happened.

use std::{
    future::{Future, poll_fn},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use super::{
    executor::Sim,
    faults::{Fault, FaultKind},
};
use crate::seam::{Error, Outcome, Site};

/// What the caller is told. Where the connection was lost does not show.
pub(super) fn failure(fault: &Fault, site: Site) -> Error {
    let outcome = if fault.leaves_open() { Outcome::Unknown } else { Outcome::NotDone };
    let problem = match fault.kind {
        FaultKind::ConnectionLostBefore | FaultKind::ConnectionLostAfter => {
            "the connection to the database is lost"
        }
        FaultKind::TimedOut => "the database gave no answer in time",
        FaultKind::DatabaseFull => "the database is full; make room, then try again",
        FaultKind::SerializationFailure => {
            "the transaction can't be serialized with those beside it; try again"
        }
        _ => {
            let (doing, source) = ("reach the storage".to_owned(), fault.error());
            return Error::Io { site, doing, outcome, source };
        }
    };
    Error::Backend { site, problem: problem.to_owned(), outcome }
}

/// The calls of one handle that timed out and still go on.
#[derive(Default)]
pub(super) struct LateCalls(Arc<Mutex<Late>>);

#[derive(Default)]
struct Late {
    count: usize,
    /// Who waits until there is none.
    waiting: Vec<Waker>,
}

/// One of them, until it is dropped.
struct LateCall(Arc<Mutex<Late>>);

fn lock(late: &Mutex<Late>) -> MutexGuard<'_, Late> {
    late.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LateCalls {
    /// Leaves the call to itself: it is done at some later step of the run.
    pub(super) fn leave(&self, call: impl Future<Output = ()> + Send + 'static, sim: &Sim) {
        lock(&self.0).count += 1;
        let late = LateCall(Arc::clone(&self.0));
        let own = sim.clone();
        let whole = async move {
            own.step("late").await;
            call.await;
            drop(late);
        };
        // No steps of a medium are counted here.
        sim.detach(whole, || 0);
    }

    /// Ends when none goes on.
    pub(super) async fn settle(&self) {
        poll_fn(|context| self.poll(context)).await;
    }

    fn poll(&self, context: &Context<'_>) -> Poll<()> {
        let mut late = lock(&self.0);
        if late.count == 0 {
            return Poll::Ready(());
        }
        late.waiting.push(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for LateCall {
    fn drop(&mut self) {
        let waiting = {
            let mut late = lock(&self.0);
            late.count = late.count.saturating_sub(1);
            std::mem::take(&mut late.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}
