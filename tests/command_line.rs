//! The program as its users meet it.

#![expect(clippy::disallowed_methods, reason = "the tests prepare and look at real files")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use storeproof::check::registry::STORES;

pub fn storeproof(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_storeproof"))
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap()
}

pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Bad usage: exit status 2, one line on standard error, nothing else.
pub fn assert_refused(directory: &Path, arguments: &[&str], message: &str) {
    let output = storeproof(directory, arguments);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?} ended with {}", output.status);
    assert_eq!(stderr.trim_end().lines().count(), 1, "{arguments:?} said:\n{stderr}");
    assert!(stderr.contains(message), "{arguments:?} said {stderr:?} and not {message:?}");
    assert_eq!(text(&output.stdout), "", "{arguments:?} wrote results");
}

#[test]
fn bad_usage_is_one_line_and_exit_status_2() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    assert_refused(
        here,
        &["check", "--store", "nonesuch"],
        "no store \"nonesuch\"; there are: coll",
    );
    assert_refused(
        here,
        &["check", "--backend", "floppy"],
        "no backend \"floppy\"; there are: mem",
    );
    assert_refused(here, &["check", "--cases", "0"], "invalid value '0' for '--cases <N>'");
    assert_refused(here, &["check", "--cases", "5", "--time", "5s"], "cannot be used with");
    assert_refused(here, &["check", "--time", "soon"], "expected a time like 90s");
    assert_refused(here, &["check", "--jobs", "0"], "invalid value '0' for '--jobs <N>'");
    assert_refused(here, &["check", "--allow", "everything"], "no divergence \"everything\"");
    assert_refused(here, &["check", "--frobnicate"], "unexpected argument");
    assert_refused(here, &["frobnicate"], "unrecognized subcommand");
    assert_refused(here, &["replay"], "required");
    assert_refused(here, &["driver", "--backend", "floppy"], "invalid value 'floppy'");
    assert_refused(here, &["replay", "absent.json"], "absent.json can't be read");
}

#[test]
fn an_output_directory_that_cannot_be_written_is_refused_before_any_work() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "").unwrap();
    assert_refused(directory.path(), &["check", "--out", "file"], "file can't be made");
    assert_refused(directory.path(), &["check", "--out", "file/below"], "file/below can't be made");
    assert_refused(directory.path(), &["check", "--out", "/proc/here"], "/proc/here can't be made");
}

#[test]
fn a_replay_file_of_another_version_or_kind_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    for (name, content, message) in [
        ("future.json", r#"{"schema": 5, "store": "users"}"#, "schema version 5; this release of"),
        ("list.json", "[1]", "not a replay file"),
        ("cut.json", r#"{"schema": 1, "store""#, "not a replay file"),
        ("empty.json", r#"{"schema": 1}"#, "missing field"),
        (
            "store.json",
            r#"{"schema": 1, "store": "nonesuch", "backend": "memory"}"#,
            "there is no store \"nonesuch\"",
        ),
    ] {
        fs::write(here.join(name), content).unwrap();
        assert_refused(here, &["replay", name], message);
    }
    fs::write(here.join("bytes.json"), b"\xff\xfe").unwrap();
    assert_refused(here, &["replay", "bytes.json"], "not a text in UTF-8");
}

#[test]
fn a_check_writes_a_report_and_repeats_itself_for_a_seed() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let run = |jobs: &str, out: &str| -> Value {
        let arguments = [
            "check", "--seed", "7", "--cases", "40", "--jobs", jobs, "--out", out, "--format",
            "json",
        ];
        let output = storeproof(here, &arguments);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
        let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
        let written = fs::read(here.join(out).join("report.json")).unwrap();
        let mut written: Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(printed, written, "the report that is printed is not the one that is written");
        for time in ["seconds", "speed"] {
            assert!(written.as_object_mut().unwrap().remove(time).is_some(), "no {time:?}");
        }
        written
    };
    let report = run("1", "a");
    assert_eq!(report, run("1", "b"), "two runs with one seed differ");
    assert_eq!(report, run("2", "c"), "one job and two jobs differ");
    for key in ["schema", "version", "seed", "profile", "trace_hash", "reached", "counterexamples"]
    {
        assert!(!report[key].is_null(), "report.json has no {key:?}");
    }
    assert_eq!(report["schema"], 1);
    let cells = report["results"].as_array().unwrap();
    assert_eq!(cells.len(), 7 * STORES.len(), "every store on seven backends");
    for cell in cells {
        for key in ["store", "backend", "cases", "operations", "schedules", "crash_images"] {
            assert!(!cell[key].is_null(), "a result has no {key:?}: {cell}");
        }
        assert_eq!(cell["cases"], 40);
        assert_eq!(cell["violations"], 0, "{cell}");
    }
}

#[test]
fn the_results_are_a_table_with_a_verdict() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["check", "--cases", "20", "--backend", "memory", "--store", "users"];
    let output = storeproof(directory.path(), &arguments);
    let stdout = text(&output.stdout);
    assert!(stdout.starts_with("store  backend  cases"), "{stdout}");
    assert!(stdout.contains("users  memory      20"), "{stdout}");
    assert!(stdout.contains("All holds. Seed "), "{stdout}");
    assert!(stdout.contains("Report: storeproof-out/report.json"), "{stdout}");
}

#[test]
fn the_divergences_are_listed_with_what_they_permit() {
    let directory = tempfile::tempdir().unwrap();
    let output = storeproof(directory.path(), &["check", "--list-divergences"]);
    assert_eq!(output.status.code(), Some(0));
    for name in ["created_at_on_put", "expiry_ignored", "list_unbounded"] {
        assert!(text(&output.stdout).contains(name), "{name} is not listed");
    }
}

#[test]
fn counterexamples_of_earlier_runs_stay_where_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let kept = directory.path().join("out/counterexamples/kept.json");
    fs::create_dir_all(kept.parent().unwrap()).unwrap();
    fs::write(&kept, "kept").unwrap();
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o600)).unwrap();
    let arguments = ["check", "--cases", "5", "--backend", "memory", "--out", "out"];
    assert_eq!(storeproof(directory.path(), &arguments).status.code(), Some(0));
    assert_eq!(fs::read_to_string(kept).unwrap(), "kept");
}
