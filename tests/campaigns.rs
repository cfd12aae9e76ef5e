//! Campaigns: parts that make a whole, and interruptions that lose nothing.

#![expect(clippy::disallowed_methods, reason = "the tests prepare and look at real files")]

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use storeproof::{
    bugs::catalogue::bug_named,
    check::{
        backends::{BackendUnderTest, Memory, Simulated},
        campaign::{Effort, Progress},
        corpus::{Exploration, Explored, Explorer, MOST_ENTRIES, Origin, opening},
        registry::store_named,
        shard::Shard,
    },
    model::divergence::Divergences,
};

use crate::command_line::{assert_refused, storeproof, text};

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The report of a run, which must end well.
fn report(directory: &Path, arguments: &[&str], out: &str) -> Value {
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

/// As of a file that was cut short, but for a character.
fn half_of(text: &str) -> String {
    text[..text.floor_char_boundary(text.len() / 2)].to_owned()
}

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
    // Sums of numbers as large as can be are not too large.
    let largest = sound.replace("\"operations\": ", "\"operations\": 184467440737095516");
    fs::write(here.join("edited/report.json"), &largest).unwrap();
    let output = storeproof(here, &["merge", "a/report.json", "edited/report.json"]);
    assert!(matches!(output.status.code(), Some(0 | 2)), "{output:?}");
}

#[test]
fn a_part_needs_a_seed() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    assert_refused(here, &["check", "--shard", "1/2"], "required");
    assert_refused(here, &["check", "--seed", "1", "--shard", "3/2"], "expected a part like 2/5");
    let baseline = ["check", "--seed", "1", "--shard", "1/2", "--baseline", "x"];
    assert_refused(here, &baseline, "cannot be used with");
}

/// A campaign under way.
struct Running {
    child: Child,
    out: std::path::PathBuf,
}

