//! The program as its users meet it.

#![expect(clippy::disallowed_methods, reason = "the tests prepare and look at real files")]

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader},
    os::unix::{ffi::OsStrExt, fs::PermissionsExt, process::ExitStatusExt},
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
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
    assert_refused(here, &["check", "--cases", "-1"], "invalid value '-1' for '--cases <N>'");
    assert_refused(here, &["bugs", "--seed", "-1"], "invalid value '-1' for '--seed <N>'");
    assert_refused(here, &["bugs", "--id", "A99"], "no bug \"A99\"; there are: A1 ");
    assert_refused(here, &["check", "--cases", "5", "--time", "5s"], "cannot be used with");
    assert_refused(here, &["check", "--jobs", "many"], "(see storeproof check --help)");
    assert_refused(here, &["replay", "a\nb\u{1b}"], "a\\nb\\u{1b} can't be read");
    assert_refused(here, &["check", "--time", "soon"], "expected a time like 90s");
    assert_refused(here, &["check", "--jobs", "0"], "invalid value '0' for '--jobs <N>'");
    assert_refused(here, &["check", "--allow", "everything"], "no divergence \"everything\"");
    assert_refused(here, &["check", "--frobnicate"], "unexpected argument");
    assert_refused(here, &["check", "--sed", "1"], "a similar argument exists: '--seed'");
    assert_refused(here, &["check", "--format", "yaml"], "[possible values: human, json]");
    assert_refused(here, &[], "a command is needed");
    assert_refused(here, &["frobnicate"], "unrecognized subcommand");
    assert_refused(here, &["replay"], "were not provided: <FILE>...");
    assert_refused(here, &["driver", "--backend", "floppy"], "invalid value 'floppy'");
    assert_refused(here, &["replay", "absent.json"], "absent.json can't be read");
    let no_text = Command::new(env!("CARGO_BIN_EXE_storeproof"))
        .args([OsStr::from_bytes(b"\xff"), OsStr::new("--frobnicate")])
        .output()
        .unwrap();
    assert_eq!(no_text.status.code(), Some(2), "{no_text:?}");
    assert_eq!(String::from_utf8_lossy(&no_text.stderr).lines().count(), 1, "{no_text:?}");
}

#[test]
fn a_store_that_is_named_twice_is_checked_once() {
    let directory = tempfile::tempdir().unwrap();
    let check = ["check", "--cases", "3", "--store", "users", "--store", "users"];
    let backends = ["--backend", "memory", "--backend", "memory", "--format", "json"];
    let output = storeproof(directory.path(), &[&check[..], &backends].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let cases: Vec<&Value> =
        report["results"].as_array().unwrap().iter().map(|cell| &cell["cases"]).collect();
    assert_eq!(cases, [3]);
}

#[test]
fn a_replay_that_takes_long_ends_when_it_is_interrupted() {
    let directory = tempfile::tempdir().unwrap();
    let saved = "api_keys-legacy-a-failed-commit-completed-after-it-was-read-past.json";
    let saved = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/regressions").join(saved);
    let mut replay: Value = serde_json::from_slice(&fs::read(saved).unwrap()).unwrap();
    replay["scenario"]["faults"] = json!({ "listed": [] });
    let updates = replay["scenario"]["clients"][0].clone();
    replay["scenario"]["clients"] = json!([updates, updates, updates]);
    replay["scenario"]["mode"] =
        json!({ "exhaustive": { "preemptions": null, "runs": 1_000_000 } });
    let path = directory.path().join("long.json");
    fs::write(&path, replay.to_string()).unwrap();
    let quick = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/regressions/sessions-trimming-names-its-own-session-twice.json");
    // Who runs the tests in the background may have them ignore interrupts.
    let mut child = Command::new("env")
        .args(["--default-signal=INT", env!("CARGO_BIN_EXE_storeproof"), "replay"])
        .args([&quick, &path])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
    assert!(said.contains("holds now"), "{said}");
    assert_eq!(child.try_wait().unwrap(), None, "it is to take longer");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let patience = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if patience.elapsed() > Duration::from_secs(10) {
            child.kill().unwrap();
            panic!("it goes on for 10 s after it was interrupted");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.signal(), Some(2), "{status}");
}

#[test]
fn an_output_directory_that_cannot_be_written_is_refused_before_any_work() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "").unwrap();
    assert_refused(directory.path(), &["check", "--out", "file"], "file can't be made");
    assert_refused(directory.path(), &["check", "--out", "file/below"], "file/below can't be made");
    assert_refused(directory.path(), &["check", "--out", "/proc/here"], "/proc/here can't be made");
    fs::create_dir(directory.path().join("out")).unwrap();
    fs::write(directory.path().join("out/counterexamples"), "").unwrap();
    assert_refused(directory.path(), &["check", "--out", "out"], "move it away");
}

