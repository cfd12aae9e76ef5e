//! The driver's clock.

use std::sync::{Arc, Mutex, PoisonError};

use crate::seam::{Clock, Instant};

/// A clock that runs with another one until it is set; then it stands.
pub(super) struct DriverClock {
    running: Arc<dyn Clock>,
    standing: Mutex<Option<Instant>>,
}

impl DriverClock {
    /// A clock that runs with `running`.
    pub(super) fn new(running: Arc<dyn Clock>) -> Self {
        Self { running, standing: Mutex::default() }
    }

    /// Lets it stand at `now` until it is set again.
    pub(super) fn set(&self, now: Instant) {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }
}

impl Clock for DriverClock {
    fn now(&self) -> Instant {
        let standing = *self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.unwrap_or_else(|| self.running.now())
    }
}
