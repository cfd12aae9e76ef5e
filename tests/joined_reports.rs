//! `--shard` and `merge`: parts that make a whole.

#![expect(clippy::disallowed_methods, reason = "the tests prepare and look at real files")]

use std::{fs, path::Path};

use serde_json::Value;

use crate::{
    campaigns::{half_of, json_of},
    command_line::{assert_refused, storeproof, text},
};

/// The report of a run, which must end well.
pub fn report(directory: &Path, arguments: &[&str], out: &str) -> Value {
    let output = storeproof(directory, &[arguments, &["--out", out]].concat());
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    json_of(&directory.join(out).join("report.json"))
}

/// Without what differs from run to run.
fn comparable(mut report: Value) -> Value {
    for member in ["seconds", "speed", "counterexamples", "shard"] {
        report.as_object_mut().unwrap().remove(member);
    }
    report
}

const SMALL: [&str; 8] =
    ["--store", "users", "--store", "sessions", "--backend", "memory", "--backend", "file"];

#[test]
fn parts_joined_are_the_whole() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    for (cases, of) in [("90", 2_usize), ("7", 3)] {
        let regressions = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/regressions");
        let check = ["check", "--seed", "7", "--cases", cases, "--regressions", regressions];
        let check = [&check[..], &SMALL].concat();
        let whole = report(here, &check, "whole");
        let mut merge = vec!["merge".to_owned()];
        for number in 1..=of {
            let (shard, out) = (format!("{number}/{of}"), format!("part-{of}-{number}"));
            let jobs = number.to_string();
            let arguments = [&check[..], &["--shard", &shard, "--jobs", &jobs]].concat();
            let part = report(here, &arguments, &out);
            assert_eq!(part["shard"], shard);
            let all: u64 = cases.parse().unwrap();
            assert!(part["results"][0]["cases"].as_u64().unwrap() <= all.div_ceil(of as u64));
            merge.push(format!("{out}/report.json"));
        }
        let merge: Vec<&str> = merge.iter().map(String::as_str).collect();
        let merged = report(here, &merge, "joined");
        assert!(merged.get("shard").is_none(), "it is of all of the campaign");
        assert_eq!(comparable(merged), comparable(whole), "{of} parts of {cases} cases");
    }
}

#[test]
fn reports_that_do_not_belong_together_are_not_joined() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let check = ["check", "--cases", "4", "--store", "users", "--backend", "memory"];
    let part = |seed: &str, shard: &str, further: &[&str], out: &str| {
        let arguments = [&check[..], &["--seed", seed, "--shard", shard], further].concat();
        report(here, &arguments, out);
    };
    part("1", "1/2", &[], "a");
    part("1", "2/2", &[], "b");
    part("2", "2/2", &[], "seed");
    part("1", "2/2", &["--profile", "smoke"], "profile");
    part("1", "2/2", &["--backend", "file"], "cells");
    part("1", "2/3", &[], "of-three");
    report(here, &[&check[..], &["--seed", "1"]].concat(), "whole");
    let refused = |others: &[&str], message: &str| {
        let paths: Vec<String> = others.iter().map(|out| format!("{out}/report.json")).collect();
        let mut arguments = vec!["merge", "--out", "joined"];
        arguments.extend(paths.iter().map(String::as_str));
        assert_refused(here, &arguments, message);
        assert!(!here.join("joined/report.json").exists(), "{others:?} were joined");
    };
    refused(&["a", "seed"], "seed/report.json: it has the seed 2, and a/report.json has 1");
    refused(&["a", "profile"], "it has the profile smoke");
    refused(&["a", "cells"], "the stores on backends");
    refused(&["a", "of-three"], "the shard 2/3");
    refused(&["a", "b", "a"], "a/report.json: it is of shard 1/2, as a/report.json is");
    refused(&["b"], "shard 1/2 is missing");
    refused(&["a", "whole"], "whole/report.json: it is not of a part of a campaign");
    // Another version, and garbage.
    let sound = fs::read_to_string(here.join("b/report.json")).unwrap();
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(sound.contains(&version));
    for (edited, message) in [
        (sound.replace(&version, "\"version\": \"9.9.9\""), "the version 9.9.9"),
        (sound.replace("\"schema\": 1", "\"schema\": 2"), "schema version 2"),
        (half_of(&sound), "not a report"),
        (sound.replace("\"shard\": \"2/2\"", "\"shard\": \"2 of 2\""), "expected a part like 2/5"),
        (sound.replace("\"cases\": 2", "\"cases\": 1e400"), "not a report"),
        (sound.replace("\"users\"", "\"../users\""), "the stores on backends"),
        (sound.replace("\"results\": [", "\"results\": [7,"), "not a report"),
    ] {
        assert_ne!(edited, sound, "{message}");
        fs::create_dir_all(here.join("edited")).unwrap();
        fs::write(here.join("edited/report.json"), edited).unwrap();
        refused(&["a", "edited"], message);
    }
    fs::write(here.join("edited/report.json"), b"\xff\x00\xfe").unwrap();
    refused(&["a", "edited"], "not a text in UTF-8");
    // Sums of numbers as large as can be are as large as can be.
    let mut largest: Value = serde_json::from_str(&sound).unwrap();
    for cell in largest["results"].as_array_mut().unwrap() {
        cell["operations"] = u64::MAX.into();
    }
    fs::write(here.join("edited/report.json"), largest.to_string()).unwrap();
    let merge = ["merge", "--out", "joined", "a/report.json", "edited/report.json"];
    let output = storeproof(here, &merge);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let joined = json_of(&here.join("joined/report.json"));
    assert_eq!(joined["results"][0]["operations"], u64::MAX);
}

