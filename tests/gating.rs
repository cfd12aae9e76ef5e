//! What decides about a change: saved scenarios, a baseline, and what other programs are
//! told.

#![expect(clippy::disallowed_methods, reason = "the tests prepare and look at real files")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use quick_junit::TestCaseStatus;
use serde_json::Value;

use crate::command_line::{assert_refused, storeproof, text};

const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/regressions");
const CHECK: [&str; 9] =
    ["check", "--seed", "7", "--cases", "60", "--store", "users", "--backend", "memory"];

fn check(directory: &Path, further: &[&str]) -> Output {
    storeproof(directory, &[&CHECK[..], further].concat())
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The cases of a suite, each with what is wrong.
type Cases = Vec<(String, Option<String>)>;

/// The suites of a JUnit file: the name of each, and its cases with what is wrong.
fn suites(path: &Path) -> Vec<(String, Cases)> {
    let junit = quick_junit::Report::deserialize_from_str(&fs::read_to_string(path).unwrap());
    let suites = junit.expect("JUnit XML").test_suites.into_iter().map(|suite| {
        let cases = suite.test_cases.into_iter().map(|case| {
            let wrong = match case.status {
                TestCaseStatus::Success { .. } => None,
                TestCaseStatus::NonSuccess { message, description, .. } => {
                    let texts = [message, description].into_iter().flatten();
                    Some(texts.map(|text| text.to_string()).collect::<Vec<_>>().join("\n"))
                }
                TestCaseStatus::Skipped { .. } => Some("skipped".to_owned()),
            };
            (case.name.to_string(), wrong)
        });
        (suite.name.to_string(), cases.collect())
    });
    suites.collect()
}

#[test]
fn saved_scenarios_run_first_and_are_reported() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let output = check(here, &["--regressions", REGRESSIONS, "--junit", "deep/er/junit.xml"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let files = fs::read_dir(REGRESSIONS).unwrap().count();
    let line = format!("Saved scenarios: {files} of {files} hold.");
    assert!(text(&output.stdout).contains(&line), "{}", text(&output.stdout));
    let report = json_of(&here.join("storeproof-out/report.json"));
    assert_eq!(report["regressions"].as_array().unwrap().len(), files);
    let suites = suites(&here.join("deep/er/junit.xml"));
    let names: Vec<&str> = suites.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["users on memory", "regressions"]);
    assert_eq!(suites[0].1, [("every case holds".to_owned(), None)]);
    assert_eq!(suites[1].1.len(), files);
    assert!(suites[1].1.iter().all(|(_, wrong)| wrong.is_none()), "{suites:?}");
}

#[test]
fn a_stale_scenario_is_a_failure() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let saved = "users-hybrid-sqlite-a-timed-out-write-read-back-too-early.json";
    let sound = fs::read_to_string(Path::new(REGRESSIONS).join(saved)).unwrap();
    let mut scenario: Value = serde_json::from_str(&sound).unwrap();
    for fault in scenario["scenario"]["faults"]["listed"].as_array_mut().unwrap() {
        fault["step"] = "nonesuch".into();
    }
    fs::create_dir(here.join("my saved")).unwrap();
    fs::write(here.join("my saved/stale.json"), scenario.to_string()).unwrap();
    fs::write(here.join("my saved/sound.json"), sound).unwrap();
    fs::write(here.join("my saved/README.md"), "not a replay file").unwrap();
    let output = check(here, &["--regressions", "my saved", "--junit", "junit.xml"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let stdout = text(&output.stdout);
    assert!(stdout.contains("STALE  my saved/stale.json\n"), "{stdout}");
    assert!(stdout.contains("replay: storeproof replay 'my saved/stale.json'"), "{stdout}");
    assert!(stdout.contains("Saved scenarios: 1 of 2 hold."), "{stdout}");
    let report = json_of(&here.join("storeproof-out/report.json"));
    let files: Vec<_> =
        report["regressions"].as_array().unwrap().iter().map(|it| &it["file"]).collect();
    assert_eq!(files, ["my saved/sound.json", "my saved/stale.json"], "as the system has them");
    let suites = suites(&here.join("junit.xml"));
    let wrong: Vec<_> = suites[1].1.iter().filter(|(_, wrong)| wrong.is_some()).collect();
    assert_eq!(wrong.len(), 1, "{suites:?}");
    assert!(wrong[0].1.as_ref().unwrap().contains("save it anew"), "{suites:?}");
}

#[test]
fn a_saved_scenario_that_cannot_be_run_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let name = "users-legacy-directory-in-the-way.json";
    let sound = fs::read_to_string(Path::new(REGRESSIONS).join(name)).unwrap();
    let schema = format!("\"schema\": {}", json_of(&Path::new(REGRESSIONS).join(name))["schema"]);
    fs::create_dir(here.join("saved")).unwrap();
    let refused = |bytes: &[u8], message: &str| {
        fs::write(here.join("saved/it.json"), bytes).unwrap();
        for problem in ["saved/it.json", message] {
            assert_refused(here, &["check", "--regressions", "saved"], problem);
        }
    };
    refused(&sound.as_bytes()[..sound.len() / 2], "not a replay file");
    refused(sound.replace(&schema, "\"schema\": 99").as_bytes(), "schema version 99");
    refused(sound.replace("\"users\"", "\"nonesuch\"").as_bytes(), "no store \"nonesuch\"");
    refused(
        sound.replace("\"backend\": \"legacy\"", "\"backend\": \"floppy\"").as_bytes(),
        "floppy",
    );
    refused(sound.replace("\"handles\": ", "\"handles\": 9e99").as_bytes(), "not a replay file");
    refused(b"\xff\xfe{}", "not a text in UTF-8");
    refused(b"", "not a replay file");
    // Before any is run.
    refused(
        sound.replace("\"handles\": ", "\"handles\": 99").as_bytes(),
        "can't be run: it has 99",
    );
    let allow = sound.replace("\"backend\"", "\"allow\": [\"nonesuch\"], \"backend\"");
    refused(allow.as_bytes(), "permits the divergence \"nonesuch\"");
    fs::write(here.join("sound.json"), &sound).unwrap();
    assert_refused(here, &["replay", "sound.json", "saved/it.json"], "permits the divergence");
    fs::remove_file(here.join("saved/it.json")).unwrap();
    assert_refused(here, &["check", "--regressions", "saved"], "no replay file in it");
    assert_refused(here, &["check", "--regressions", "absent"], "absent can't be read");
}

#[test]
fn a_baseline_notices_what_is_lost_and_what_is_slower() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let first = check(here, &["--out", "base"]);
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stdout));
    let mut baseline = json_of(&here.join("base/report.json"));
    // A run of milliseconds beside other tests may take several times as long as another.
    let seconds = baseline["speed"]["cells"][0]["seconds"].as_f64().unwrap();
    baseline["speed"]["cells"][0]["seconds"] = (seconds * 20.0).into();
    let compared = |baseline: &Value| {
        fs::write(here.join("baseline.json"), baseline.to_string()).unwrap();
        let output =
            check(here, &["--baseline", "baseline.json", "--junit", "junit.xml", "--out", "now"]);
        (output.status.code().unwrap(), text(&output.stdout).to_owned())
    };
    let (status, said) = compared(&baseline);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("Baseline: nothing is worse.\n"), "{said}");

    baseline["reached"]["users.get:nonesuch"] = 1.into();
    let (status, said) = compared(&baseline);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("WORSE  users.get:nonesuch was reached in the baseline"), "{said}");
    assert!(said.contains("Worse than the baseline. Seed 7"), "{said}");
    let suites = suites(&here.join("junit.xml"));
    assert_eq!(suites[1].0, "baseline");
    assert!(suites[1].1[0].1.as_ref().unwrap().contains("users.get:nonesuch"), "{suites:?}");
    baseline["reached"].as_object_mut().unwrap().remove("users.get:nonesuch");

    // A hundred times as fast as this program ever was.
    baseline["speed"]["cells"][0]["seconds"] = (seconds / 100.0).into();
    let (status, said) = compared(&baseline);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("times as fast as in the baseline, less than 0.5"), "{said}");
    // On a machine that is faster by more than that, it is no wonder.
    let speed = baseline["speed"]["calibration"]["per_second"].as_f64().unwrap();
    baseline["speed"]["calibration"]["per_second"] = (speed * 2_000.0).into();
    assert_eq!(compared(&baseline).0, 0);

    baseline.as_object_mut().unwrap().remove("speed");
    let (status, said) = compared(&baseline);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("Baseline: not compared are speeds: the baseline has none.\n"), "{said}");
    baseline["seed"] = 8.into();
    let (_, said) = compared(&baseline);
    assert!(said.contains("Baseline: seed is 7 here and 8 there: other cases may"), "{said}");
}

