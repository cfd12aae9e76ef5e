//! Damage is named, and hides nothing else.

use serde_json::{Value, json};
use storeproof::{
    directory::{
        DirectoryError, content, export::export, inspect::Inspection, problem::ProblemKind,
    },
    fs::Fs,
    sim::disk::{SimDisk, SimFs},
};

use super::{
    built::{self, MODIFIED},
    exported, inspect, migrate, notices, problems, read_with, try_read, watch,
};
use crate::file_backend::{
    now,
    process::{Act, Fate, Process},
    sim, wait,
};

/// The disk with these files, too.
fn with(files: &[(&str, &str)]) -> SimDisk {
    let mut disk = built::disk();
    for (path, text) in files {
        disk.write_raw(path, text.as_bytes(), MODIFIED).unwrap();
    }
    disk
}

fn text_of(path: &str) -> &'static str {
    built::FILES.iter().find(|(name, _)| *name == path).unwrap().1
}

#[test]
fn exactly_the_damaged_files_are_named_and_all_else_is_exported() {
    let truncated = text_of("users/u1.json");
    let mut disk = with(&[
        ("users/u1.json", &truncated[..40]),
        ("users/u9.json", text_of("users/u3.json")),
        ("apikeys/k1.json", "null"),
        ("users/.storeproof.0123456789abcdef.tmp", "half"),
    ]);
    disk.remove_raw("users/u3.json").unwrap();
    let fs = sim(disk);
    let inspection = inspect(&fs);
    let expected = [
        ("apikeys/k1.json", ProblemKind::Damaged),
        ("users/u1.json", ProblemKind::Damaged),
        ("users/u9.json", ProblemKind::IdMismatch),
    ];
    assert_eq!(problems(&inspection), expected);
    assert!(notices(&inspection).contains(&("users/.storeproof.0123456789abcdef.tmp", "leftover")));
    let mut content = built::content();
    content["api_keys"] = json!([]);
    content["users"]
        .as_array_mut()
        .unwrap()
        .retain(|user| user["id"] != "u1" && user["id"] != "u3");
    let mut found = exported(&fs);
    let named = found["problems"].take();
    let named: Vec<_> = named.as_array().unwrap().iter().map(|problem| &problem["path"]).collect();
    assert_eq!(named, ["apikeys/k1.json", "users/u1.json", "users/u9.json"]);
    content["problems"].take();
    assert_eq!(found, content);
}

#[test]
fn what_was_set_aside_is_ours_and_what_is_too_deep_for_records_is_not() {
    let deep = format!("users/{}f", "x/".repeat(600));
    let fs = sim(with(&[("users/.storeproof.quarantine/x", "y"), (&deep, "z")]));
    let inspection = inspect(&fs);
    let told = notices(&inspection);
    assert!(told.contains(&("users/.storeproof.quarantine/x", "leftover")), "{told:?}");
    let below: Vec<_> = told.iter().filter(|(path, _)| path.starts_with("users/x/")).collect();
    assert_eq!(below.len(), 1, "the directory that nobody goes down to: {below:?}");
}

