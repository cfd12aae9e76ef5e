//! `storeproof replay`.

use std::path::{Path, PathBuf};

use super::{
    Format, Status, client, files,
    usage::{Failure, print},
};
use crate::{
    check::{
        backends,
        registry::{Replayed, store_named},
        replay::read_header,
    },
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
    let mut texts = Vec::new();
    for path in &arguments.files {
        let text = files::read(path)?;
        let header = read_header(&text).map_err(|error| at(path, &error.to_string()))?;
        texts.push((path, text, header));
    }
    let mut violated = false;
    let mut results = Vec::new();
    for (path, text, header) in &texts {
        let store = store_named(&header.store)
            .ok_or_else(|| at(path, &format!("there is no store {:?}", header.store)))?;
        let backend = backends
            .iter()
            .map(AsRef::as_ref)
            .find(|backend| backend.name() == header.backend)
            .ok_or_else(|| at(path, &format!("there is no backend {:?}", header.backend)))?;
        let replayed = store.replay(text, backend).map_err(|error| at(path, &error.to_string()))?;
        violated |= replayed.violation.is_some();
        match arguments.format {
            Format::Human => print(&human(path, store.name(), backend.name(), &replayed))?,
            Format::Json => results.push(json(path, store.name(), backend.name(), &replayed)),
        }
    }
    if arguments.format == Format::Json {
        let document = serde_json::json!({ "schema": 1, "results": results });
        print(&format!("{document:#}\n"))?;
    }
    Ok(if violated { Status::Violated } else { Status::Holds })
}

fn at(path: &Path, problem: &str) -> Failure {
    Failure::new(format!("{}: {problem}", path.display()))
}

fn human(path: &Path, store: &str, backend: &str, replayed: &Replayed) -> String {
    let mut text = format!("{}: ", path.display());
    if replayed.stale {
        text += "STALE: the saved schedule names points that the code no longer comes by; \
                 others were searched. Save it again.\n";
    }
    match &replayed.violation {
        None => text + &format!("holds now (it broke: {})\n", replayed.saved.signature),
        Some(violation) => {
            text + "still broken\n" + &terminal::violation(store, backend, violation)
        }
    }
}

fn json(path: &Path, store: &str, backend: &str, replayed: &Replayed) -> serde_json::Value {
    serde_json::json!({
        "file": path.display().to_string(),
        "store": store,
        "backend": backend,
        "stale": replayed.stale,
        "violation": replayed.violation,
    })
}
