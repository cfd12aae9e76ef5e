//! No bytes under any name bring anything down, and a migration loses none of
//! them.

use std::collections::BTreeMap;

use proptest::prelude::*;
use storeproof::sim::disk::{SimDisk, SimFs};

use super::{
    built::{self, MODIFIED},
    export_of, inspect, migrate, migrator, try_read,
};
use crate::file_backend::{files, sim, wait};

/// Where files are put: right and wrong names, places that are in each other's
/// way, and names of our own files.
const PATHS: &[&str] = &[
    "users/u1.json",
    "users/u2.json",
    "users/b%20c.json",
    "users/b%2520c.json",
    "users/b%252520c.json",
    "users/u1.json/x.json",
    "users/%2E.json",
    "users/~.json",
    "users/d/e/f.json",
    "users/.storeproof.lock",
    "users/.storeproof.intent",
    "users/.storeproof.0123456789abcdef.tmp",
    "users/.storeproof.quarantine/x",
    "users/ .json",
    "users",
    "apikeys/k1.json",
    "apikeys/k2.json",
    "scheduler/state.json",
    "scheduler/state.json/state.json",
    "distributed/workers/w1.json",
    "distributed/workers/60c5590f72eef292f9545afc28bf63ca91d2016a0a288f90f9a32f89d3fffcaf.json",
    "distributed",
    "auth/encryption_key",
    "webhooks/w.json",
    "secrets/s.json",
    "agent/sessions/u/s.json",
    "agent/sessions/s.json",
    "other/file",
];

/// Texts that are nearly something.
const TEXTS: &[&str] = &[
    "",
    "null",
    "{}",
    "[]",
    "\u{feff}{}",
    "1e400",
    r#"{"id":"u1","username":"zed"}"#,
    r#"{"id":"u2","username":"ann","created_at":"today"}"#,
    r#"{"id":"b%2520c","username":"x\ud800"}"#,
    r#"{"id":"u1.json/x","username":"in the way"}"#,
    r#"{"id":".","username":"dot"}"#,
    r#"{"version":2,"id":"u1","encoding":"json","created_at":"2025-03-01T00:00:00Z","updated_at":"2025-03-01T00:00:00Z","data":0}"#,
    r#"{"version":1,"id":"u1","encoding":"proto3","created_at":"2025-03-01T00:00:00Z","updated_at":"2025-03-01T00:00:00Z","data":"AA=="}"#,
    r#"{"version":1,"id":"u1","encoding":"json","created_at":"2025-03-01T00:00:00Z","updated_at":"2025-03-01T00:00:00Z","expires_at":"2025-03-02T00:00:00Z","data":{"id":"u1","username":"old"}}"#,
    r#"{"id":"u1","encoding":"json","created_at":"2025-03-01T00:00:00Z","updated_at":"2025-03-01T00:00:00Z","expires_at":"2025-03-02T00:00:00Z","data":{"id":"u1","username":"old"}}"#,
    r#"{"version":4,"dags":{}}"#,
    r#"{"version":-1}"#,
    r#"{"workerId":"w1","lastHeartbeatAt":9223372036854775807}"#,
    r#"{"version":1,"actions":[{"path":"u1.json","before":null,"after":"e30="}]}"#,
    r#"{"version":1,"actions":[{"path":"u1.json","before":"directory","after":null},{"path":"u9.json","before":null,"after":"e30="}]}"#,
    r#"{"version":9}"#,
    r#"{"secret":null,"versions":[{}]}"#,
    r#"{"secret":{"ID":"s","CurrentVersion":3},"versions":[{"version":1,"encrypted_value":"AAAA"}]}"#,
    r#"{"id":"w","dagName":"d","hmacSecretEnc":"AAAA"}"#,
    r#"{"id":"s","user_id":"u","messages":[{"sequence_id":1e3}]}"#,
    r#"{"id":"s","user_id":"u","messages":[{"type":"user","content":"x"}]}"#,
];

/// A file's content: nearly something, cut or changed in one byte, or anything.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let text = prop::sample::select(TEXTS).prop_map(|text| text.as_bytes().to_vec());
    let genuine = prop::sample::select(built::FILES).prop_map(|(_, text)| text.as_bytes().to_vec());
    let whole = prop_oneof![text, genuine];
    prop_oneof![
        4 => whole.clone(),
        1 => (whole.clone(), any::<prop::sample::Index>()).prop_map(|(mut bytes, at)| {
            bytes.truncate(at.index(bytes.len() + 1));
            bytes
        }),
        1 => (whole, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut bytes, at, byte)| {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes
        }),
        1 => prop::collection::vec(any::<u8>(), 0..64),
    ]
}

fn disk() -> impl Strategy<Value = SimDisk> {
    let file = (prop::sample::select(PATHS), content());
    (any::<bool>(), prop::collection::vec(file, 0..6)).prop_map(|(is_built, files)| {
        let mut disk = if is_built { built::disk() } else { SimDisk::new() };
        for (path, bytes) in files {
            // A file may be in the way of a directory, and the other way round.
            let _ = disk.write_raw(path, bytes, MODIFIED);
        }
        disk
    })
}

/// The files with a problem, and those that are none of ours.
fn not_understood(fs: &SimFs) -> Vec<String> {
    let inspection = inspect(fs);
    let problems = inspection.problems.into_iter();
    let damaged = problems.filter(|problem| problem.kind.is_damage()).map(|problem| problem.path);
    let foreign = inspection.information.into_iter();
    let foreign = foreign.filter(|notice| notice.kind.name() == "foreign");
    damaged.chain(foreign.map(|notice| notice.path)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]
    #[test]
    fn no_files_bring_anything_down_and_a_migration_keeps_what_it_does_not_understand(
        disk in disk(),
    ) {
        let fs = sim(disk);
        let entries = fs.disk().entries();
        let read = try_read(&fs);
        prop_assert_eq!(&fs.disk().entries(), &entries, "reading changed something");
        if read.is_err() {
            prop_assert!(wait(migrator(&fs, false).run()).is_err());
            return Ok(());
        }
        let strange = not_understood(&fs);
        let before = export_of(&fs);
        wait(migrator(&fs, true).run()).unwrap();
        prop_assert_eq!(&fs.disk().entries(), &entries, "a dry run changed something");
        let files_before: BTreeMap<_, _> = files(&fs).into_iter().collect();
        migrate(&fs);
        let files_after: BTreeMap<_, _> = files(&fs).into_iter().collect();
        for path in strange {
            // What is not there yet comes with a commit that is completed.
            if let Some(bytes) = files_before.get(&path) {
                prop_assert_eq!(files_after.get(&path), Some(bytes), "{}", path);
            }
        }
        prop_assert_eq!(export_of(&fs), before);
        let entries = fs.disk().entries();
        migrate(&fs);
        prop_assert_eq!(fs.disk().entries(), entries, "the second run changed something");
    }
}
