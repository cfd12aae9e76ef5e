//! A clock that stands still until it is told otherwise, and remembers who
//! read it.

use std::{
    cell::Cell,
    sync::{Arc, Mutex, PoisonError},
};

use crate::seam::{Clock, Instant};

/// The simulated clock.
///
/// It notes every reading under the client that runs on the present thread
/// ([`enter_client`]), because "now" is part of the history that is checked.
#[derive(Clone, Debug)]
pub struct SimClock(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    now: Instant,
    /// The last reading of each client since it was last taken.
    readings: Vec<Option<Instant>>,
}

thread_local! {
    /// Which client's operation this thread is running at the moment.
    static CLIENT: Cell<usize> = const { Cell::new(0) };
}

/// Says that this thread now runs `client`.
pub fn enter_client(client: usize) {
    CLIENT.set(client);
}

impl SimClock {
    /// A clock that shows `now` and knows this many clients.
    #[must_use]
    pub fn new(now: Instant, clients: usize) -> Self {
        Self(Arc::new(Mutex::new(State { now, readings: vec![None; clients] })))
    }

    /// Moves the clock by seconds, back if negative.
    pub fn advance(&self, seconds: i64) {
        self.with(|state| state.now = state.now.saturating_add_seconds(seconds));
    }

    /// What the clock shows, without noting it as a reading.
    #[must_use]
    pub fn peek(&self) -> Instant {
        self.with(|state| state.now)
    }

    /// What `client` read last since this was last asked; none: it did not
    /// read the clock.
    #[must_use]
    pub fn take_reading(&self, client: usize) -> Option<Instant> {
        self.with(|state| state.readings.get_mut(client).and_then(Option::take))
    }

    fn with<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        action(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Clock for SimClock {
    fn now(&self) -> Instant {
        self.with(|state| {
            if let Some(reading) = state.readings.get_mut(CLIENT.get()) {
                *reading = Some(state.now);
            }
            state.now
        })
    }
}
