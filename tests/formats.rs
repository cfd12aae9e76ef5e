//! Formats under review: what was shipped, what is written today, and the
//! verdicts on both.

#![expect(clippy::disallowed_methods, reason = "the tests prepare and look at real files")]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt,
    panic,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use storeproof::formats::{
    all,
    shipped::SHIPPED,
    snapshot::{Snapshot, path_of},
};

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
        (&["--snapshots", "."], "required"),
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

/// A repository in which snapshots were committed, and then changed.
struct Repository {
    directory: tempfile::TempDir,
}

impl Repository {
    /// With all that was shipped.
    fn new() -> Self {
        let repository = Self { directory: tempfile::tempdir().unwrap() };
        for (path, text) in SHIPPED {
            repository.write(path, text);
        }
        fs::create_dir_all(repository.root().join("scripts")).unwrap();
        let script = repository.root().join("scripts/review-formats");
        fs::copy(Path::new(ROOT).join("scripts/review-formats"), &script).unwrap();
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.git(&["add", "."]);
        repository.git(&["commit", "--quiet", "--message=Ship"]);
        repository
    }

    fn root(&self) -> &Path {
        self.directory.path()
    }

    fn write(&self, path: &str, text: &str) {
        write(self.root(), &format!("snapshots/{path}.snap"), text);
    }

    fn git(&self, arguments: &[&str]) {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=A", "-c", "user.email=a@example.org"]);
        let output = command.args(arguments).current_dir(self.root()).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", text(&output.stderr));
    }

    /// A program that says what another release would say.
    fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.root().join(".git").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Runs the review with this release as the current one, and `previous` as
    /// the one before.
    fn review(&self, previous: &Path) -> (Option<i32>, String) {
        let output = Command::new("bash")
            .arg("scripts/review-formats")
            .args(["--current", env!("CARGO_BIN_EXE_storeproof"), "--previous"])
            .arg(previous)
            .current_dir(self.root())
            .output()
            .unwrap();
        let mut said = text(&output.stdout).to_owned();
        write!(said, "{}", text(&output.stderr)).unwrap();
        (output.status.code(), said)
    }

    fn review_with_this_release(&self) -> (Option<i32>, String) {
        self.review(Path::new(env!("CARGO_BIN_EXE_storeproof")))
    }
}

fn cursor() -> Snapshot {
    let (path, text) = SHIPPED.iter().find(|(path, _)| *path == "cursor/v1/damaged").unwrap();
    Snapshot::parse(path, text).unwrap()
}

#[track_caller]
fn assert_said((status, said): &(Option<i32>, String), expected: i32, messages: &[&str]) {
    for message in messages {
        assert!(said.contains(message), "it does not say {message:?}:\n{said}");
    }
    assert_eq!(*status, Some(expected), "{said}");
}

#[test]
fn what_is_shipped_first_has_nothing_before_it() {
    let repository = Repository::new();
    let said = repository.review_with_this_release();
    let messages = ["base: none", "NEW      cursor/v1/damaged", "verdict: holds"];
    assert_said(&said, 0, &messages);
}

#[test]
fn a_review_without_changes_holds() {
    let repository = Repository::new();
    repository.git(&["switch", "--quiet", "--create=change"]);
    repository.git(&["commit", "--quiet", "--allow-empty", "--message=Something else"]);
    let said = repository.review_with_this_release();
    assert_said(&said, 0, &["no snapshot has changed", "verdict: nothing to review"]);
}

#[test]
fn a_review_finds_a_changed_snapshot_of_an_unchanged_version() {
    let repository = Repository::new();
    let mut changed = cursor();
    changed.bytes = b"1.d.Yg".into();
    changed.value["damaged"] = "b".into();
    repository.write(&changed.path(), &changed.to_text());
    let messages = ["CHANGED  cursor/v1/damaged", "a version bump is missing", "| 1.d.Yg"];
    assert_said(&repository.review_with_this_release(), 1, &messages);
    // On a branch, the change is still one when it is committed.
    repository.git(&["switch", "--quiet", "--create=change"]);
    repository.git(&["commit", "--quiet", "--all", "--message=Change"]);
    assert_said(&repository.review_with_this_release(), 1, &messages);
    // And so on main, as the last change that was made.
    repository.git(&["switch", "--quiet", "main"]);
    repository.git(&["merge", "--quiet", "--ff-only", "change"]);
    assert_said(&repository.review_with_this_release(), 1, &messages);
}