impl Running {
    fn start(directory: &Path, arguments: &[&str]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_storeproof"))
            .args(arguments)
            .args(["--out", "out"])
            .current_dir(directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { child, out: directory.join("out") }
    }

    /// Waits until its saved state says so.
    fn until(&mut self, holds: impl Fn(&Value) -> bool) -> Value {
        let patience = Instant::now();
        loop {
            if let Ok(text) = fs::read(self.out.join("campaign.json")) {
                let state = serde_json::from_slice(&text).expect("a state is there wholly or not");
                if holds(&state) {
                    return state;
                }
            }
            assert_eq!(self.child.try_wait().unwrap(), None, "it ended");
            assert!(patience.elapsed() < Duration::from_secs(100), "it does not come so far");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn fresh(state: &Value) -> u64 {
    state["cells"].as_array().unwrap().iter().map(|cell| cell["fresh"].as_u64().unwrap()).sum()
}

const ALONE: [&str; 6] = ["--store", "users", "--backend", "memory", "--seed", "5"];

#[test]
fn a_killed_campaign_goes_on_and_does_nothing_twice() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let check = [&["check", "--time", "10m"][..], &ALONE].concat();
    // Corpora come after openings.
    let mut before = opening("users", "memory") + 2_000;
    let mut seconds = 0.0;
    for _ in 0..3 {
        let mut running = Running::start(here, &check);
        let state = running.until(|state| fresh(state) > before);
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        let kept = json_of(&here.join("out/campaign.json"));
        assert!(fresh(&kept) >= fresh(&state), "what was saved is lost");
        assert!(kept["seconds"].as_f64().unwrap() >= seconds, "its time is forgotten");
        (before, seconds) = (fresh(&kept), kept["seconds"].as_f64().unwrap());
    }
    let files = fs::read_dir(here.join("out/corpus/users")).unwrap();
    let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    assert!(names.len() > 10, "a corpus of {names:?}");
    assert!(names.contains(&"memory.reached".into()), "{names:?}");
    // It goes on to its end. What the seed decides was run once each, from the first case on:
    // the hash is that of as many cases in one go.
    let time = format!("{}s", seconds as u64 + 3);
    let output =
        storeproof(here, &[&["check", "--time", &time, "--out", "out"][..], &ALONE].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("goes on with the campaign"), "{output:?}");
    let state = json_of(&here.join("out/campaign.json"));
    assert_eq!(state["finished"], true);
    let cases = fresh(&state);
    assert!(cases > before && state["cells"][0]["mutated"].as_u64().unwrap() > 0, "{state}");
    let found = json_of(&here.join("out/report.json"));
    let number = cases.to_string();
    let again = report(here, &[&["check", "--cases", &number][..], &ALONE].concat(), "again");
    assert_eq!(found["results"][0]["trace_hash"], again["results"][0]["trace_hash"]);
    assert!(found["corpus"]["keys"].as_u64().unwrap() > 100, "{found}");
}

#[test]
fn an_interrupted_campaign_reports_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let check = [&["check", "--time", "10m"][..], &ALONE].concat();
    let mut running = Running::start(here, &check);
    running.until(|state| fresh(state) > opening("users", "memory") + 1_000);
    let id = running.child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = running.child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("Interrupted: what was run holds."));
    let report = json_of(&here.join("out/report.json"));
    assert_eq!((&report["interrupted"], &report["time"]), (&json!(true), &json!(600)));
    let state = json_of(&here.join("out/campaign.json"));
    assert_eq!(state["finished"], false);

    // It goes on as it is, and as no other.
    let refused = |arguments: &[&str], message: &str| {
        assert_refused(here, &[arguments, &["--out", "out"]].concat(), message);
        assert_refused(here, &[arguments, &["--out", "out"]].concat(), "give another --out");
    };
    let other = ["check", "--time", "10m", "--store", "users", "--backend", "memory"];
    refused(&[&other[..], &["--seed", "6"]].concat(), "with seed 5, and not with 6");
    refused(&[&other[..], &["--store", "secrets"]].concat(), "stores on backends");
    refused(&[&other[..], &["--profile", "deep"]].concat(), "with profile default, and not");
    refused(&[&other[..], &["--allow", "list_unbounded"]].concat(), "divergences");
    let shard = [&other[..], &["--seed", "5", "--shard", "1/2"]].concat();
    refused(&shard, "with shard 1/1, and not with 1/2");
    let text = fs::read_to_string(here.join("out/campaign.json")).unwrap();
    for (edited, message) in [
        (text[..text.len() - 30].to_owned(), "not the state of a campaign"),
        (text.replace("\"schema\": 1", "\"schema\": 18446744073709551616"), "schema version 1844"),
        (text.replace("\"schema\": 1", "\"schema\": \"1\""), "schema version \"1\""),
        (text.replace("\"fresh\": ", "\"fresh\": 9999999999999"), "more cases than can have been"),
        (text.replace("\"fresh\": ", "\"fresh\": -"), "not the state of a campaign"),
        (text.replace("\"seconds\": ", "\"seconds\": -1"), "a time in it is none"),
        (text.replace("\"version\": \"", "\"version\": \"9"), "with version 9"),
        (text.replace("\"get:user\"", "\"get:nonesuch\""), "no outcome \"get:nonesuch\""),
        (text.replace("\"trace_hash\": \"", "\"trace_hash\": \"x"), "a trace hash in it is none"),
        ("[]".to_owned(), "not the state of a campaign"),
        (String::new(), "not the state of a campaign"),
    ] {
        assert_ne!(edited, text, "{message}");
        fs::write(here.join("out/campaign.json"), edited).unwrap();
        refused(&other, message);
    }
    fs::write(here.join("out/campaign.json"), b"\x00\xff").unwrap();
    assert_refused(here, &[&other[..], &["--out", "out"]].concat(), "not a text in UTF-8");
    fs::write(here.join("out/campaign.json"), &text).unwrap();

    // What is in its corpus, too.
    let corpus = here.join("out/corpus/users");
    let mut files = fs::read_dir(&corpus).unwrap().map(|file| file.unwrap().path());
    let entry = files.find(|path| path.extension().is_some_and(|it| it == "json"));
    let sound = fs::read_to_string(entry.unwrap()).unwrap();
    let entry = corpus.join("edited.json");
    for (edited, message) in [
        (half_of(&sound), "not a file of a corpus"),
        (sound.replace("\"schema\":1", "\"schema\":2"), "schema version 2"),
        (sound.replace("\"store\":\"users\"", "\"store\":\"secrets\""), "of the store \"secrets\""),
        (sound.replace("\"keys\":[", "\"keys\":[99999999999,"), "not a file of a corpus"),
        (sound.replace("\"clients\":[", "\"clients\":[{},"), "not a file of a corpus"),
    ] {
        assert_ne!(edited, sound, "{message}");
        fs::write(&entry, edited).unwrap();
        assert_refused(here, &[&other[..], &["--out", "out"]].concat(), message);
        assert_refused(here, &[&other[..], &["--out", "out"]].concat(), "users/edited.json");
    }
    fs::remove_file(entry).unwrap();
    let reached = corpus.join("memory.reached");
    let sound = fs::read_to_string(&reached).unwrap();
    for (edited, message) in [
        (half_of(&sound), "not a file of a corpus"),
        (sound.replace("\"schema\":1", "\"schema\":2"), "schema version 2"),
        (sound.replace("\"store\":\"users\"", "\"store\":\"secrets\""), "of the store \"secrets\""),
        (sound.replace("\"keys\":[", "\"keys\":[-1,"), "not a file of a corpus"),
    ] {
        assert_ne!(edited, sound, "{message}");
        fs::write(&reached, edited).unwrap();
        assert_refused(here, &[&other[..], &["--out", "out"]].concat(), message);
        assert_refused(here, &[&other[..], &["--out", "out"]].concat(), "users/memory.reached");
    }
}

#[test]
fn a_campaign_that_is_over_makes_room_for_the_next_one() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let run = |arguments: &[&str], message: &str| {
        let check = ["check", "--store", "watermark", "--backend", "memory", "--out", "out"];
        let output = storeproof(here, &[&check[..], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
        json_of(&here.join("out/campaign.json"))
    };
    let first = run(&["--time", "1s", "--seed", "1"], "");
    assert_eq!(first["finished"], true);
    let entries = || fs::read_dir(here.join("out/corpus/watermark")).unwrap().count();
    let inherited = entries();
    let longer = run(&["--time", "3s"], "goes on with the campaign in out/ (seed 1)");
    assert!(fresh(&longer) > fresh(&first));
    let anew = run(&["--time", "1s", "--seed", "2"], "a new one begins, with its corpus");
    assert_eq!(anew["seed"], 2);
    assert!(entries() >= inherited, "the corpus is inherited");
    // Another campaign at the same time would spoil it.
    let lock = fs::OpenOptions::new().append(true).open(here.join("out/campaign.lock")).unwrap();
    lock.lock().unwrap();
    assert_refused(
        here,
        &["check", "--time", "1s", "--out", "out"],
        "another campaign runs in out",
    );
}

#[test]
fn a_campaign_says_what_it_did_not_reach_and_what_it_reaches() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["check", "--time", "6s", "--store", "collection", "--store", "secrets"];
    let output = storeproof(directory.path(), &[&arguments[..], &["--seed", "1"]].concat());
    assert_eq!(output.status.code(), Some(0), "a short one need not reach everything: {output:?}");
    let stdout = text(&output.stdout);
    let report = json_of(&directory.path().join("storeproof-out/report.json"));
    let missing = report["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|cell| !cell["missing"].as_array().unwrap().is_empty());
    let first = missing.clone().next().expect("six seconds for fourteen cells are not enough");
    let line = format!(
        "not reached so far  {} on {}: {}",
        first["store"].as_str().unwrap(),
        first["backend"].as_str().unwrap(),
        first["missing"][0].as_str().unwrap()
    );
    assert!(stdout.contains(&line), "{line:?} is not in {stdout}");
    assert!(stdout.contains("Corpus: "), "{stdout}");
    let stderr = text(&output.stderr);
    let live = stderr.lines().find(|line| line.contains("required outcomes, "));
    let live = live.unwrap_or_else(|| panic!("nothing is shown live: {stderr}"));
    assert!(live.contains("new in the last minute), corpus "), "{live}");
}

/// Runs cases with a corpus, past all openings.
fn explore(
    explorer: &mut dyn Explorer,
    backend: &dyn BackendUnderTest,
    origin: Origin,
    cases: u64,
) -> Explored {
    explore_from(explorer, backend, origin, 1_000_000, cases)
}

fn explore_from(
    explorer: &mut dyn Explorer,
    backend: &dyn BackendUnderTest,
    origin: Origin,
    first: u64,
    cases: u64,
) -> Explored {
    explorer.explore(&Exploration {
        backend,
        divergences: &Divergences::default(),
        effort: Effort { seed: 3, first, cases, jobs: 2 },
        shard: Shard::WHOLE,
        origin,
        known: &BTreeSet::new(),
        most_ways: 3,
        progress: &Progress::default(),
    })
}

#[test]
fn what_is_made_from_a_corpus_and_fails_is_made_small_and_saved() {
    let planted = bug_named("A47").unwrap().planted;
    let store = store_named(planted.store()).unwrap();
    // A corpus of the sound store.
    let mut sound = store.explorer();
    let found = explore(&mut *sound, &Memory, Origin::Fresh, 200);
    assert_eq!(found.findings.violations, 0);
    assert!(found.new_keys > 100 && found.entries.len() > 20, "{} keys", found.new_keys);
    assert_eq!(sound.reached("memory"), found.new_keys);
    // The flawed one inherits it.
    let mut flawed = planted.explorer();
    for (name, text) in &found.entries {
        flawed.load(name, text).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert_eq!(flawed.reached("memory"), found.new_keys, "what entries reached counts");
    let backend = planted.planted_on(&Memory).unwrap();
    let again = explore(&mut *flawed, &*backend, Origin::Mutated, 400);
    assert_eq!(again.findings.cases, 400);
    let first = again.findings.counterexamples.first().expect("the bug is found by mutants");
    assert!(first.mutated && first.steps <= 8, "{first:?}");
    assert_eq!(
        first.file_name("users", "memory"),
        format!("users-memory-mutated-{}.json", first.case)
    );
    let replayed = store.replay(&first.replay, &Memory).unwrap();
    assert_eq!(replayed.violation, None, "the sound store holds");
    assert_eq!(replayed.saved.signature, first.violation.signature);
}

#[test]
fn mutants_of_sound_stores_hold() {
    for store in ["collection", "sessions", "workspace"] {
        let mut explorer = store_named(store).unwrap().explorer();
        let backends: [&dyn BackendUnderTest; 3] =
            [&Memory, &Simulated::file(), &Simulated::legacy()];
        for backend in backends {
            explore(&mut *explorer, backend, Origin::Fresh, 100);
            let mutants = explore(&mut *explorer, backend, Origin::Mutated, 200);
            let found = mutants.findings.counterexamples.first();
            assert!(found.is_none(), "{store} on {}: {}", backend.name(), found.unwrap().replay);
            assert!(mutants.new_keys > 0, "mutants of {store} reach nothing new");
        }
    }
}

#[test]
fn what_an_opening_reaches_makes_no_entries_and_is_known_to_the_next_process() {
    let store = store_named("users").unwrap();
    let mut explorer = store.explorer();
    let cases = opening("users", "memory");
    let began = explore_from(&mut *explorer, &Memory, Origin::Fresh, cases - 100, 100);
    assert!(began.new_keys > 100 && began.entries.is_empty(), "{} keys", began.new_keys);
    let over = explore_from(&mut *explorer, &Memory, Origin::Fresh, cases, 400);
    assert!(over.new_keys > 0 && !over.entries.is_empty(), "nothing new after the opening");

    let mut next = store.explorer();
    next.load_reached(&explorer.reached_keys("memory")).unwrap();
    assert_eq!(next.reached("memory"), began.new_keys + over.new_keys);
    let again = explore_from(&mut *next, &Memory, Origin::Fresh, cases - 100, 500);
    assert_eq!((again.new_keys, again.entries.len()), (0, 0), "it was known");
}

#[test]
fn a_corpus_that_is_full_drops_its_oldest_entries() {
    let store = store_named("users").unwrap();
    let mut explorer = store.explorer();
    let found = explore(&mut *explorer, &Memory, Origin::Fresh, 100);
    let (_, entry) = found.entries.first().expect("an entry");
    let mut full = store.explorer();
    for number in 0..MOST_ENTRIES + 7 {
        full.load(&format!("{number:08}-memory"), entry).unwrap();
    }
    let more = explore(&mut *full, &Memory, Origin::Fresh, 100);
    assert_eq!(full.entries(), MOST_ENTRIES);
    assert_eq!(more.dropped.len(), 7 + more.entries.len());
    assert_eq!(more.dropped.first().map(String::as_str), Some("00000000-memory"));
    let (name, _) = more.entries.first().expect("a new entry");
    assert_eq!(*name, format!("{:08}-memory", MOST_ENTRIES + 7), "names go on where they were");
}