/// The JUnit file takes no other file's place, be it there already or not.
#[test]
fn a_result_in_the_place_of_another_file_is_refused_before_any_work() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let check = ["check", "--cases", "2", "--store", "users", "--backend", "memory"];
    let base = [&check[..], &["--seed", "1", "--out", "base"]].concat();
    assert_eq!(storeproof(here, &base).status.code(), Some(0));
    let kept = fs::read(here.join("base/report.json")).unwrap();
    for arguments in [
        &["--out", "new", "--junit", "new/report.json"][..],
        &["--out", "base", "--junit", "./base/../base/report.json"],
        &["--baseline", "base/report.json", "--junit", "base/report.json"],
    ] {
        let message = "the JUnit file would be in the place of ";
        assert_refused(here, &[&check[..], arguments].concat(), message);
    }
    let merge = ["merge", "base/report.json", "--out", "new", "--junit", "base/report.json"];
    assert_refused(here, &merge, "the JUnit file would be in the place of base/report.json");
    assert_eq!(fs::read(here.join("base/report.json")).unwrap(), kept, "it is as it was");
}

/// What stands in the way when all is done hides no result.
#[test]
fn a_report_that_cannot_be_written_is_printed_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    fs::create_dir_all(here.join("out/report.json")).unwrap();
    let check = ["check", "--cases", "2", "--store", "users", "--backend", "memory"];
    let output = storeproof(here, &[&check[..], &["--out", "out"]].concat());
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stdout).contains("users  memory"), "{output:?}");
    assert!(text(&output.stderr).contains("out/report.json can't be written"), "{output:?}");
}