#[test]
fn a_baseline_that_is_none_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    assert_eq!(check(here, &["--out", "base"]).status.code(), Some(0));
    let sound = fs::read_to_string(here.join("base/report.json")).unwrap();
    let refused = |bytes: &[u8], message: &str| {
        fs::write(here.join("baseline.json"), bytes).unwrap();
        let arguments = [&CHECK[..], &["--baseline", "baseline.json"]].concat();
        assert_refused(here, &arguments, message);
        assert_refused(here, &arguments, "baseline.json: ");
    };
    refused(&sound.as_bytes()[..sound.len() / 2], "not a report");
    refused(sound.replace("\"schema\": 1", "\"schema\": 2").as_bytes(), "schema version 2");
    refused(
        sound.replace("\"seconds\": ", "\"seconds\": \"long\", \"x\": ").as_bytes(),
        "not a re",
    );
    refused(sound.replace("\"operations\": ", "\"operations\": -").as_bytes(), "not a report");
    let huge = sound.replace("\"operations\": ", "\"operations\": 99999999999999999999");
    refused(huge.as_bytes(), "not a report");
    refused(b"\x00\xff\x10", "not a text in UTF-8");
    refused(b"{}", "not a report");
    let absent = [&CHECK[..], &["--baseline", "absent.json"]].concat();
    assert_refused(here, &absent, "absent.json can't be read");
    // Before anything is run.
    refused(sound.replace("\"per_second\": ", "\"per_second\": -").as_bytes(), "can't be");
    refused(sound.replace("\"users\"", "\"nonesuch\"").as_bytes(), "nothing can be compared");
    let interrupted = sound.replace("\"interrupted\": false", "\"interrupted\": true");
    refused(interrupted.as_bytes(), "of a run that was interrupted");
    let part = sound.replace("\"profile\"", "\"shard\": \"1/2\", \"profile\"");
    refused(part.as_bytes(), "of one part of the cases");
    let planted = sound.replace("\"profile\"", "\"planted\": \"A47\", \"profile\"");
    refused(planted.as_bytes(), "with a planted bug");
    assert!(!here.join("storeproof-out").exists(), "it was refused after all the work");
    // Whoever looks for results finds that there are none.
    fs::write(here.join("junit.xml"), "of an earlier run").unwrap();
    let absent = ["check", "--regressions", "absent", "--junit", "junit.xml"];
    assert_refused(here, &absent, "absent can't be read");
    let suites = suites(&here.join("junit.xml"));
    let wrong = suites[0].1[0].1.as_deref();
    assert_eq!(wrong, Some("it ended before it had results"), "{suites:?}");
    // Not a file that one can write.
    let junit = [&CHECK[..], &["--junit", "base"]].concat();
    assert_refused(here, &junit, "base can't be written");
}

