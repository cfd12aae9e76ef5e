//! Runs a future on the calling thread.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

/// Polls `future` to its end on this thread.
///
/// Operations on real files never wait, so the first poll is nearly always the
/// last; the thread parks for any other.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return output;
    }
    // The future was told of a waker that does nothing; polling again with
    // the real one, before parking, loses no wake-up.
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Wakes a parked thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        task::Poll,
        thread,
    };

    use super::block_on;

    #[test]
    fn a_ready_future_gives_its_output() {
        assert_eq!(block_on(async { 7 }), 7);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "another thread has to do the waking")]
    fn a_pending_future_parks_until_another_thread_wakes_it() {
        let opened = Arc::new(AtomicBool::new(false));
        let mut opener = None;
        let mut polls = 0;
        block_on(poll_fn(|context| {
            polls += 1;
            if opened.load(Ordering::SeqCst) {
                return Poll::Ready(());
            }
            // The second poll is the first with a waker that does something.
            if polls == 2 {
                let (waker, opened) = (context.waker().clone(), Arc::clone(&opened));
                opener = Some(thread::spawn(move || {
                    opened.store(true, Ordering::SeqCst);
                    waker.wake();
                }));
            }
            Poll::Pending
        }));
        opener.expect("the thread was started").join().expect("the thread ended");
        assert!(polls >= 3, "only {polls} polls");
    }
}
