//! A client, and whether it can go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Wake, Waker},
};

use super::Client;

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(super) struct Task<'a> {
    /// None once it has come to its end.
    future: Option<Client<'a>>,
    /// Waits for its waker.
    pub(super) blocked: bool,
    woken: Arc<Woken>,
    waker: Waker,
}

impl<'a> Task<'a> {
    pub(super) fn new(future: Client<'a>) -> Self {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        Self { future: Some(future), blocked: false, woken, waker }
    }

    /// Whether it is still alive afterwards.
    pub(super) fn poll(&mut self) -> bool {
        let Some(future) = &mut self.future else { return false };
        let mut context = Context::from_waker(&self.waker);
        if future.as_mut().poll(&mut context).is_ready() {
            self.future = None;
            return false;
        }
        true
    }

    pub(super) fn is_runnable(&mut self) -> bool {
        if self.woken.0.swap(false, Ordering::Relaxed) {
            self.blocked = false;
        }
        self.future.is_some() && !self.blocked
    }
}
