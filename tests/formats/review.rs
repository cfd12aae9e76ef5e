//! What `scripts/review-formats` says of a change, in a repository of its own.
//!
//! The current release is a program that writes what a test says and reads as
//! this one does, so that these tests do not depend on today's formats.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use storeproof::formats::snapshot::Snapshot;

use super::{ROOT, text, write};

/// A cursor as it was shipped.
fn cursor(sample: &str) -> Snapshot {
    Snapshot {
        format: "cursor".to_owned(),
        version: 1,
        sample: sample.to_owned(),
        bytes: b"1.d.YQ".into(),
        value: json!({ "damaged": "a" }),
    }
}

/// The same sample with other bytes and what they mean.
fn changed() -> Snapshot {
    Snapshot { bytes: b"1.d.Yg".into(), value: json!({ "damaged": "b" }), ..cursor("one") }
}

/// A repository in which snapshots were committed, and then changed.
struct Repository {
    directory: tempfile::TempDir,
}

/// Where the current release finds what it writes.
const TODAY: &str = ".git/today";

impl Repository {
    /// With two cursors, which are written today as well.
    fn new() -> Self {
        let repository = Self { directory: tempfile::tempdir().unwrap() };
        fs::create_dir_all(repository.root().join("scripts")).unwrap();
        let script = repository.root().join("scripts/review-formats");
        fs::copy(Path::new(ROOT).join("scripts/review-formats"), &script).unwrap();
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        for sample in ["one", "other"] {
            repository.accept(&cursor(sample));
        }
        repository.commit("Ship");
        let storeproof = env!("CARGO_BIN_EXE_storeproof");
        repository.program(
            "current",
            &format!(
                r#"case "$*" in
                'formats --write '*) cp -R {TODAY} "$3" ;;
                *--snapshots*) exec '{storeproof}' "$@" ;;
                *) echo '{{"schema":1,"checked":{{"snapshots":[],"unreviewed":[]}}}}' ;;
                esac"#
            ),
        );
        repository
    }

    /// The same, on a branch with one commit that has nothing to do with
    /// formats.
    fn on_a_branch() -> Self {
        let repository = Self::new();
        repository.git(&["switch", "--quiet", "--create=change"]);
        repository.git(&["commit", "--quiet", "--allow-empty", "--message=Something else"]);
        repository
    }

    fn root(&self) -> &Path {
        self.directory.path()
    }

    /// Makes a snapshot say this.
    fn show(&self, snapshot: &Snapshot) {
        write(self.root(), &format!("snapshots/{}.snap", snapshot.path()), &snapshot.to_text());
    }

    /// Lets the current release write this.
    fn write_today(&self, snapshot: &Snapshot) {
        let place = self.root().join(TODAY);
        write(&place, &format!("{}.snap", snapshot.path()), &snapshot.to_text());
    }

    /// Both: the change was accepted.
    fn accept(&self, snapshot: &Snapshot) {
        self.show(snapshot);
        self.write_today(snapshot);
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    fn git(&self, arguments: &[&str]) {
        let mut command = self.command("git");
        command.args(["-c", "user.name=A", "-c", "user.email=a@example.org"]);
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", text(&output.stderr));
    }

    /// A command in the repository that knows of no other one, and of nobody's
    /// settings.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.root());
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            command.env_remove(name);
        }
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        command.env("GIT_CEILING_DIRECTORIES", self.root().parent().unwrap());
        command
    }

    /// A program that says what another release would say.
    fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.root().join(".git").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// A release that can't read the snapshot at this path.
    fn release_that_cannot_read(&self, path: &str) -> PathBuf {
        let answer = json!({
            "schema": 1,
            "checked": { "snapshots": [{ "path": path, "reading": "unreadable", "detail": "no" }] },
        });
        self.program("previous", &format!("echo '{answer}'; exit 1"))
    }

    /// Runs the review with `previous` as the release before.
    fn review_with(&self, previous: &Path) -> Said {
        let output = self
            .command("bash")
            .args(["scripts/review-formats", "--current", ".git/current", "--previous"])
            .arg(previous)
            .output()
            .unwrap();
        let mut said = text(&output.stdout).to_owned();
        write!(said, "{}", text(&output.stderr)).unwrap();
        Said { status: output.status.code(), said }
    }

    /// Runs the review; the release before reads as this one does.
    fn review(&self) -> Said {
        self.review_with(Path::new(env!("CARGO_BIN_EXE_storeproof")))
    }
}

struct Said {
    status: Option<i32>,
    said: String,
}

impl Said {
    #[track_caller]
    fn assert(&self, expected: i32, messages: &[&str]) {
        for message in messages {
            assert!(self.said.contains(message), "it does not say {message:?}:\n{}", self.said);
        }
        assert_eq!(self.status, Some(expected), "{}", self.said);
    }
}