#[test]
fn github_is_told_where_it_runs_the_check() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    assert_eq!(check(here, &["--out", "base"]).status.code(), Some(0));
    let mut baseline = json_of(&here.join("base/report.json"));
    // Nothing is slower, whatever else runs on the machine.
    baseline["speed"]["cells"][0]["seconds"] = 1_000.into();
    baseline["reached"]["users.get:100%"] = 1.into();
    fs::write(here.join("baseline.json"), baseline.to_string()).unwrap();
    let run = |value: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_storeproof"));
        command.args(CHECK).args(["--baseline", "baseline.json", "--format", "json"]);
        command.current_dir(here).env_remove("GITHUB_ACTIONS");
        if let Some(value) = value {
            command.env("GITHUB_ACTIONS", value);
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let json: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
        assert_eq!(json["seed"], 7);
        text(&output.stderr).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let is_command = |line: &String| line.starts_with("::");
    let lines: Vec<String> = run(Some("true")).into_iter().filter(is_command).collect();
    let expected = "::error title=worse than the baseline::users.get:100%25 was reached in the \
                    baseline, and is not any more";
    assert_eq!(lines, [expected]);
    assert!(!run(None).iter().any(is_command), "nobody reads them elsewhere");
    assert!(!run(Some("false")).iter().any(is_command));
}

