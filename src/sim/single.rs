//! Runs one future on the present thread, without the executor: where nobody decides who
//! comes next.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use super::clock::enter_client;

/// Runs a future that nobody else can hold up, on the spot.
///
/// Returns `None` if it waits for something all the same.
pub fn run_alone<T>(client: usize, future: impl Future<Output = T>) -> Option<T> {
    enter_client(client);
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Runs a future on a thread of its own, while others run what it may have to wait for.
///
/// Returns `None` if nobody wakes it for long: three times `patience`.
pub fn run_beside_others<T>(
    client: usize,
    patience: Duration,
    future: impl Future<Output = T>,
) -> Option<T> {
    enter_client(client);
    let woken = Arc::new(WakesThread { thread: thread::current(), woken: AtomicBool::new(false) });
    let waker = Waker::from(Arc::clone(&woken));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(value);
        }
        // A thread may come out of it at once: for a reason of its own, or woken once more
        // for what it has seen already.
        let in_vain = || {
            thread::park_timeout(patience);
            !woken.woken.swap(false, Ordering::Acquire)
        };
        if (0..3).all(|_| in_vain()) {
            return None;
        }
    }
}

/// Wakes a thread that waits for a future.
struct WakesThread {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for WakesThread {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{run_alone, run_beside_others};
    use crate::backend::turns::Turns;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "what waits for another thread is what is tested"
    )]
    fn a_thread_waits_until_another_one_wakes_it_and_not_for_ever() {
        let turns = Turns::default();
        let held = run_alone(0, turns.everything()).unwrap();
        let patience = Duration::from_millis(20);
        assert!(run_beside_others(1, patience, turns.everything()).is_none(), "nobody wakes it");
        std::thread::scope(|scope| {
            let waiting =
                scope.spawn(|| run_beside_others(1, PATIENCE, turns.everything()).is_some());
            std::thread::sleep(patience);
            drop(held);
            assert!(waiting.join().unwrap(), "it goes on when the turn is given up");
        });
    }
}
