//! Progress on standard error: a bar on a terminal, plain lines otherwise.

use std::{
    io::{IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{check::campaign::Progress, report::terminal::grouped};

/// How often the bar moves.
const TICK: Duration = Duration::from_millis(100);
/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// How much there is to do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Total {
    /// So many cases.
    Cases(u64),
    /// So much time.
    Time(Duration),
    /// So many bugs, each counted as a case when it is done with.
    Bugs(u64),
}

/// Does `work` while its progress is shown.
#[expect(clippy::disallowed_methods, reason = "progress is about real time")]
pub(super) fn shown<T>(progress: &Progress, total: Total, work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut display = Display::new(total);
            while !done.load(Ordering::Acquire) {
                std::thread::park_timeout(TICK);
                display.update(progress);
            }
            display.finish();
        });
        let _ended = SetWhenDropped(&done);
        work()
    })
}

/// Also where the work panics: the process must end then.
struct SetWhenDropped<'a>(&'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

struct Display {
    bar: Option<ProgressBar>,
    total: Total,
    started: Instant,
    last_line: Instant,
}

impl Display {
    #[expect(clippy::disallowed_methods, reason = "progress is about real time")]
    fn new(total: Total) -> Self {
        let now = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| {
            let length = match total {
                Total::Cases(count) | Total::Bugs(count) => count,
                Total::Time(time) => time.as_secs(),
            };
            let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
            let template = "{elapsed_precise} [{bar:32}] {percent:>3}% {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar
        });
        Self { bar, total, started: now, last_line: now }
    }

    fn update(&mut self, progress: &Progress) {
        let cases = progress.cases.load(Ordering::Relaxed);
        let operations = progress.operations.load(Ordering::Relaxed);
        let elapsed = self.started.elapsed();
        let stage = progress.stage();
        let done = match self.total {
            Total::Bugs(total) => format!("{stage}: {cases} of {total} bugs"),
            Total::Cases(_) | Total::Time(_) => {
                let note = progress.note();
                let note = if note.is_empty() { note } else { format!("; {note}") };
                let (cases, operations) = (grouped(cases), grouped(operations));
                format!("{stage}: {cases} cases, {operations} operations{note}")
            }
        };
        if let Some(bar) = &self.bar {
            bar.set_position(match self.total {
                Total::Cases(_) | Total::Bugs(_) => cases,
                Total::Time(_) => elapsed.as_secs(),
            });
            bar.set_message(done);
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line += LINE_EVERY;
            let share = match self.total {
                Total::Cases(total) | Total::Bugs(total) => cases as f64 / total.max(1) as f64,
                Total::Time(time) => elapsed.as_secs_f64() / time.as_secs_f64().max(1.0),
            };
            // Progress is a courtesy: nobody may be listening.
            let _ = writeln!(
                std::io::stderr(),
                "{:>4} s {:>3.0}% {done}",
                elapsed.as_secs(),
                100.0 * share.min(1.0)
            );
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Progress, Total, shown};

    #[test]
    fn work_that_panics_comes_to_an_end() {
        let work = || -> () { std::panic::resume_unwind(Box::new("on purpose")) };
        let ended = std::panic::catch_unwind(|| shown(&Progress::default(), Total::Cases(1), work));
        assert!(ended.is_err(), "the panic is passed on");
    }
}