#[test]
fn a_part_needs_a_seed() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    assert_refused(here, &["check", "--shard", "1/2"], "were not provided: --seed <N>");
    assert_refused(here, &["check", "--seed", "1", "--shard", "3/2"], "expected a part like 2/5");
    let baseline = ["check", "--seed", "1", "--shard", "1/2", "--baseline", "x"];
    assert_refused(here, &baseline, "cannot be used with");
}

/// The report of a run that fails.
fn failed(directory: &Path, arguments: &[&str], out: &str) -> Value {
    let output = storeproof(directory, &[arguments, &["--out", out]].concat());
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    json_of(&directory.join(out).join("report.json"))
}

/// The names of the files that a report names.
fn counterexamples(report: &Value) -> Vec<String> {
    let paths = report["counterexamples"].as_array().unwrap().iter();
    paths.map(|path| path.as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
}

#[test]
fn parts_of_what_fails_show_what_the_whole_shows() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let check = ["check", "--plant", "A47", "--seed", "7", "--cases", "300"];
    // What threads do is not the same twice.
    let check = [&check[..], &["--backend", "file", "--backend", "legacy"]].concat();
    let whole = failed(here, &check, "whole");
    for part in ["1/2", "2/2"] {
        let out = format!("part-{}", &part[..1]);
        let report = failed(here, &[&check[..], &["--shard", part]].concat(), &out);
        // Any of them may be what the whole shows.
        for cell in report["results"].as_array().unwrap() {
            for way in cell["ways"].as_array().unwrap() {
                let name =
                    format!("users-{}-7-{}.json", cell["backend"].as_str().unwrap(), way["case"]);
                assert!(here.join(&out).join("counterexamples").join(&name).is_file(), "{name}");
            }
        }
    }
    // Of another run, under a name of this one's, in the other part's directory.
    let names = counterexamples(&whole);
    assert!(!names.is_empty());
    let strays = names.iter().map(|name| here.join("part-2/counterexamples").join(name));
    let strays: Vec<_> = strays.filter(|stray| !stray.exists()).collect();
    assert!(!strays.is_empty(), "the first part found none of {names:?}");
    strays.iter().for_each(|stray| fs::write(stray, "of somebody else").unwrap());
    let merge = ["merge", "part-2/report.json", "part-1/report.json"];
    let merged = failed(here, &merge, "joined");
    assert_eq!(comparable(merged.clone()), comparable(whole));
    assert_eq!(counterexamples(&merged), names);
    for name in &names {
        let text =
            |out: &str| fs::read_to_string(here.join(out).join("counterexamples").join(name));
        assert_eq!(text("joined").unwrap(), text("whole").unwrap(), "{name}");
    }
}

#[test]
fn a_joined_report_does_not_take_the_place_of_a_part() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let check = ["check", "--cases", "4", "--store", "users", "--backend", "memory", "--seed", "1"];
    report(here, &[&check[..], &["--shard", "1/2"]].concat(), "storeproof-out");
    report(here, &[&check[..], &["--shard", "2/2"]].concat(), "b");
    let part = fs::read(here.join("storeproof-out/report.json")).unwrap();
    let merge = ["merge", "./storeproof-out/report.json", "b/report.json"];
    assert_refused(here, &merge, "give another --out");
    assert_eq!(fs::read(here.join("storeproof-out/report.json")).unwrap(), part);
    report(here, &merge, "joined");
}
