//! Where "now" comes from.

use super::instant::Instant;

/// A clock. Operations read it once; no backend uses its server's.
pub trait Clock: Send + Sync {
    /// The present instant. It may stand still, and may go back.
    fn now(&self) -> Instant;
}

/// The operating system's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        u32::try_from(now.tv_nsec)
            .ok()
            .and_then(|nanoseconds| Instant::new(now.tv_sec, nanoseconds))
            .unwrap_or(Instant::UNIX_EPOCH)
    }
}
