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
/// A store reads the clock for what it writes into its entities, and the
/// backend below it reads it again for its records: the two see the clock by
/// views of their own, and the store's reading is the one that shows.
#[derive(Clone, Debug)]
pub struct SimClock {
    state: Arc<Mutex<State>>,
    reader: Reader,
}

/// Who reads the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    Backend,
    Store,
}

#[derive(Debug)]
struct State {
    now: Instant,
    /// The last readings of each client since they were last taken.
    readings: Vec<Readings>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Readings {
    by_backend: Option<Instant>,
    by_store: Option<Instant>,
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
        let readings = vec![Readings::default(); clients];
        let state = Arc::new(Mutex::new(State { now, readings }));
        Self { state, reader: Reader::Backend }
    }

    /// The same clock, as a store reads it.
    #[must_use]
    pub fn for_store(&self) -> Self {
        Self { state: Arc::clone(&self.state), reader: Reader::Store }
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

    /// What `client` read last since this was last asked, by the store if that
    /// read it; none: nobody read the clock for it.
    #[must_use]
    pub fn take_reading(&self, client: usize) -> Option<Instant> {
        let readings = self.with(|state| state.readings.get_mut(client).map(std::mem::take))?;
        readings.by_store.or(readings.by_backend)
    }

    fn with<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        action(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Clock for SimClock {
    fn now(&self) -> Instant {
        self.with(|state| {
            if let Some(readings) = state.readings.get_mut(CLIENT.get()) {
                let reading = match self.reader {
                    Reader::Backend => &mut readings.by_backend,
                    Reader::Store => &mut readings.by_store,
                };
                *reading = Some(state.now);
            }
            state.now
        })
    }
}
