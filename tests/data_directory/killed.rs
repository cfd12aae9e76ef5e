//! A migration that is killed at any moment, with real files and processes.

#![expect(clippy::disallowed_methods, reason = "the test prepares and looks at real files")]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::program::{listing, real, storeproof};

/// How often it is killed.
const ROUNDS: u64 = 50;

/// The files and their bytes, but for the lock files: their generation counts
/// the changes.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let below = |path: &Path| path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
    listing(directory)
        .into_iter()
        .filter(|(path, ..)| !path.ends_with(".storeproof.lock"))
        .map(|(path, _, _, _, bytes)| (below(&path), bytes))
        .collect()
}

/// The built directory, with more users.
fn many() -> tempfile::TempDir {
    let directory = real();
    for number in 0..10 {
        let id = format!("m%2F{number}");
        let user = format!(
            r#"{{"id":"{id}","username":"{id}","created_at":"2025-01-01T00:00:00Z","updated_at":"2025-01-01T00:00:00Z"}}"#
        );
        fs::write(directory.path().join(format!("users/{id}.json")), user).unwrap();
    }
    directory
}

#[test]
fn a_migration_that_is_killed_and_run_again_ends_as_an_undisturbed_one() {
    let untouched = files(many().path());
    let (mut duration, mut exported, mut expected) = (Duration::MAX, Vec::new(), untouched.clone());
    // The shortest of several is no hiccup of the machine.
    for _ in 0..4 {
        let undisturbed = many();
        let path = undisturbed.path().to_str().unwrap();
        exported = storeproof(&["export", path]).stdout;
        let started = Instant::now();
        let output = storeproof(&["migrate", path]);
        duration = duration.min(started.elapsed());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        expected = files(undisturbed.path());
    }
    let mut cut_short = 0;
    for round in 0..ROUNDS {
        let directory = many();
        let path = directory.path().to_str().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_storeproof"))
            .args(["migrate", path])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let moment = duration.mul_f64(round as f64 / ROUNDS as f64);
        std::thread::sleep(moment.max(Duration::from_micros(1)));
        child.kill().unwrap();
        child.wait().unwrap();
        let left = files(directory.path());
        cut_short += usize::from(left != expected && left != untouched);
        assert_eq!(storeproof(&["export", path]).stdout, exported, "round {round}, {moment:?}");
        let again = storeproof(&["migrate", path]);
        assert_eq!(again.status.code(), Some(0), "round {round}, {moment:?}");
        assert_eq!(files(directory.path()), expected, "round {round}, killed after {moment:?}");
    }
    assert!(cut_short > 5, "only {cut_short} of {ROUNDS} migrations were cut short");
}
