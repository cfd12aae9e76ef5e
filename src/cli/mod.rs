//! The command line: one file a subcommand.

mod bugs;
mod campaign;
mod check;
mod chosen;
mod client;
mod data_directory;
mod driver;
mod export;
mod files;
mod formats;
mod gate;
mod inspect;
mod merge;
mod migrate;
mod progress;
mod regressions;
mod replay;
mod speed;
mod summary;
mod usage;

use std::{process::ExitCode, sync::Arc, sync::atomic::AtomicBool};

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

/// Proves persistence layers: runs reference models against real backends.
#[derive(Debug, Parser)]
#[command(name = "storeproof", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the models against the backends.
    Check(check::Arguments),
    /// Plant each bug of the catalogue, and show how fast and in how few steps it
    /// is found.
    Bugs(bugs::Arguments),
    /// Join the reports of the parts of a campaign, each made with --shard.
    Merge(merge::Arguments),
    /// Run saved scenarios again and explain them step by step.
    Replay(replay::Arguments),
    /// Look through a data directory: each file's format, every record, damage,
    /// duplicates, leftovers. Changes nothing.
    Inspect(inspect::Arguments),
    /// Print the content of a data directory as one JSON document. Changes
    /// nothing.
    Export(export::Arguments),
    /// Bring a data directory to the present format. May be interrupted and
    /// repeated; what it does not understand stays as it is.
    Migrate(migrate::Arguments),
    /// Serve our own backends over the driver protocol, on standard input and
    /// output.
    Driver(driver::Arguments),
    /// Be a client of `check` in a process of its own, as it starts them.
    #[command(hide = true)]
    Client,
    /// List the formats on disk and on the wire, and prove that every one that
    /// was ever shipped still reads.
    Formats(formats::Arguments),
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Human,
    /// One JSON document.
    Json,
}

/// What a command found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// All holds.
    Holds,
    /// A violation, or damaged data.
    Violated,
    /// It was interrupted before it could tell.
    Interrupted,
}

impl Status {
    /// What was found counts, also where an interruption left something undone.
    const fn of(violated: bool, interrupted: bool) -> Self {
        match (violated, interrupted) {
            (true, _) => Self::Violated,
            (false, true) => Self::Interrupted,
            (false, false) => Self::Holds,
        }
    }
}

/// Runs the program with the process's arguments.
///
/// Exit status 0: all holds; 1: a violation, damaged data, or what else a command calls a
/// failure; 2: bad usage or surroundings, or interrupted.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let command = Arguments::command();
            let is_command = |name: &str| command.find_subcommand(name).is_some();
            return usage::report_parse_error(&error, is_command);
        }
    };
    let stop = Arc::new(AtomicBool::new(false));
    // Who looks at `stop` comes to an end of his own; others an interrupt ends as it ends any
    // program.
    let looks = match &arguments.command {
        Command::Check(_) | Command::Bugs(_) => true,
        Command::Inspect(_) | Command::Export(_) | Command::Migrate(_) => true,
        Command::Merge(_) | Command::Replay(_) | Command::Formats(_) => false,
        Command::Driver(_) | Command::Client => false,
    };
    if looks && let Err(failure) = usage::stop_on_interrupt(&stop) {
        return usage::report(&failure);
    }
    usage::keep_expected_panics_quiet();
    let result = match &arguments.command {
        Command::Check(arguments) => check::run(arguments, &stop),
        Command::Bugs(arguments) => bugs::run(arguments, &stop),
        Command::Merge(arguments) => merge::run(arguments),
        Command::Replay(arguments) => replay::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments, &stop),
        Command::Export(arguments) => export::run(arguments, &stop),
        Command::Migrate(arguments) => migrate::run(arguments, &stop),
        Command::Driver(arguments) => driver::run(arguments),
        Command::Client => client::run(),
        Command::Formats(arguments) => formats::run(arguments),
    };
    match result {
        Ok(Status::Holds) => ExitCode::SUCCESS,
        Ok(Status::Violated) => ExitCode::from(1),
        Ok(Status::Interrupted) => ExitCode::from(2),
        Err(failure) => usage::report(&failure),
    }
}