#[test]
fn a_review_finds_what_is_written_today_and_was_never_accepted() {
    let repository = Repository::new();
    // So that this release writes other bytes than were shipped, and more.
    let mut shipped = cursor();
    shipped.bytes = b"1.r.0.0.YQ".into();
    shipped.value = serde_json::json!({
        "record": "a",
        "created_at": { "seconds": 0, "nanoseconds": 0 },
    });
    repository.write(&shipped.path(), &shipped.to_text());
    fs::remove_file(repository.root().join("snapshots/cursor/v1/record.snap")).unwrap();
    repository.git(&["add", "."]);
    repository.git(&["commit", "--quiet", "--message=Ship something else"]);
    repository.git(&["switch", "--quiet", "--create=change"]);
    repository.git(&["commit", "--quiet", "--allow-empty", "--message=Change the code"]);
    let messages = [
        "TODAY    cursor/v1/damaged",
        "-| 1.r.0.0.YQ\n    +| 1.d.YQ\n",
        "a version bump is missing: what is written differs from what was shipped",
        "TODAY    cursor/v1/record",
        "it has no snapshot",
        "the previous reader reads it",
        "verdict: does NOT hold, 2 problems",
    ];
    assert_said(&repository.review_with_this_release(), 1, &messages);
}

#[test]
fn a_review_finds_a_snapshot_that_was_removed_or_given_another_meaning() {
    let repository = Repository::new();
    let mut changed = cursor();
    changed.value["damaged"] = "b".into();
    repository.write(&changed.path(), &changed.to_text());
    fs::remove_file(repository.root().join("snapshots/users/v1/full.snap")).unwrap();
    let messages = [
        "CHANGED  cursor/v1/damaged",
        "the bytes are the same and now mean something else",
        "REMOVED  users/v1/full",
    ];
    assert_said(&repository.review_with_this_release(), 1, &messages);
}

#[test]
fn a_review_says_whether_the_previous_reader_reads_the_new_data() {
    let repository = Repository::new();
    let mut added = cursor();
    added.sample = "another".to_owned();
    repository.write(&added.path(), &added.to_text());
    let said = repository.review_with_this_release();
    let messages = ["NEW      cursor/v1/another", "the previous reader reads it", "verdict: holds"];
    assert_said(&said, 0, &messages);

    // A release that fails on it: the version says that it could.
    let refuses = r#"echo '{"schema":1,"version":"0","formats":[],"checked":{"holds":false,"snapshots":[{"path":"cursor/v1/another","reading":"unreadable","detail":"no"}],"unreviewed":[]}}'; exit 1"#;
    let said = repository.review(&repository.program("previous", refuses));
    let messages = ["the previous reader does not read it", "a version bump is missing"];
    assert_said(&said, 1, &messages);

    // A release that has no such command can't tell.
    let said = repository.review(&repository.program("previous", "exit 2"));
    assert_said(&said, 0, &["the previous reader can't tell"]);
}

#[test]
fn a_review_of_a_new_version_holds_though_the_previous_reader_does_not_read_it() {
    let repository = Repository::new();
    let mut next = cursor();
    next.version = 2;
    repository.write(&next.path(), &next.to_text());
    let refuses = r#"echo '{"schema":1,"version":"0","formats":[],"checked":{"holds":false,"snapshots":[{"path":"cursor/v2/damaged","reading":"unreadable","detail":"no"}],"unreviewed":[]}}'; exit 1"#;
    let said = repository.review(&repository.program("previous", refuses));
    let messages = ["NEW      cursor/v2/damaged", "the previous reader does not read it"];
    assert_said(&said, 0, &messages);
    assert!(!said.1.contains("bump is missing"), "{}", said.1);
}

#[test]
fn a_review_fails_when_old_data_no_longer_read() {
    let repository = Repository::new();
    // This release stands for the current one: it does not know the format.
    let mut lost = cursor();
    lost.format = "papyrus".to_owned();
    repository.write(&lost.path(), &lost.to_text());
    repository.git(&["add", "."]);
    repository.git(&["commit", "--quiet", "--message=Ship papyrus"]);
    repository.write("papyrus/v2/damaged", "");
    let said = repository.review_with_this_release();
    let messages =
        ["OLD      papyrus/v1/damaged", "old data no longer reads: format unknown to me"];
    assert_said(&said, 1, &messages);
}
