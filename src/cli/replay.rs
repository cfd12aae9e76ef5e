//! `storeproof replay`.

use std::path::PathBuf;

use super::{
    Format, Status, client, files,
    usage::{Failure, print},
};
use crate::{
    check::{backends, registry::Replayed, regression::Regression},
    report::terminal,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Replay files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How to write the results.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status, Failure> {
    let scratch = files::scratch_directory()?;
    let backends = backends::all_with_processes(scratch.path(), &client::program()?);
    // All files are read before anything is said: bad usage is one line.
    let mut saved = Vec::new();
    for path in &arguments.files {
        let file = path.display().to_string();
        let regression = Regression::read(file.clone(), files::read(path)?, &backends);
        saved.push(regression.map_err(|error| Failure::new(format!("{file}: {error}")))?);
    }
    let mut violated = false;
    let mut results = Vec::new();
    for regression in &saved {
        let file = &*regression.file;
        let replayed = regression.replay();
        let replayed = replayed.map_err(|error| Failure::new(format!("{file}: {error}")))?;
        violated |= replayed.violation.is_some();
        match arguments.format {
            Format::Human => print(&human(file, regression.cell(), &replayed))?,
            Format::Json => results.push(json(file, regression.cell(), &replayed)),
        }
    }
    if arguments.format == Format::Json {
        let document = serde_json::json!({ "schema": 1, "results": results });
        print(&format!("{document:#}\n"))?;
    }
    Ok(if violated { Status::Violated } else { Status::Holds })
}

fn human(file: &str, (store, backend): (&str, &str), replayed: &Replayed) -> String {
    let mut text = format!("{file}: ");
    if replayed.stale {
        text += "STALE: its schedule or its faults name points that the code no longer comes \
                 by; others were searched. Save it again.\n";
    }
    match &replayed.violation {
        None => text + &format!("holds now (it broke: {})\n", replayed.saved.signature),
        Some(violation) => {
            text + "still broken\n" + &terminal::violation(store, backend, violation)
        }
    }
}

fn json(file: &str, (store, backend): (&str, &str), replayed: &Replayed) -> serde_json::Value {
    serde_json::json!({
        "file": file,
        "store": store,
        "backend": backend,
        "stale": replayed.stale,
        "violation": replayed.violation,
    })
}
