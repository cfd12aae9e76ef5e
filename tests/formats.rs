//! Formats under review: what was shipped, what is written today, and the
//! verdicts on both.

#![expect(clippy::disallowed_methods, reason = "the tests prepare and look at real files")]

use std::{
    collections::BTreeMap,
    fs, panic,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use storeproof::formats::{
    all,
    shipped::SHIPPED,
    snapshot::{Snapshot, path_of},
};

mod review;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const ACCEPT: &str = "scripts/review-formats --accept";

/// The snapshots in the source tree, by their paths without `.snap`.
fn in_the_tree() -> BTreeMap<String, String> {
    let root = Path::new(ROOT).join("snapshots");
    let mut found = BTreeMap::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        let entries = fs::read_dir(&directory).into_iter().flatten();
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "snap") {
                let name = path.strip_prefix(&root).unwrap().with_extension("");
                found.insert(name.to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

/// A changed or missing one is shown as a difference, and fails.
#[test]
fn what_is_written_today_is_what_was_reviewed() {
    let mut changed = Vec::new();
    for format in all() {
        for sample in (format.samples)() {
            let path = path_of(format.name, format.version, sample.name);
            let text = Snapshot::of(format, sample).unwrap().to_text();
            let (folder, name) = path.rsplit_once('/').unwrap();
            let mut settings = insta::Settings::new();
            settings.set_snapshot_path(Path::new(ROOT).join("snapshots").join(folder));
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            let seen = settings.bind(|| {
                panic::catch_unwind(|| insta::assert_snapshot!(name.to_owned(), text)).is_ok()
            });
            if !seen {
                changed.push(path);
            }
        }
    }
    assert!(
        changed.is_empty(),
        "these are not written as their snapshots show (the differences are above):\n  {}\n\
         Something new: {ACCEPT}. Something changed: give the format a new version first, or \
         undo the change.",
        changed.join("\n  ")
    );
}

#[test]
fn the_program_carries_every_snapshot() {
    let carried: BTreeMap<_, _> =
        SHIPPED.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let tree = in_the_tree();
    let lacking: Vec<_> = tree.keys().filter(|path| !carried.contains_key(*path)).collect();
    assert!(lacking.is_empty(), "src/formats/shipped.rs lacks {lacking:?}; run {ACCEPT}");
    assert_eq!(carried, tree);
}

#[test]
fn every_shipped_format_still_reads_as_the_same_value() {
    let output = formats(Path::new(ROOT), &["--check"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

fn formats(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_storeproof"))
        .arg("formats")
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A directory with snapshots of cursors, as another release has them.
fn foreign(change: impl FnOnce(&mut Snapshot)) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let (path, shipped) = SHIPPED.iter().find(|(path, _)| path.starts_with("cursor/v1/")).unwrap();
    let mut snapshot = Snapshot::parse(path, shipped).unwrap();
    change(&mut snapshot);
    let path = snapshot.path();
    write(directory.path(), &format!("{path}.snap"), &snapshot.to_text());
    (directory, path)
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// What the program says of that directory: the exit status and the reading.
fn judged(change: impl FnOnce(&mut Snapshot)) -> (i32, String) {
    let (directory, path) = foreign(change);
    let here = directory.path();
    let output = formats(here, &["--check", "--snapshots", ".", "--format", "json"]);
    let checked = &json(&output)["checked"];
    let [snapshot] = &checked["snapshots"].as_array().unwrap()[..] else {
        panic!("there is one snapshot: {checked}");
    };
    assert_eq!(snapshot["path"], *path);
    let status = output.status.code().unwrap();
    assert_eq!(checked["holds"], status == 0);
    (status, snapshot["reading"].as_str().unwrap().to_owned())
}

#[test]
fn another_releases_snapshots_are_judged() {
    assert_eq!(judged(|_| ()), (0, "same".to_owned()));
    let different = judged(|snapshot| snapshot.value["damaged"] = "b".into());
    assert_eq!(different, (1, "different".to_owned()));
    let unreadable = judged(|snapshot| {
        snapshot.version = 2;
        snapshot.bytes = b"2.d.YQ".into();
    });
    assert_eq!(unreadable, (1, "unreadable".to_owned()));
    let unknown = judged(|snapshot| snapshot.format = "papyrus".to_owned());
    assert_eq!(unknown, (0, "unknown_format".to_owned()));
}

#[test]
fn what_is_no_snapshot_fails_the_check() {
    let (directory, path) = foreign(|_| ());
    let here = directory.path();
    fs::write(here.join("torn.snap"), b"format: cur\xff").unwrap();
    fs::write(here.join("pending.snap.new"), b"not looked at").unwrap();
    let output = formats(here, &["--check", "--snapshots", "."]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot read     torn"), "{said}");
    assert!(said.contains(&format!("reads the same  {path}")), "{said}");
    assert!(said.contains("1 of 2 snapshots read the same."), "{said}");
}

#[test]
fn one_release_writes_what_another_judges() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    assert_eq!(formats(here, &["--write", "today"]).status.code(), Some(0));
    let checked = json(&formats(here, &["--check", "--snapshots", "today", "--format", "json"]));
    assert_eq!(checked["checked"]["holds"], true, "{checked:#}");
    let judged = checked["checked"]["snapshots"].as_array().unwrap().len();
    assert_eq!(judged, all().map(|format| (format.samples)().len()).sum::<usize>());
}

#[test]
fn snapshots_that_are_not_there_are_bad_usage() {
    let directory = tempfile::tempdir().unwrap();
    for (arguments, message) in [
        (&["--check", "--snapshots", "absent"][..], "absent can't be read"),
        (&["--check", "--snapshots", "."], "holds no snapshots"),
        (&["--snapshots", "."], "were not provided: --check"),
        (&["--write", "/proc/here"], "can't be made"),
    ] {
        let output = formats(directory.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = text(&output.stderr);
        assert!(said.contains(message) && said.lines().count() == 1, "{arguments:?}: {said}");
        assert_eq!(text(&output.stdout), "", "{arguments:?} wrote results");
    }
}

#[test]
fn the_formats_are_listed_with_versions_and_snapshots() {
    let directory = tempfile::tempdir().unwrap();
    let output = formats(directory.path(), &[]);
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stdout);
    assert!(said.starts_with("format "), "{said}");
    for format in all() {
        let line = said.lines().find(|line| line.split_whitespace().next() == Some(format.name));
        let line = line.unwrap_or_else(|| panic!("{} is not listed:\n{said}", format.name));
        assert!(line.contains(&format!("v{}: ", format.version)), "{line}");
        assert!(line.ends_with(format.about), "{line}");
    }
    let listed = json(&formats(directory.path(), &["--format", "json"]));
    assert_eq!(listed["schema"], 1);
    assert!(listed["checked"].is_null());
    let count = |format: &Value| format["snapshots"].as_array().unwrap().len();
    let counts = listed["formats"].as_array().unwrap().iter().map(count);
    assert_eq!(counts.sum::<usize>(), SHIPPED.len());
}