#[test]
fn each_kind_of_damage_has_its_name() {
    let envelope = text_of("users/u3.json");
    for (path, text, kind) in [
        ("users/a.json", "", ProblemKind::Damaged),
        ("users/a.json", "\u{feff}{}", ProblemKind::Damaged),
        ("users/a.json", "{}", ProblemKind::Damaged),
        ("users/a.json", r#"{"id":"a"}"#, ProblemKind::Damaged),
        ("users/a.json", r#"{"id":"b","username":"zed"}"#, ProblemKind::IdMismatch),
        ("users/a.json", &envelope.replace("\"u3\"", "\"b\""), ProblemKind::IdMismatch),
        (
            "users/a.json",
            &envelope.replacen("\"u3\"", "\"a\"", 1),
            ProblemKind::IdMismatch, // The envelope is right, its payload is another user.
        ),
        ("users/a.json", &envelope.replace("\":1,", "\":2,"), ProblemKind::NewerVersion),
        (
            "users/a.json",
            r#"{"id":"a","username":"ann","created_at":"2026-01-01T00:00:00Z"}"#,
            ProblemKind::DuplicateKey,
        ),
        ("scheduler/state.json", r#"{"version":4}"#, ProblemKind::NewerVersion),
        ("scheduler/state.json", "[]", ProblemKind::Damaged),
        ("distributed/workers/w2.json", r#"{"workerId":"w3"}"#, ProblemKind::IdMismatch),
        ("distributed/workers/w2.json", r#"{"workerId":7}"#, ProblemKind::Damaged),
        ("users/.storeproof.intent", "{", ProblemKind::Damaged),
    ] {
        let inspection = inspect(&sim(with(&[(path, text)])));
        assert_eq!(problems(&inspection), [(path, kind)], "{path} = {text}");
        let message = &inspection.problems[0].message;
        assert!(!message.is_empty() && !message.contains("ann"), "{message}");
    }
}

/// The watermark is null where it can't be used.
#[test]
fn a_watermark_that_can_not_be_used_is_null() {
    let fs = sim(with(&[("scheduler/state.json", r#"{"version":4}"#)]));
    assert_eq!(exported(&fs)["watermark"], json!(null));
}

/// The oldest is the owner; of equal age the one with the smallest id.
#[test]
fn of_several_holders_of_a_unique_value_all_but_the_owner_are_named_and_all_are_exported() {
    let user =
        |id: &str, at: &str| format!(r#"{{"id":"{id}","username":"same","created_at":"{at}"}}"#);
    let files = [
        ("users/x1.json", user("x1", "2025-01-02T00:00:00Z")),
        ("users/x2.json", user("x2", "2025-01-01T00:00:00Z")),
        ("users/x3.json", user("x3", "2025-01-01T00:00:00Z")),
    ];
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let fs = sim(with(&files));
    let expected = [
        ("users/x1.json", ProblemKind::DuplicateKey),
        ("users/x3.json", ProblemKind::DuplicateKey),
    ];
    assert_eq!(problems(&inspect(&fs)), expected);
    assert_eq!(exported(&fs)["users"].as_array().unwrap().len(), 8);
    let migration = migrate(&fs);
    assert!(migration.holds(), "it is no damage: {migration:?}");
}

#[test]
fn what_holds_nothing_of_ours_is_no_data_directory_and_an_empty_one_is() {
    let mut disk = SimDisk::new();
    assert_eq!(exported(&sim(disk.clone()))["users"], json!([]));
    disk.write_raw("passwd", &b"root"[..], MODIFIED).unwrap();
    disk.create_dir_all("agent/memory").unwrap();
    let Err(DirectoryError::NotADataDirectory { known }) = try_read(&sim(disk)) else {
        panic!("it was taken for a data directory");
    };
    assert!(known.contains("users") && known.contains("distributed/workers"), "{known}");
}

#[test]
fn a_file_where_a_stores_folder_belongs_is_said_to_be_one() {
    let mut disk = SimDisk::new();
    disk.write_raw("users", &b"x"[..], MODIFIED).unwrap();
    let Err(error) = try_read(&sim(disk)) else { panic!("nothing was said of it") };
    assert!(error.to_string().contains("\"users\" is a link or a file"), "{error}");
}

/// The older file counts, as for every reader; the newer one is named.
#[test]
fn a_record_that_older_software_has_written_again_is_exported_once() {
    let flat = r#"{"id":"a%b","username":"now","created_at":"2025-01-01T00:00:00Z","updated_at":"2025-01-01T00:00:00Z"}"#;
    let envelope = r#"{"version":1,"id":"a%b","encoding":"json","created_at":"2025-01-01T00:00:00Z","updated_at":"2025-01-01T00:00:00Z","data":{"id":"a%b","username":"before"}}"#;
    let fs = sim(with(&[("users/a%b.json", flat), ("users/a%25b.json", envelope)]));
    let inspection = inspect(&fs);
    assert_eq!(problems(&inspection), []);
    assert!(notices(&inspection).contains(&("users/a%25b.json", "leftover")));
    let exported = exported(&fs);
    let users = exported["users"].as_array().unwrap();
    let names: Vec<_> =
        users.iter().filter(|user| user["id"] == "a%b").map(|user| &user["username"]).collect();
    assert_eq!(names, ["now"]);
}

fn exported_of(content: content::Content) -> Value {
    serde_json::from_str(&export(content).text).expect("JSON")
}

fn exported_without_key(fs: &SimFs) -> Value {
    exported_of(read_with(fs, None).expect("it is a data directory"))
}

/// Whichever step of the look fails: it is said, or the file that can't be read is named.
#[test]
fn a_step_that_fails_is_told_and_hides_nothing() {
    let whole = sim(built::disk());
    let sound = Inspection::of(&read_with(&whole, None).expect("it is a data directory"));
    let all = exported_without_key(&whole);
    let (mut told, mut named) = (0, 0);
    for calls in 0..10_000 {
        let process = Process::new(whole.clone());
        process.meets(Fate::FailAfter(calls));
        let content = wait(content::read(&process, None, now(), &watch()));
        let Some(failed) = process.failed() else {
            assert!(told > 10 && named > 10, "{told} failures were told, {named} files named");
            return;
        };
        let at = format!("call {calls}, {failed}");
        match content {
            Err(error) => {
                told += 1;
                let source = std::error::Error::source(&error).map(ToString::to_string);
                let message = format!("{error}: {}", source.unwrap_or_default());
                assert!(message.contains("an injected failure"), "{at}: {message}");
            }
            Ok(content) => {
                let inspection = Inspection::of(&content);
                let is_named = problems(&inspection).len() > problems(&sound).len();
                named += usize::from(is_named);
                let is_whole =
                    notices(&inspection) == notices(&sound) && exported_of(content) == all;
                assert!(is_named || is_whole, "{at} fails, and nothing is said of it");
            }
        }
    }
    panic!("it never came to its end");
}

/// A folder that goes between two steps of the look is none by then.
#[test]
fn a_folder_that_goes_meanwhile_is_not_there() {
    let disk = built::disk();
    let all = exported_without_key(&sim(disk.clone()));
    for calls in 0..10_000 {
        let fs = sim(disk.clone());
        let process = Process::new(fs.clone());
        let run = |fs: &SimFs, name: &str| {
            let folder = wait(fs.open_dir(&fs.root(), name)).expect("it is there");
            wait(fs.remove_file(&folder, "encryption_key")).expect("the key is there");
            wait(fs.remove_dir(&fs.root(), name)).expect("it is empty");
        };
        process.meets(Fate::ActAfter(calls, Act { directory: "auth", run }));
        let content = wait(content::read(&process, None, now(), &watch()));
        let content = content.unwrap_or_else(|error| panic!("gone before call {calls}: {error}"));
        assert_eq!(exported_of(content), all, "gone before call {calls}");
        if !process.has_met_its_fate() {
            return;
        }
    }
    panic!("it never came to its end");
}