#[test]
fn what_is_shipped_first_has_nothing_before_it() {
    let said = Repository::new().review();
    said.assert(0, &["base: none", "NEW      cursor/v1/one", "verdict: holds"]);
}

#[test]
fn without_changes_there_is_nothing_to_review() {
    let said = Repository::on_a_branch().review();
    said.assert(0, &["no snapshot has changed", "verdict: nothing to review"]);
    said.assert(0, &["2 of 2 shipped snapshots still read the same"]);
}

#[test]
fn a_snapshot_that_changed_under_its_version_lacks_a_version_bump() {
    let repository = Repository::new();
    repository.accept(&changed());
    let messages = [
        "CHANGED  cursor/v1/one",
        "-| 1.d.YQ\n    +| 1.d.Yg\n",
        "a version bump is missing",
        "the previous reader reads it",
        "verdict: does NOT hold, 1 problems",
    ];
    repository.review().assert(1, &messages);
    // On a branch, the change is still one when it is committed.
    repository.git(&["switch", "--quiet", "--create=change"]);
    repository.commit("Change");
    repository.review().assert(1, &messages);
    // And so on main, as the last change that was made.
    repository.git(&["switch", "--quiet", "main"]);
    repository.git(&["merge", "--quiet", "--no-ff", "--message=Merge", "change"]);
    repository.review().assert(1, &messages);
}

#[test]
fn what_is_written_today_is_judged_before_it_is_accepted() {
    let repository = Repository::on_a_branch();
    repository.write_today(&changed());
    repository.write_today(&cursor("third"));
    repository.review().assert(
        1,
        &[
            "TODAY    cursor/v1/one",
            "-| 1.d.YQ\n    +| 1.d.Yg\n",
            "a version bump is missing: what is written differs from what was shipped",
            "TODAY    cursor/v1/third",
            "it has no snapshot",
            "the previous reader reads it",
            "verdict: does NOT hold, 2 problems",
        ],
    );
}

#[test]
fn a_snapshot_keeps_its_meaning_and_is_never_removed() {
    let repository = Repository::on_a_branch();
    repository.accept(&Snapshot { value: json!({ "damaged": "b" }), ..cursor("one") });
    fs::remove_file(repository.root().join("snapshots/cursor/v1/other.snap")).unwrap();
    repository.review().assert(
        1,
        &[
            "CHANGED  cursor/v1/one",
            "the bytes are the same and now mean something else",
            "today's reader: reads differently (/damaged: stored \"b\", read \"a\")",
            "REMOVED  cursor/v1/other",
        ],
    );
}

#[test]
fn a_new_sample_must_be_read_by_releases_that_know_its_version() {
    let repository = Repository::on_a_branch();
    let added = cursor("another");
    repository.accept(&added);
    let messages = ["NEW      cursor/v1/another", "the previous reader reads it", "verdict: holds"];
    repository.review().assert(0, &messages);

    let refusing = repository.release_that_cannot_read(&added.path());
    let messages = ["the previous reader does not read it", "a version bump is missing"];
    repository.review_with(&refusing).assert(1, &messages);

    // A release that has no such command can't tell.
    let silent = repository.program("previous", "exit 2");
    repository.review_with(&silent).assert(0, &["the previous reader can't tell"]);
}

#[test]
fn a_new_version_may_be_one_that_the_previous_reader_does_not_read() {
    let repository = Repository::on_a_branch();
    let next = Snapshot { version: 2, ..changed() };
    repository.accept(&next);
    let refusing = repository.release_that_cannot_read(&next.path());
    let said = repository.review_with(&refusing);
    let messages = [
        "NEW      cursor/v2/one",
        // Shown beside the version before.
        "-| 1.d.YQ\n    +| 1.d.Yg\n",
        "the previous reader does not read it: cannot read (no)",
        "verdict: holds",
    ];
    said.assert(0, &messages);
    assert!(!said.said.contains("bump is missing"), "{}", said.said);
}

#[test]
fn old_data_must_go_on_being_read() {
    let repository = Repository::new();
    // The current release does not know the format any more.
    repository.show(&Snapshot { format: "papyrus".to_owned(), ..cursor("one") });
    repository.commit("Ship papyrus");
    repository.git(&["switch", "--quiet", "--create=change"]);
    repository.git(&["commit", "--quiet", "--allow-empty", "--message=Forget papyrus"]);
    let messages =
        ["OLD      papyrus/v1/one", "old data no longer reads: format unknown to me", "NOT hold"];
    repository.review().assert(1, &messages);
}

#[test]
fn without_history_nothing_is_said() {
    let repository = Repository::new();
    fs::remove_dir_all(repository.root().join(".git")).unwrap();
    repository.review().assert(2, &["not a git repository: what was shipped is not known"]);
}
