//! How fast a run goes: processor time, beside a calibration in the same run.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::{
    check::calibration,
    report::{bugs::median, speed::Calibration},
};

/// How often the calibration's work is done at a time.
const ROUNDS: usize = 3;

/// Measures the calibration now and then.
#[derive(Default)]
pub(super) struct Calibrating(Vec<f64>);

impl Calibrating {
    /// Measures it now.
    pub(super) fn measure(&mut self) {
        for _ in 0..ROUNDS {
            let before = processor_time();
            // The number is asked for, so that the work is done.
            std::hint::black_box(calibration::work());
            let seconds = processor_time().saturating_sub(before).as_secs_f64();
            self.0.push(1.0 / seconds.max(1e-6));
        }
    }

    /// The median of what was measured.
    pub(super) fn result(&self) -> Calibration {
        Calibration { name: calibration::NAME.to_owned(), per_second: median(self.0.clone()) }
    }
}

/// How long processors have worked for this process: what others do on the machine
/// does not count.
pub(super) fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}
