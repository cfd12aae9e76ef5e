//! A small data directory with everything that occurs in the field, built here
//! so that the tests mean something on any machine.

use serde_json::{Value, json};
use storeproof::{
    fs::FileTime,
    sim::disk::{SimDisk, SimFs},
};

use super::{export_of, exported, inspect, notices, problems};
use crate::file_backend::sim;

/// Its files: all three generations in every store, names that mean something
/// else today, and what is none of ours.
pub(super) const FILES: &[(&str, &str)] = &[
    (
        "users/u1.json",
        "{\n  \"id\": \"u1\",\n  \"username\": \"ann\",\n  \"password_hash\": \"h\",\n  \"role\": \"admin\",\n  \"created_at\": \"2025-01-01T09:00:00.50+09:00\",\n  \"updated_at\": \"2025-01-02T00:00:00Z\"\n}",
    ),
    (
        "users/u2.json",
        r#"{"created_at":"2025-02-01T00:00:00Z","id":"u2","data":{"id":"u2","username":"bob","password_hash":"","role":"","x":123456789012345678901234567890},"updated_at":"2025-02-01T00:00:00Z","encoding":"json"}"#,
    ),
    (
        "users/u3.json",
        r#"{"version":1,"id":"u3","encoding":"json","created_at":"2025-03-01T00:00:00Z","updated_at":"2025-03-01T00:00:00Z","data": {"id":"u3","username":"cid"} }"#,
    ),
    // Its place is another one today, which an older file has: "b%2520c".
    ("users/b%20c.json", r#"{"id":"b%20c","username":"dot"}"#),
    ("users/b%2520c.json", r#"{"id":"b%2520c","username":"eve"}"#),
    ("users/.tmp-123", "half a user"),
    ("users/u1.json.tmp.9", ""),
    ("users/notes.txt", "hands off"),
    (
        "apikeys/k1.json",
        r#"{"id":"k1","name":"ci","role":"viewer","key_hash":"h","key_prefix":"p","created_at":"2024-01-01T00:00:00Z","updated_at":"2024-01-01T00:00:00Z"}"#,
    ),
    (
        "webhooks/h1.json",
        r#"{"id":"h1","dagName":"etl","tokenHash":"t","tokenPrefix":"p","enabled":true,"createdAt":"2025-01-01T00:00:00Z","updatedAt":"2025-01-01T00:00:00Z","createdBy":"u1","authMode":"hmac_only","hmacSecretEnc":"AAAAAAAAAAAAAAAAG+dlNMqXdf2LpwzSEgC9mKc="}"#,
    ),
    (
        "webhooks/h2.json",
        r#"{"id":"h2","encoding":"json","created_at":"2025-02-01T00:00:00Z","updated_at":"2025-02-01T00:00:00Z","data":{"id":"h2","dagName":"report","tokenHash":"","tokenPrefix":"","enabled":false,"createdAt":"2025-02-01T00:00:00Z","updatedAt":"2025-02-01T00:00:00Z"}}"#,
    ),
    (
        "secrets/s1.json",
        r#"{"secret":{"ID":"s1","Workspace":"","Ref":"prod/db","ProviderType":"dagu-managed","CurrentVersion":2,"Status":"active","CreatedBy":"ann","CreatedAt":"2025-01-01T00:00:00Z","UpdatedAt":"2025-01-01T00:00:00Z","LastCheckedAt":null},"versions":[{"secret_id":"s1","version":1,"encrypted_value":"","created_by":"ann","created_at":"2025-01-01T00:00:00Z"},{"secret_id":"s1","version":2,"encrypted_value":"AAAAAAAAAAAAAAAAG+dlNMqXdf2LpwzSEgC9mKc=","created_at":"2025-01-02T00:00:00+09:00"}]}"#,
    ),
    (
        "agent/sessions/ü/t.json",
        r#"{"id":"t","user_id":"ü","title":"nested","created_at":"2025-01-01T00:00:00Z","updated_at":"2025-01-01T00:00:00Z","messages":[{"id":"m2","session_id":"t","type":"user","sequence_id":2,"x":1},{"id":"m1","session_id":"t","type":"error","sequence_id":1}]}"#,
    ),
    (
        "agent/sessions/s.json",
        r#"{"id":"u1/s","encoding":"json","created_at":"2025-02-01T00:00:00Z","updated_at":"2025-02-01T00:00:00Z","data":{"id":"s","user_id":"u1"}}"#,
    ),
    // Made elsewhere (pyca/cryptography): "k" opens it, and it is "x".
    ("auth/encryption_key", "k"),
    (
        "scheduler/state.json",
        r#"{"version":1,"lastTick":"2026-05-01T12:34:00+09:00","dags":{"a":{"lastScheduledTime":"2026-05-01T00:00:00Z"}}}"#,
    ),
    ("scheduler/checkpoint.json", r#"{"lastTick":"2026-05-01T12:34:00+09:00"}"#),
    // printf w1 | sha256sum
    (
        "distributed/workers/60c5590f72eef292f9545afc28bf63ca91d2016a0a288f90f9a32f89d3fffcaf.json",
        r#"{"workerId":"w1","lastHeartbeatAt":5}"#,
    ),
    (
        "distributed/workers/w1.json",
        r#"{"version":1,"id":"w1","encoding":"json","created_at":"2025-03-01T00:00:00Z","updated_at":"2025-03-01T00:00:00Z","data":{"workerId":"w1","lastHeartbeatAt":7}}"#,
    ),
    ("logs/today.log", "hello"),
];

/// How many of [`FILES`] are records of older software.
pub(super) const LEGACY: usize = 12;
/// How many of them are in the present format.
pub(super) const CURRENT: u64 = 2;

/// When its files were last changed.
pub(super) const MODIFIED: FileTime = FileTime { seconds: 1_735_689_600, nanoseconds: 7 };

pub(super) fn disk() -> SimDisk {
    let mut disk = SimDisk::new();
    for (path, text) in FILES {
        disk.write_raw(path, text.as_bytes(), MODIFIED).unwrap();
    }
    disk.place_other("users/link.json").unwrap();
    disk.create_dir_all("users/.git/objects").unwrap();
    disk
}

pub(super) fn fs() -> SimFs {
    sim(disk())
}

/// What `export` says of it.
pub(super) fn content() -> Value {
    let modified = "2025-01-01T00:00:00.000000007Z";
    let user = |id: &str, name: &str, at: &str| json!({"id": id, "username": name, "password_hash": "", "role": "", "created_at": at, "updated_at": at});
    let mut second = user("u2", "bob", "2025-02-01T00:00:00Z");
    second["x"] = serde_json::from_str("123456789012345678901234567890").unwrap();
    json!({
        "schema": 1,
        "users": [
            user("b%20c", "dot", modified),
            user("b%2520c", "eve", modified),
            {
                "id": "u1", "username": "ann", "password_hash": "h", "role": "admin",
                "created_at": "2025-01-01T09:00:00.50+09:00", "updated_at": "2025-01-02T00:00:00Z",
            },
            second,
            user("u3", "cid", "2025-03-01T00:00:00Z"),
        ],
        "api_keys": [{
            "id": "k1", "name": "ci", "role": "viewer", "allowed_surfaces": ["rest_api", "mcp"],
            "attribution_class": "service_account", "service_account_id": "api_key:k1",
            "service_account_name": "ci", "migrated_as_service_account": true, "key_hash": "h",
            "key_prefix": "p", "created_at": "2024-01-01T00:00:00Z",
            "updated_at": "2024-01-01T00:00:00Z", "created_by": "",
        }],
        "webhooks": [
            {
                "id": "h1", "dagName": "etl", "tokenHash": "t", "tokenPrefix": "p",
                "enabled": true, "createdAt": "2025-01-01T00:00:00Z",
                "updatedAt": "2025-01-01T00:00:00Z", "createdBy": "u1", "authMode": "hmac_only",
                "hmacSecret": "x",
            },
            {
                "id": "h2", "dagName": "report", "tokenHash": "", "tokenPrefix": "",
                "enabled": false, "createdAt": "2025-02-01T00:00:00Z",
                "updatedAt": "2025-02-01T00:00:00Z", "createdBy": "",
            },
        ],
        "secrets": [{
            "secret": {
                "ID": "s1", "Workspace": ".global", "Ref": "prod/db", "Description": "",
                "ProviderType": "dagu-managed", "ProviderConnectionID": "", "ProviderRef": "",
                "ProviderRefFingerprint": "", "CurrentVersion": 2, "Status": "active",
                "CreatedBy": "ann", "CreatedAt": "2025-01-01T00:00:00Z", "UpdatedBy": "",
                "UpdatedAt": "2025-01-01T00:00:00Z", "LastCheckedAt": null,
                "LastResolvedAt": null, "LastRotatedAt": null,
            },
            "versions": [
                {"version": 1, "created_by": "ann", "created_at": "2025-01-01T00:00:00Z", "value": ""},
                {"version": 2, "created_by": "", "created_at": "2025-01-02T00:00:00+09:00", "value": "x"},
            ],
        }],
        "sessions": [
            {
                "id": "s", "user_id": "u1", "created_at": "2025-02-01T00:00:00Z",
                "updated_at": "2025-02-01T00:00:00Z", "messages": [],
            },
            {
                "id": "t", "user_id": "ü", "title": "nested",
                "created_at": "2025-01-01T00:00:00Z", "updated_at": "2025-01-01T00:00:00Z",
                "messages": [
                    {"id": "m1", "session_id": "t", "type": "error", "sequence_id": 1},
                    {"id": "m2", "session_id": "t", "type": "user", "sequence_id": 2, "x": 1},
                ],
            },
        ],
        "watermark": {
            "version": 3,
            "lastTick": "2026-05-01T12:34:00+09:00",
            "dags": {"a": {
                "lastScheduledTime": "2026-05-01T00:00:00Z",
                "skipSuccessResetAt": "0001-01-01T00:00:00Z",
            }},
        },
        "worker_heartbeats": [{"workerId": "w1", "lastHeartbeatAt": 7}],
        "problems": [],
    })
}

#[test]
fn every_generation_is_exported_with_what_older_software_left_out() {
    assert_eq!(exported(&fs()), content());
}

#[test]
fn numbers_and_instants_are_exported_as_they_are_written() {
    let text = export_of(&fs());
    for written in ["123456789012345678901234567890", "2025-01-01T09:00:00.50+09:00"] {
        assert!(text.contains(written), "{written} is not in {text}");
    }
}

#[test]
fn an_inspection_tells_every_files_format_and_what_is_none_of_ours() {
    let inspection = inspect(&fs());
    let formats: Vec<_> =
        inspection.files.iter().map(|file| (&*file.path, &*file.format, &*file.id)).collect();
    let hash = "60c5590f72eef292f9545afc28bf63ca91d2016a0a288f90f9a32f89d3fffcaf";
    let older = format!("distributed/workers/{hash}.json");
    assert_eq!(
        formats,
        [
            ("agent/sessions/s.json", "older_envelope", "s"),
            ("agent/sessions/ü/t.json", "flat", "ü/t"),
            ("apikeys/k1.json", "flat", "k1"),
            (&older, "flat", hash),
            ("distributed/workers/w1.json", "envelope", "w1"),
            ("scheduler/state.json", "flat", "state"),
            ("secrets/s1.json", "flat", "s1"),
            ("users/b%20c.json", "flat", "b%20c"),
            ("users/b%2520c.json", "flat", "b%2520c"),
            ("users/u1.json", "flat", "u1"),
            ("users/u2.json", "older_envelope", "u2"),
            ("users/u3.json", "envelope", "u3"),
            ("webhooks/h1.json", "flat", "h1"),
            ("webhooks/h2.json", "older_envelope", "h2"),
        ]
    );
    assert!(inspection.files.iter().all(|file| file.sound));
    assert_eq!(problems(&inspection), []);
    assert_eq!(
        notices(&inspection),
        [
            ("logs/", "foreign"),
            ("scheduler/checkpoint.json", "foreign"),
            ("users/.git/", "foreign"),
            ("users/.tmp-123", "leftover"),
            ("users/link.json", "foreign"),
            ("users/notes.txt", "foreign"),
            ("users/u1.json.tmp.9", "leftover"),
        ]
    );
    let legacy = inspection.information.iter().filter(|notice| notice.kind.name() == "legacy");
    assert_eq!(legacy.count(), LEGACY);
}
