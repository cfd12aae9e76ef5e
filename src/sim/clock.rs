//! A clock that stands still until it is told otherwise, and remembers who
//! read it.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use crate::seam::{Clock, Instant};

/// The simulated clock.
///
/// It notes every reading under the client that runs on the present thread
/// ([`enter_client`]), because "now" is part of the history that is checked.
/// A store reads the clock for what it writes into its entities, and the
/// backend below it reads it again for its records: the two see the clock by
/// views of their own, and the store's reading is the one that shows.
///
/// Every operation reads it several times: hence no lock, and only loads and
/// stores. A client's readings are written and taken by the thread that runs
/// it.
#[derive(Clone, Debug)]
pub struct SimClock {
    state: Arc<State>,
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
    start: Instant,
    /// By how many seconds the clock was moved since the start.
    moved: AtomicI64,
    /// How far each client's clock is ahead, in seconds; 0 of those beyond.
    skews: Box<[i64]>,
    readings: Box<[Readings]>,
}

/// What `moved` was at a client's last readings since they were last taken, or
/// [`UNREAD`].
#[derive(Debug)]
struct Readings {
    by_backend: AtomicI64,
    by_store: AtomicI64,
    /// Whether the client gave up a [`Look`].
    gave_up_looking: AtomicBool,
}

const UNREAD: i64 = i64::MIN;

/// A look at what is stored, which is not what the call is about: no reading of it
/// shows, also if it goes on without its client.
#[derive(Debug)]
pub struct Look<'a> {
    clock: &'a SimClock,
    /// The backend's last reading before.
    reading: i64,
    has_ended: bool,
}

impl Default for Readings {
    fn default() -> Self {
        Self {
            by_backend: AtomicI64::new(UNREAD),
            by_store: AtomicI64::new(UNREAD),
            gave_up_looking: AtomicBool::new(false),
        }
    }
}

thread_local! {
    /// Which client's operation this thread is running at the moment.
    static CLIENT: Cell<usize> = const { Cell::new(0) };
}

/// Says that this thread now runs `client`.
pub fn enter_client(client: usize) {
    CLIENT.set(client);
}

/// Whose operation this thread is running at the moment.
pub(super) fn current_client() -> usize {
    CLIENT.get()
}

impl SimClock {
    /// A clock that shows `now` and knows this many clients.
    #[must_use]
    pub fn new(now: Instant, clients: usize) -> Self {
        let readings = (0..clients).map(|_| Readings::default()).collect();
        let state = Arc::new(State {
            start: now,
            moved: AtomicI64::new(0),
            skews: Box::default(),
            readings,
        });
        Self { state, reader: Reader::Backend }
    }

    /// The same, where clients have clocks of their own: each is ahead of what
    /// [`Self::peek`] shows by so many seconds. For a clock that nobody else has.
    #[must_use]
    pub fn with_skews(self, skews: &[i64]) -> Self {
        if skews.is_empty() {
            return self;
        }
        let moved = AtomicI64::new(self.state.moved.load(Ordering::Relaxed));
        let readings = self.state.readings.iter().map(|_| Readings::default()).collect();
        let state = State { start: self.state.start, moved, skews: skews.into(), readings };
        Self { state: Arc::new(state), reader: self.reader }
    }

    /// The same clock, as a store reads it.
    #[must_use]
    pub fn for_store(&self) -> Self {
        Self { state: Arc::clone(&self.state), reader: Reader::Store }
    }

    /// Moves the clock by seconds, back if negative.
    pub fn advance(&self, seconds: i64) {
        self.state.moved.fetch_add(seconds, Ordering::Relaxed);
    }

    /// What the clock shows, without noting it as a reading.
    #[must_use]
    pub fn peek(&self) -> Instant {
        self.after(self.state.moved.load(Ordering::Relaxed))
    }

