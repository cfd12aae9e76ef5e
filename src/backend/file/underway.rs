//! The writing calls of a handle that have not come to their ends, whether somebody
//! waits for them or not.

use std::{
    future::{Future, poll_fn},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

#[derive(Clone, Default)]
pub(super) struct Underway(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    calls: usize,
    /// Who waits until there are none.
    waiting: Vec<Waker>,
}

/// One call. It has ended when this is dropped.
struct Counted(Underway);

impl Underway {
    /// The same call, counted from now on until it ends.
    pub(super) fn count<T, C: Future<Output = T>>(
        &self,
        call: C,
    ) -> impl Future<Output = T> + use<T, C> {
        self.state().calls += 1;
        let counted = Counted(self.clone());
        async move {
            let _counted = counted;
            call.await
        }
    }

    /// Waits until there are none.
    pub(super) async fn settle(&self) {
        poll_fn(|context| {
            let mut state = self.state();
            if state.calls == 0 {
                return Poll::Ready(());
            }
            if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                state.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.0.state();
            state.calls -= 1;
            match state.calls {
                0 => std::mem::take(&mut state.waiting),
                _ => Vec::new(),
            }
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}
