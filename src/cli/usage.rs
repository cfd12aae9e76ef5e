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

use clap::error::ErrorKind;

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
    let _ = writeln!(std::io::stderr(), "storeproof: {}", escaped(&failure.0));
    ExitCode::from(2)
}

/// In one line, whatever the names in it are.
fn escaped(message: &str) -> String {
    let mut shown = String::with_capacity(message.len());
    for c in message.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// What clap says is wrong, in a line; all that it says for `--help`.
pub(super) fn report_parse_error(
    error: &clap::Error,
    is_command: impl Fn(&str) -> bool,
) -> ExitCode {
    if !error.use_stderr() {
        return match print(&error.render().to_string()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => report(&failure),
        };
    }
    let message = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a command is needed".to_owned(),
        _ => problem_of(&error.render().to_string()),
    };
    // It may be no text.
    let first = std::env::args_os().nth(1).and_then(|argument| argument.into_string().ok());
    let help = match first.filter(|name| is_command(name)) {
        Some(command) => format!("storeproof {command} --help"),
        None => "storeproof --help".to_owned(),
    };
    report(&Failure(format!("{message} (see {help})")))
}

/// What is wrong, with the names and tips that clap has below it, and without its usage.
fn problem_of(said: &str) -> String {
    let lines = said.lines().map(str::trim);
    let problem = lines.take_while(|line| {
        !line.starts_with("Usage:") && !line.starts_with("For more information")
    });
    let parts: Vec<&str> = problem.filter(|line| !line.is_empty()).collect();
    let whole = parts.join(" ").replace(" tip: ", "; ");
    whole.strip_prefix("error: ").unwrap_or(&whole).to_owned()
}

/// Sets `stop` when the user interrupts; who does so again has waited long enough.
pub(super) fn stop_on_interrupt(stop: &Arc<AtomicBool>) -> Result<(), Failure> {
    let stop = Arc::clone(stop);
    let stop_or_exit = move || {
        if stop.swap(true, Ordering::Relaxed) {
            std::process::exit(2);
        }
    };
    ctrlc::set_handler(stop_or_exit)
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
