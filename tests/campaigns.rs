//! Campaigns: what a corpus is for, and interruptions that lose nothing.

#![expect(clippy::disallowed_methods, reason = "the tests prepare and look at real files")]

use std::{
    fs,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use storeproof::{
    bugs::catalogue::bug_named,
    check::{
        backends::{BackendUnderTest, Memory, Simulated},
        campaign::{Effort, Progress},
        corpus::{Exploration, Explored, Explorer, KnownWays, MOST_ENTRIES, Origin, opening},
        crash::CrashCheck,
        generate::Purpose,
        input::Input,
        registry::store_named,
        shard::Shard,
    },
    model::divergence::Divergences,
};

use crate::{
    command_line::{assert_refused, storeproof, text},
    joined_reports::report,
};

pub fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// As of a file that was cut short, but for a character.
pub fn half_of(text: &str) -> String {
    text[..text.floor_char_boundary(text.len() / 2)].to_owned()
}

/// A campaign under way.
struct Running {
    child: Option<Child>,
    out: std::path::PathBuf,
}

/// It does not outlive a test that fails.
impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
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
        Self { child: Some(child), out: directory.join("out") }
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
            let child = self.child.as_mut().unwrap();
            assert_eq!(child.try_wait().unwrap(), None, "it ended");
            assert!(patience.elapsed() < Duration::from_secs(100), "it does not come so far");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Interrupts it, as Ctrl-C does, and waits for its end.
    fn interrupt(mut self) -> Output {
        let child = self.child.take().unwrap();
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        child.wait_with_output().unwrap()
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
        drop(running);
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
    let output = running.interrupt();
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
        (text.replace("\"program\": \"", "\"program\": \"9"), "of another build of storeproof"),
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
        (
            sound.replace("\"handles\":", "\"handles\":9999"),
            "the scenario can't be run: it has 9999",
        ),
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
fn saved_scenarios_of_an_interrupted_campaign_are_not_run_again() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    fs::create_dir(here.join("saved")).unwrap();
    let mut all = 0;
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/regressions")).unwrap() {
        let path = entry.unwrap().path();
        for copy in 0..40 {
            all += 1;
            let name = path.file_name().unwrap().to_str().unwrap();
            fs::copy(&path, here.join(format!("saved/{copy:02}-{name}"))).unwrap();
        }
    }
    let check = ["check", "--time", "10m", "--jobs", "1", "--regressions", "saved"];
    let check = [&check[..], &["--junit", "junit.xml"], &ALONE].concat();
    let done = |state: &Value| {
        let results = state["regressions"].as_array().cloned().unwrap_or_default();
        results.iter().filter(|result| result["outcome"] == "holds").count()
    };
    let mut running = Running::start(here, &check);
    let state = running.until(|state| done(state) > 0);
    let junit = fs::read_to_string(here.join("junit.xml")).unwrap();
    assert!(junit.contains("it ended before it had results"), "{junit}");
    drop(running);
    let first = done(&state);

    // It goes on with the others.
    let mut running = Running::start(here, &check);
    let state = running.until(|state| done(state) > first);
    let output = running.interrupt();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(done(&state) < all, "all of them are done before anybody can interrupt it");
    assert_eq!(output.status.code(), Some(2), "{stdout}{stderr}");
    assert!(stderr.contains("goes on with the campaign"), "{stderr}");
    assert!(stdout.contains("Interrupted: what was run holds."), "{stdout}");
    assert!(!stdout.contains("NOT RUN"), "an interrupt is no failure: {stdout}");
    let kept = done(&json_of(&here.join("out/campaign.json")));
    assert!(kept >= done(&state), "{kept} are kept of {}", done(&state));
    let junit = fs::read_to_string(here.join("junit.xml")).unwrap();
    assert!(junit.contains("interrupted: the rest was not run"), "{junit}");
    assert!(!junit.contains("<failure"), "{junit}");
}

/// The state of a campaign of a second that was interrupted after so many.
fn interrupted_after(directory: &Path, seconds: f64) -> Value {
    report(directory, &A_SECOND, "out");
    let mut state = json_of(&directory.join("out/campaign.json"));
    (state["finished"], state["seconds"]) = (false.into(), json!(seconds));
    state
}

const A_SECOND: [&str; 9] =
    ["check", "--time", "1s", ALONE[0], ALONE[1], ALONE[2], ALONE[3], ALONE[4], ALONE[5]];

