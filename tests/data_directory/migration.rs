//! What a migration makes of a data directory.

use std::collections::BTreeMap;

use storeproof::sim::disk::{RawEntry, SimDisk, SimFs};

use super::{
    built::{self, CURRENT, LEGACY, MODIFIED},
    exported, inspect, migrate, migrator,
};
use crate::file_backend::{files, sim, wait};

/// Everything on the disk, with bytes and times.
pub(super) fn entries(fs: &SimFs) -> Vec<RawEntry> {
    fs.disk().entries()
}

#[test]
fn every_sound_record_becomes_an_envelope_and_means_the_same() {
    let fs = built::fs();
    let migration = migrate(&fs);
    assert_eq!(migration.migrated.len(), LEGACY);
    assert_eq!(migration.current, CURRENT);
    assert!(migration.holds() && migration.kept.is_empty(), "{migration:?}");
    assert_eq!(exported(&fs), built::content());
    let inspection = inspect(&fs);
    assert!(inspection.files.iter().all(|file| file.format == "envelope"), "{inspection:?}");
    assert_eq!(inspection.files.len(), LEGACY + 2);
}

#[test]
fn the_payload_keeps_its_bytes_and_the_record_its_times() {
    let fs = built::fs();
    migrate(&fs);
    let files: BTreeMap<String, String> = files(&fs).into_iter().collect();
    let flat = built::FILES[0].1;
    assert_eq!(
        files["users/u1.json"],
        format!(
            r#"{{"version":1,"id":"u1","encoding":"json","created_at":"2025-01-01T00:00:00.5Z","updated_at":"2025-01-02T00:00:00Z","data":{flat}}}"#
        )
    );
    // Its own place; the older one is another record's by now.
    assert_eq!(
        files["users/b%2520c.json"],
        r#"{"version":1,"id":"b%20c","encoding":"json","created_at":"2025-01-01T00:00:00.000000007Z","updated_at":"2025-01-01T00:00:00.000000007Z","data":{"id":"b%20c","username":"dot"}}"#
    );
    assert!(files["users/b%252520c.json"].contains(r#""id":"b%2520c""#));
    assert!(!files.contains_key("users/b%20c.json"));
}

#[test]
fn foreign_files_and_leftovers_of_others_stay() {
    let fs = built::fs();
    migrate(&fs);
    let disk = fs.disk();
    for path in [
        "users/.tmp-123",
        "users/u1.json.tmp.9",
        "users/notes.txt",
        "scheduler/checkpoint.json",
        "logs/today.log",
    ] {
        let (_, text) = built::FILES.iter().find(|(name, _)| *name == path).unwrap();
        assert_eq!(disk.read_raw(path).as_deref(), Some(text.as_bytes()), "{path}");
    }
    assert!(disk.entries().iter().any(|entry| entry.path == "users/link.json"));
    assert!(disk.entries().iter().any(|entry| entry.path == "users/.git/objects"));
}

#[test]
fn a_second_run_changes_nothing_not_even_a_time() {
    let fs = built::fs();
    migrate(&fs);
    let before = entries(&fs);
    let again = migrate(&fs);
    assert_eq!((again.migrated.len(), again.current), (0, CURRENT + LEGACY as u64));
    assert_eq!(entries(&fs), before);
}

#[test]
fn a_dry_run_says_the_same_and_changes_nothing() {
    let fs = built::fs();
    let before = entries(&fs);
    let dry = wait(migrator(&fs, true).run()).unwrap();
    assert_eq!(entries(&fs), before);
    assert!(dry.dry_run);
    let wet = migrate(&fs);
    assert_eq!(dry.migrated, wet.migrated);
    assert_eq!(dry.problems, wet.problems);
}

#[test]
fn folders_that_are_not_there_are_not_made() {
    let mut disk = SimDisk::new();
    disk.write_raw("scheduler/state.json", &b"{}"[..], MODIFIED).unwrap();
    let fs = sim(disk);
    migrate(&fs);
    let paths: Vec<String> = entries(&fs).into_iter().map(|entry| entry.path).collect();
    assert_eq!(paths, ["scheduler", "scheduler/.storeproof.lock", "scheduler/state.json"]);
}

/// Whatever can't be read keeps its bytes at its place, also where a sound
/// record would have to go there.
#[test]
fn damaged_files_stay_where_they_are_and_so_does_what_they_block() {
    let mut disk = built::disk();
    let damaged =
        [("users/b%252520c.json", "{"), ("users/u1.json", "\0\0"), ("apikeys/x.json", "")];
    for (path, text) in damaged {
        disk.write_raw(path, text.as_bytes(), MODIFIED).unwrap();
    }
    let fs = sim(disk);
    let before = exported(&fs);
    let migration = migrate(&fs);
    assert!(!migration.holds());
    let kept: Vec<_> = migration.kept.iter().map(|kept| &*kept.path).collect();
    // The first would go to the second's place, and the second to a damaged one's.
    assert_eq!(kept, ["users/b%20c.json", "users/b%2520c.json"], "{migration:?}");
    for (path, text) in damaged {
        assert_eq!(fs.disk().read_raw(path).as_deref(), Some(text.as_bytes()), "{path}");
    }
    assert_eq!(exported(&fs), before);
    let after = entries(&fs);
    assert_eq!(migrate(&fs).migrated, []);
    assert_eq!(entries(&fs), after, "the second run");
}

/// While a commit may be half done, nobody writes.
#[test]
fn a_store_with_an_intent_that_can_not_be_used_is_left_alone_and_the_others_are_not() {
    let mut disk = built::disk();
    disk.write_raw("users/.storeproof.intent", &b"{"[..], MODIFIED).unwrap();
    let fs = sim(disk);
    let users = |fs: &SimFs| -> Vec<RawEntry> {
        entries(fs).into_iter().filter(|entry| entry.path.starts_with("users/")).collect()
    };
    let before = users(&fs);
    let migration = migrate(&fs);
    assert!(!migration.holds());
    assert_eq!(users(&fs), before);
    assert_eq!(migration.kept.len(), 4);
    assert_eq!(migration.migrated.len(), LEGACY - 4);
}

#[test]
fn an_interruption_ends_it_in_good_order_and_the_next_run_goes_on() {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    let fs = built::fs();
    // All files are read before the first is written.
    let reads = built::FILES.len();
    let calls = Arc::new(AtomicUsize::new(0));
    let mut migrator = migrator(&fs, false);
    migrator.watch = Arc::new(move |_, _| calls.fetch_add(1, Ordering::Relaxed) < reads);
    let interrupted = wait(migrator.run()).unwrap();
    assert!(interrupted.interrupted && interrupted.migrated.len() < LEGACY, "{interrupted:?}");
    assert!(!interrupted.migrated.is_empty(), "{interrupted:?}");
    let rest = migrate(&fs);
    assert_eq!(interrupted.migrated.len() + rest.migrated.len(), LEGACY);
    assert_eq!(exported(&fs), built::content());
}

/// Where something that is no record's has the place that a record is to have, it stays as
/// it is.
#[test]
fn a_record_whose_place_is_taken_by_something_foreign_is_kept_as_it_is() {
    let mut disk = built::disk();
    disk.write_raw("users/b%252520c.json/notes.txt", &b"hands off"[..], MODIFIED).unwrap();
    let fs = sim(disk);
    let before = exported(&fs);
    let migration = migrate(&fs);
    let kept: Vec<_> = migration.kept.iter().map(|kept| &*kept.path).collect();
    assert!(kept.contains(&"users/b%2520c.json"), "{migration:?}");
    let files: BTreeMap<String, String> = files(&fs).into_iter().collect();
    assert_eq!(files["users/b%252520c.json/notes.txt"], "hands off");
    assert_eq!(exported(&fs), before);
}
