//! Bad usage and bad surroundings: one clear line, and exit status 2.

use std::{
    io::Write,
    panic,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::check::verify;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Failure(pub String);

impl Failure {
    /// A failure with this message.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// Writes results to standard output. A reader that went away is no failure.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Says on standard error why nothing came of it.
pub(super) fn report(failure: &Failure) -> ExitCode {
    // Standard error may be closed: the exit status still tells.
    let _ = writeln!(std::io::stderr(), "storeproof: {failure}");
    ExitCode::from(2)
}

/// The first line of what clap says, or all of it for `--help`.
pub(super) fn report_parse_error(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        return match print(&error.render().to_string()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => report(&failure),
        };
    }
    let text = error.render().to_string();
    let first = text.lines().next().unwrap_or("bad usage");
    let message = first.strip_prefix("error: ").unwrap_or(first);
    report(&Failure(format!("{message} (see storeproof --help)")))
}

/// Sets `stop` when the user interrupts.
pub(super) fn stop_on_interrupt(stop: &Arc<AtomicBool>) -> Result<(), Failure> {
    let stop = Arc::clone(stop);
    ctrlc::set_handler(move || stop.store(true, Ordering::Relaxed))
        .map_err(|error| Failure(format!("can't listen for interrupts: {error}")))
}

/// A panic of a store under proof is a finding, told with its scenario, and not
/// a message on standard error.
pub(super) fn keep_expected_panics_quiet() {
    let loud = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !verify::is_catching_panics() {
            loud(info);
        }
    }));
}
