//! What was broken once stays mended: every replay file in `tests/regressions/`
//! runs again, and holds.
//!
//! A file is saved by `storeproof check --out`, and named for its store, its
//! backend and what it shows.

#![expect(clippy::disallowed_methods, reason = "it reads the saved files")]

use std::{fs, path::Path};

use storeproof::check::{
    backends::{self, BackendUnderTest},
    registry::store_named,
    replay::read_header,
};

use crate::killed_processes::sound;

/// What is wrong with a replay file; none: it can be run, and holds.
fn problem(text: &str, backends: &[Box<dyn BackendUnderTest>]) -> Option<String> {
    let header = match read_header(text) {
        Ok(header) => header,
        Err(error) => return Some(error.to_string()),
    };
    let Some(store) = store_named(&header.store) else {
        return Some(format!("there is no store {:?}", header.store));
    };
    let Some(backend) = backends.iter().find(|backend| backend.name() == header.backend) else {
        return Some(format!("there is no backend {:?}", header.backend));
    };
    match store.replay(text, &**backend) {
        Err(error) => Some(error.to_string()),
        Ok(replayed) => match replayed.violation {
            Some(violation) => Some(format!("it is broken again: {violation:#?}")),
            None if replayed.stale => {
                Some("it is stale: its schedule names points that are gone; save it anew".into())
            }
            None => None,
        },
    }
}

#[test]
fn every_saved_counterexample_holds() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let backends = backends::all_with_processes(scratch.path(), &sound());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/regressions");
    let mut problems = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("the folder of saved counterexamples") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a replay file");
        count += 1;
        if let Some(problem) = problem(&text, &backends) {
            problems.push(format!("{}: {problem}", path.display()));
        }
    }
    assert!(count > 0, "no counterexample is saved in {}", folder.display());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
