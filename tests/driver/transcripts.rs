//! Whole sessions, request by request, compared to the letter.
//!
//! A transcript lies in `snapshots/driver/`: lines that begin with `> ` are
//! sent, lines that begin with `< ` are what must come back, all others are for
//! the reader. `DATA` stands for a new data directory, `VERSION` for the
//! release.

use std::{env, fs, path::Path};

use storeproof::driver::{BackendChoice, registry::SUBJECTS};

use super::{processes::Process, server};

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/driver");

/// Set, to anything: transcripts are written anew instead of compared.
const UPDATE: &str = "STOREPROOF_UPDATE_SNAPSHOTS";

/// Plays the requests of a transcript and gives the transcript as it came out.
/// `answer` is told whether the transcript has an answer.
fn play(
    transcript: &str,
    data: &Path,
    mut answer: impl FnMut(&str, bool) -> Option<String>,
) -> String {
    let data = data.to_str().unwrap();
    let mut played = String::new();
    let mut lines = transcript.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("< ") {
            continue;
        }
        played += &format!("{line}\n");
        let Some(request) = line.strip_prefix("> ") else { continue };
        let expects = lines.peek().is_some_and(|next| next.starts_with("< "));
        if let Some(said) = answer(&request.replace("DATA", data), expects) {
            let said = said.replace(data, "DATA");
            let version = format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
            played += &format!("< {}\n", said.replace(&version, "\"version\":\"VERSION\""));
        }
    }
    played
}

#[track_caller]
fn assert_same(name: &str, by: &str, expected: &str, played: &str) {
    let mut request = "";
    for (place, (expected, played)) in expected.lines().zip(played.lines()).enumerate() {
        if expected.starts_with("> ") {
            request = expected;
        }
        assert_eq!(
            expected,
            played,
            "line {} of snapshots/driver/{name}.txt, by {by}, after\n{request}\nIf the change is \
             meant, run the tests once with {UPDATE}=1 and review what changed in the file.",
            place + 1
        );
    }
    assert_eq!(expected.lines().count(), played.lines().count(), "{name}.txt, by {by}");
}

#[expect(clippy::disallowed_methods, reason = "transcripts are files")]
fn keep(name: &str, choices: &[BackendChoice]) {
    let path = format!("{DIRECTORY}/{name}.txt");
    let expected = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let directory = tempfile::tempdir().unwrap();
    if env::var_os(UPDATE).is_some() {
        let mut server = server(choices[0]);
        let played = play(&expected, directory.path(), |line, _| server.answer(line.as_bytes()));
        fs::write(&path, played).unwrap();
        panic!("{path} is written: look at what changed, and run the tests without {UPDATE}");
    }
    for choice in choices {
        let data = directory.path().join(choice.name());
        let mut server = server(*choice);
        let played = play(&expected, &data, |line, _| server.answer(line.as_bytes()));
        assert_same(name, choice.name(), &expected, &played);

        let data = directory.path().join("process").join(choice.name());
        let mut process = Process::start(choice.name());
        let played = play(&expected, &data, |line, expects| {
            process.send(line);
            // An answer where the transcript has none would be taken for that
            // of the next request.
            expects.then(|| process.receive())
        });
        assert_same(name, &format!("a process on {}", choice.name()), &expected, &played);
        process.finish();
    }
}

#[test]
fn the_life_cycle_and_its_errors() {
    keep("lifecycle", &[BackendChoice::Memory]);
}

#[test]
fn every_subject_gives_the_same_answers_on_every_backend() {
    for subject in SUBJECTS {
        let choices = [BackendChoice::Memory, BackendChoice::File, BackendChoice::Sqlite];
        keep(subject.name, &choices);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "transcripts are files")]
fn every_method_is_in_a_transcript() {
    for subject in SUBJECTS {
        let text = fs::read_to_string(format!("{DIRECTORY}/{}.txt", subject.name)).unwrap();
        for method in subject.methods {
            let method = format!("\"{}.{method}\"", subject.name);
            let sent = text.lines().any(|line| line.starts_with("> ") && line.contains(&method));
            assert!(sent, "{method} is in no transcript: add it to {}.txt", subject.name);
        }
        assert!(!text.contains("-32601"), "{}.txt has an unknown method", subject.name);
    }
}