#[test]
fn a_campaign_that_was_interrupted_after_its_time_comes_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    // As it is where the last turn was, or the report was to be written.
    let state = interrupted_after(here, 1.5);
    let path = here.join("out/campaign.json");
    fs::write(&path, state.to_string()).unwrap();
    let cases = fresh(&state);
    report(here, &A_SECOND, "out");
    let state = json_of(&path);
    assert_eq!(state["finished"], true);
    assert!(fresh(&state) >= cases && state["seconds"].as_f64().unwrap() >= 1.5, "{state}");
}

#[test]
fn times_of_a_faster_machine_that_began_the_campaign_count_for_more() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let mut state = interrupted_after(here, 1.5);
    let before = state["cells"][0]["fresh_seconds"].as_f64().unwrap();
    let calibration = state["calibration"].as_f64().unwrap();
    state["calibration"] = (calibration * 1e4).into();
    fs::write(here.join("out/campaign.json"), state.to_string()).unwrap();
    let report = report(here, &A_SECOND, "out");
    let seconds = report["speed"]["cells"][0]["seconds"].as_f64().unwrap();
    let own = report["speed"]["calibration"]["per_second"].as_f64().unwrap();
    let expected = before * calibration * 1e4 / own;
    assert!(
        seconds > expected / 2.0 && seconds < expected * 2.0,
        "{before} s of a machine 10 000 times as fast became {seconds} s: expected {expected} s"
    );
}

#[test]
fn what_failed_and_was_not_made_small_yet_is_when_the_campaign_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let mut state = interrupted_after(here, 0.5);
    let path = here.join("out/campaign.json");
    // One that the sound store does not break: it is seen once.
    let store = store_named("users").unwrap();
    let input = Input {
        bytes: &[7; 64],
        purpose: Purpose::Sequence,
        most_actions: 6,
        crash_after: None,
        crashes: CrashCheck::default(),
    };
    let text = store.file_of(&input, &Memory).unwrap();
    let mut replay: Value = serde_json::from_str(&text).unwrap();
    let seen = json!({ "kind": replay["violation"]["kind"], "rule": replay["violation"]["rule"] });
    let found = json!({
        "case": 7, "executions": 0, "seen_again": false, "steps": 6,
        "violation": replay["violation"].take(),
    });
    state["cells"][0]["found"] = json!([found]);
    state["cells"][0]["ways"] = json!([{ "case": 7, "seen": seen, "shrunk": seen }]);
    state["cells"][0]["violations"] = 1.into();
    fs::write(&path, state.to_string()).unwrap();
    let saved = here.join("out/counterexamples/users-memory-5-7.json");
    fs::create_dir_all(saved.parent().unwrap()).unwrap();

    fs::write(&saved, half_of(&text)).unwrap();
    let go_on = [&A_SECOND[..], &["--out", "out"]].concat();
    let output = storeproof(here, &go_on);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = self::text(&output.stderr);
    assert!(said.contains("users-memory-5-7.json: not a replay file"), "{said}");

    fs::write(&saved, &text).unwrap();
    let output = storeproof(here, &go_on);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let stdout = self::text(&output.stdout);
    assert!(stdout.contains("seen once, and not in 1 runs since"), "{stdout}");
    assert!(json_of(&path)["cells"][0]["found"][0]["executions"].as_u64().unwrap() > 0);
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
    // However long the machine took for it.
    let mut state = first.clone();
    state["seconds"] = json!(1.0);
    fs::write(here.join("out/campaign.json"), state.to_string()).unwrap();
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
        known: &KnownWays::default(),
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
    assert_eq!(found.findings.totals.violations, 0);
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
    assert!(first.is_raw() && first.mutated, "it takes time: {first:?}");
    let stop = AtomicBool::new(true);
    let stopped = flawed.make_small(first, &*backend, &stop).unwrap();
    assert!(stopped.is_raw(), "nobody had the time: {stopped:?}");
    let first = &flawed.make_small(first, &*backend, &AtomicBool::new(false)).unwrap();
    assert!(!first.is_raw() && first.mutated && first.steps <= 8, "{first:?}");
    assert_eq!(
        first.file_name("users", "memory", 3),
        format!("users-memory-3-mutated-{}.json", first.case)
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
