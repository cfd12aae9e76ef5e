//! A clock that stands still until it is told otherwise, and remembers who
//! read it.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use crate::seam::{Clock, Instant};

/// The simulated clock.
///
/// It notes every reading under the client that runs on the present thread
/// ([`enter_client`]), because "now" is part of the history that is checked.
///
/// Every operation reads it several times: hence no lock, and only loads and
/// stores. A client's readings are written and taken by the thread that runs
/// it.
#[derive(Clone, Debug)]
pub struct SimClock(Arc<State>);

#[derive(Debug)]
struct State {
    start: Instant,
    /// By how many seconds the clock was moved since the start.
    moved: AtomicI64,
    /// What `moved` was at the last reading of each client since it was last
    /// taken, or [`UNREAD`].
    readings: Box<[AtomicI64]>,
}

const UNREAD: i64 = i64::MIN;

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
        let readings = (0..clients).map(|_| AtomicI64::new(UNREAD)).collect();
        Self(Arc::new(State { start: now, moved: AtomicI64::new(0), readings }))
    }

    /// Moves the clock by seconds, back if negative.
    pub fn advance(&self, seconds: i64) {
        self.0.moved.fetch_add(seconds, Ordering::Relaxed);
    }

    /// What the clock shows, without noting it as a reading.
    #[must_use]
    pub fn peek(&self) -> Instant {
        self.after(self.0.moved.load(Ordering::Relaxed))
    }

    /// What `client` read last since this was last asked; none: it did not
    /// read the clock.
    #[must_use]
    pub fn take_reading(&self, client: usize) -> Option<Instant> {
        let reading = self.0.readings.get(client)?;
        let moved = reading.load(Ordering::Relaxed);
        reading.store(UNREAD, Ordering::Relaxed);
        (moved != UNREAD).then(|| self.after(moved))
    }

    fn after(&self, moved: i64) -> Instant {
        self.0.start.saturating_add_seconds(moved)
    }
}

impl Clock for SimClock {
    fn now(&self) -> Instant {
        let moved = self.0.moved.load(Ordering::Relaxed);
        if let Some(reading) = self.0.readings.get(CLIENT.get()) {
            reading.store(moved, Ordering::Relaxed);
        }
        self.after(moved)
    }
}

#[cfg(test)]
mod tests {
    use super::{SimClock, enter_client};
    use crate::seam::{Clock, Instant};

    #[test]
    fn a_reading_is_noted_under_its_client_and_taken_once() {
        let clock = SimClock::new(Instant::UNIX_EPOCH, 2);
        enter_client(1);
        let first = clock.now();
        clock.advance(5);
        assert_eq!(clock.peek(), first.saturating_add_seconds(5), "the clock moved");
        assert_eq!(clock.take_reading(0), None, "the other client read nothing");
        assert_eq!(clock.take_reading(1), Some(first), "what it read, not what it shows now");
        assert_eq!(clock.take_reading(1), None, "taken already");
        clock.advance(-10);
        assert_eq!(clock.now(), Instant::UNIX_EPOCH.saturating_add_seconds(-5));
        enter_client(0);
    }
}