#[test]
fn a_replay_says_what_is_broken_what_holds_and_what_is_stale() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let plant = ["check", "--plant", "A47", "--seed", "1", "--cases", "200", "--backend", "memory"];
    assert_eq!(storeproof(here, &plant).status.code(), Some(1), "the planted bug is found");
    let found = fs::read_dir(here.join("storeproof-out/counterexamples")).unwrap();
    let found = found.map(|entry| entry.unwrap().path()).next().expect("a replay file");
    let found = found.to_str().unwrap();
    // The store that is proven has no such bug.
    let output = storeproof(here, &["replay", found, "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["schema"], 1);
    let result = &document["results"][0];
    assert_eq!((&result["store"], &result["violation"]), (&json!("users"), &Value::Null));
    let output = storeproof(here, &["replay", found]);
    assert!(text(&output.stdout).contains("holds now (it broke: "), "{output:?}");
    // Faults at calls that nobody makes any more.
    let saved = "users-hybrid-sqlite-a-timed-out-write-read-back-too-early.json";
    let saved = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/regressions").join(saved);
    let mut stale: Value = serde_json::from_slice(&fs::read(saved).unwrap()).unwrap();
    for fault in stale["scenario"]["faults"]["listed"].as_array_mut().unwrap() {
        fault["step"] = "nonesuch".into();
    }
    fs::write(here.join("stale.json"), stale.to_string()).unwrap();
    let output = storeproof(here, &["replay", "stale.json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text(&output.stdout).starts_with("stale.json: STALE: "), "{output:?}");
}

#[test]
fn bugs_says_what_is_found_and_leaves_a_replay_file_of_each() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let bugs = ["bugs", "--id", "A47", "--id", "A71", "--seed", "7", "--out", "out"];
    let output = storeproof(here, &[&bugs[..], &["--steps", "--jobs", "1000"]].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = text(&output.stdout);
    assert!(said.contains("found 2 of 2") && said.contains("All found. Seed 7"), "{said}");
    assert!(said.contains("VIOLATION  users on memory"), "{said}");
    for id in ["A47", "A71"] {
        assert!(here.join(format!("out/bugs/{id}.json")).is_file(), "{id} has no replay file");
    }
    let output = storeproof(here, &[&bugs[..], &["--format", "json"]].concat());
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let written = fs::read(here.join("out/bugs.json")).unwrap();
    assert_eq!(printed, serde_json::from_slice::<Value>(&written).unwrap());
    assert_eq!((&printed["planted"], &printed["found"]), (&json!(2), &json!(2)));
}

#[test]
fn a_replay_file_of_another_version_or_kind_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    for (name, content, message) in [
        ("future.json", r#"{"schema": 6, "store": "users"}"#, "schema version 6; this release of"),
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

/// A scenario that nobody could set up, or wait for: the reason, and nothing else.
#[test]
fn a_replay_file_that_cannot_be_run_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let frame = |backend: &str, member: &str, value: Value| {
        let mut file = json!({
            "schema": 4,
            "store": "users",
            "backend": backend,
            "violation": { "kind": "outcome", "rule": "any", "steps": [] },
            "scenario": { "start": "2026-01-01T00:00:00Z", "handles": 1, "clients": [[]] },
        });
        file["scenario"][member] = value;
        file.to_string()
    };
    let older = |id: &str| json!([{ "id": id, "text": "{}", "modified": "2026-01-01T00:00:00Z" }]);
    let endless = json!({ "random": { "seed": 1, "one_in": 1, "most": u32::MAX } });
    let two = json!([{ "path": "x", "text": "" }, { "path": "x/y", "text": "" }]);
    for (backend, member, value, message) in [
        ("memory", "handles", json!(u32::MAX), "4294967295 handles; there may be 64"),
        ("memory", "clients", json!(vec![json!([]); 65]), "65 clients; there may be 64"),
        ("memory", "faults", endless, "4294967295 faults; there may be 1000"),
        ("memory", "skews", json!([i64::MIN]), "clock is ahead by -9223372036854775808 seconds"),
        ("memory", "setup", json!([{ "advance_clock": i64::MAX }]), "the clock is moved by"),
        ("memory", "setup", json!([{ "reopen": { "variant": 255 } }]), "in variant 255 of 1"),
        ("memory", "mode", json!({ "exhaustive": { "runs": u64::MAX } }), "there may be 1000000"),
        ("memory", "mode", json!({ "processes": {} }), "have no processes of their own"),
        ("file", "mode", json!("threads"), "have no threads of their own"),
        ("legacy", "legacy", older("../a"), "older software has no file for the id \"../a\""),
        ("legacy", "legacy", older("a\n\u{202e}/.b"), "no file for the id \"a\\n\\u{202e}/.b\""),
        ("legacy", "foreign", two, "the file \"x/y\" is in the way of another"),
        ("legacy", "foreign", json!([{ "path": "a/../b", "text": "" }]), "no file can have the"),
        ("memory", "a\nb", json!(1), "holds now"),
    ] {
        fs::write(here.join("it.json"), frame(backend, member, value)).unwrap();
        if message == "holds now" {
            let output = storeproof(here, &["replay", "it.json"]);
            assert!(text(&output.stdout).contains(message), "what is not known is passed over");
            continue;
        }
        assert_refused(here, &["replay", "it.json"], message);
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    fs::write(here.join("deep.json"), &deep).unwrap();
    assert_refused(here, &["replay", "deep.json"], "schema version [[[[[[[[");
    let text = frame("memory", "mode", json!("one\nor two"));
    fs::write(here.join("lines.json"), text).unwrap();
    assert_refused(here, &["replay", "lines.json"], "not a replay file");
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