    /// What `client` read last since this was last asked, by the store if that
    /// read it; none: nobody read the clock for it.
    #[must_use]
    pub fn take_reading(&self, client: usize) -> Option<Instant> {
        let readings = self.state.readings.get(client)?;
        let take = |reading: &AtomicI64| {
            let moved = reading.load(Ordering::Relaxed);
            reading.store(UNREAD, Ordering::Relaxed);
            (moved != UNREAD).then(|| self.after(moved))
        };
        let (by_store, by_backend) = (take(&readings.by_store), take(&readings.by_backend));
        by_store.or(by_backend)
    }

    /// The beginning of a look by the client that runs on this thread.
    #[must_use]
    pub fn look(&self) -> Look<'_> {
        let readings = self.state.readings.get(CLIENT.get());
        let reading = readings.map_or(UNREAD, |own| own.by_backend.load(Ordering::Relaxed));
        Look { clock: self, reading, has_ended: false }
    }

    /// Whether `client` gave up a look since this was last asked: what goes on is that.
    #[must_use]
    pub fn take_given_up_look(&self, client: usize) -> bool {
        let readings = self.state.readings.get(client);
        readings.is_some_and(|own| own.gave_up_looking.swap(false, Ordering::Relaxed))
    }

    /// Whether the store has read it for `client` since the readings were last
    /// taken.
    #[must_use]
    pub fn is_read_by_store(&self, client: usize) -> bool {
        let readings = self.state.readings.get(client);
        readings.is_some_and(|readings| readings.by_store.load(Ordering::Relaxed) != UNREAD)
    }

    fn after(&self, moved: i64) -> Instant {
        self.state.start.saturating_add_seconds(moved)
    }
}

impl Look<'_> {
    /// Its end.
    pub fn end(mut self) {
        self.has_ended = true;
    }
}

impl Drop for Look<'_> {
    fn drop(&mut self) {
        if let Some(readings) = self.clock.state.readings.get(CLIENT.get()) {
            readings.by_backend.store(self.reading, Ordering::Relaxed);
            readings.gave_up_looking.fetch_or(!self.has_ended, Ordering::Relaxed);
        }
    }
}

impl Clock for SimClock {
    fn now(&self) -> Instant {
        let skew = self.state.skews.get(CLIENT.get()).copied().unwrap_or(0);
        let moved = self.state.moved.load(Ordering::Relaxed).saturating_add(skew);
        if let Some(readings) = self.state.readings.get(CLIENT.get()) {
            let reading = match self.reader {
                Reader::Backend => &readings.by_backend,
                Reader::Store => &readings.by_store,
            };
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

    #[test]
    fn the_reading_of_the_store_shows_before_that_of_the_backend() {
        let clock = SimClock::new(Instant::UNIX_EPOCH, 1);
        enter_client(0);
        let by_store = clock.for_store().now();
        clock.advance(1);
        let by_backend = clock.now();
        assert_eq!(clock.take_reading(0), Some(by_store));
        assert_eq!(clock.take_reading(0), None, "both are taken");
        assert_ne!(by_store, by_backend);
    }

    #[test]
    fn what_a_look_reads_does_not_show() {
        let clock = SimClock::new(Instant::UNIX_EPOCH, 1);
        enter_client(0);
        let first = clock.now();
        clock.advance(1);
        let look = clock.look();
        let _ = clock.now();
        look.end();
        assert_eq!(clock.take_reading(0), Some(first));
        assert!(!clock.take_given_up_look(0), "it has ended");
        drop(clock.look());
        assert!(clock.take_given_up_look(0), "it was given up");
        assert!(!clock.take_given_up_look(0), "asked already");
    }

    #[test]
    fn clients_may_have_clocks_that_differ() {
        let clock = SimClock::new(Instant::UNIX_EPOCH, 3).with_skews(&[0, -7]);
        clock.advance(10);
        let readings = [0, 1, 2].map(|client| {
            enter_client(client);
            let now = clock.now();
            assert_eq!(clock.take_reading(client), Some(now), "what it read is noted");
            now.seconds()
        });
        assert_eq!(readings, [10, 3, 10]);
        enter_client(0);
    }
}