#[test]
fn divergences_are_permitted_by_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let list = "# what our database does\n\nlist_unbounded  # since 2024\n  created_at_on_put\n";
    fs::write(here.join("allow.txt"), list).unwrap();
    let output = check(here, &["--allow-file", "allow.txt", "--allow", "expiry_ignored"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let said = "no violation: ";
    let told = text(&output.stdout).lines().find_map(|line| line.split_once(said)).map(|at| at.1);
    let told = told.unwrap_or_else(|| panic!("it is not told: {}", text(&output.stdout)));
    assert!(told.contains("created_at_on_put") && told.contains("expiry_ignored"), "{told}");
    let report = json_of(&here.join("storeproof-out/report.json"));
    let allowed: Vec<&str> =
        report["allowed"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for name in ["list_unbounded", "created_at_on_put", "expiry_ignored"] {
        assert!(allowed.contains(&name), "{name} is not among {allowed:?}");
    }
    fs::write(here.join("allow.txt"), "# one\nnonesuch\n").unwrap();
    let arguments = [&CHECK[..], &["--allow-file", "allow.txt"]].concat();
    assert_refused(here, &arguments, "allow.txt:2: no divergence \"nonesuch\"");
    fs::write(here.join("allow.txt"), b"\xff").unwrap();
    assert_refused(here, &arguments, "allow.txt: not a text in UTF-8");
    assert_refused(here, &[&CHECK[..], &["--allow-file", "absent"]].concat(), "absent can't be");
}

#[test]
fn a_planted_bug_closes_the_gate_and_is_told_apart_from_a_finding() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let plant = |id: &str, further: &[&str]| {
        let check = ["check", "--seed", "7", "--cases", "200", "--plant", id];
        storeproof(here, &[&check[..], further].concat())
    };
    let output = plant("A47", &["--backend", "memory", "--junit", "junit.xml"]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    assert!(stdout.contains("found  A47 is planted: that something fails is right."), "{stdout}");
    let report = json_of(&here.join("storeproof-out/report.json"));
    assert_eq!(report["planted"], "A47");
    let cells = report["results"].as_array().unwrap();
    assert_eq!((cells.len(), &cells[0]["store"]), (1, &Value::from("users")), "its store alone");
    let suites = suites(&here.join("junit.xml"));
    let failed = suites.iter().flat_map(|(_, cases)| cases).filter(|(_, wrong)| wrong.is_some());
    assert!(failed.count() > 0, "{suites:?}");

    // One that these cases can't show: nothing is claimed.
    let output = storeproof(
        here,
        &["check", "--seed", "7", "--cases", "1", "--plant", "A18", "--backend", "memory"],
    );
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.contains("NOT FOUND  A18 is planted"), "{stdout}");
    assert!(stdout.contains("Nothing was found."), "{stdout}");

    for (arguments, message) in [
        (&["check", "--plant", "A99"][..], "no bug \"A99\""),
        (&["check", "--plant", "A47", "--profile", "deep"], "not for a campaign"),
        (&["check", "--plant", "A47", "--time", "1s"], "cannot be used with"),
        (&["check", "--plant", "A47", "--store", "users"], "cannot be used with"),
    ] {
        assert_refused(here, arguments, message);
    }
}
