//! What `inspect`, `export` and `migrate` say of a data directory, as JSON.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Format, Sample, Writer,
    value::{Unknown, as_read},
};
use crate::{
    directory::{
        content,
        export::{self, export},
        inspect::{self, InspectedFile, Inspection, StoreSummary},
        migrate::{self, Kept, Migrated, Migration},
        problem::{Notice, NoticeKind, Problem, ProblemKind},
    },
    fs::FileTime,
    seam::Instant,
    sim::{
        disk::{SimDisk, SimFs},
        executor::Sim,
        single::run_alone,
    },
    store::encryption::EncryptionKey,
};

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "export",
        version: export::SCHEMA,
        about: "the content of a data directory, as export prints it",
        writer: Writer::ThisRelease,
        samples: exports,
        decode: decode_export,
    },
    Format {
        name: "inspection",
        version: inspect::SCHEMA,
        about: "what inspect says of a data directory",
        writer: Writer::ThisRelease,
        samples: inspections,
        decode: decode_as::<Inspection>,
    },
    Format {
        name: "migration",
        version: migrate::SCHEMA,
        about: "what migrate did to a data directory",
        writer: Writer::ThisRelease,
        samples: migrations,
        decode: decode_as::<Migration>,
    },
];

/// A data directory with an entity of every store, and a damaged file.
const FILES: &[(&str, &str)] = &[
    (
        "users/u.json",
        r#"{"id":"u","username":"ann","created_at":"2026-01-01T09:00:00+09:00","updated_at":"2026-01-01T00:00:00.50Z","z":1}"#,
    ),
    ("users/broken.json", "{"),
    (
        "apikeys/k.json",
        r#"{"id":"k","name":"ci","key_hash":"h","created_at":"2024-01-01T00:00:00Z","updated_at":"2024-01-01T00:00:00Z"}"#,
    ),
    (
        "webhooks/h.json",
        r#"{"id":"h","dagName":"etl","enabled":true,"createdAt":"2025-01-01T00:00:00Z","updatedAt":"2025-01-01T00:00:00Z","hmacSecretEnc":"AAAAAAAAAAAAAAAAG+dlNMqXdf2LpwzSEgC9mKc="}"#,
    ),
    (
        "secrets/s.json",
        r#"{"secret":{"ID":"s","Ref":"prod/db","ProviderType":"dagu-managed","CurrentVersion":1,"Status":"active","CreatedAt":"2025-01-01T00:00:00Z","UpdatedAt":"2025-01-01T00:00:00Z"},"versions":[{"version":1,"encrypted_value":"AAAAAAAAAAAAAAAAG+dlNMqXdf2LpwzSEgC9mKc=","created_at":"2025-01-01T00:00:00Z"}]}"#,
    ),
    (
        "agent/sessions/u/s.json",
        r#"{"id":"s","user_id":"u","created_at":"2025-01-01T00:00:00Z","updated_at":"2025-01-01T00:00:00Z","messages":[{"id":"m2","sequence_id":2},{"id":"m1","type":"user","sequence_id":1,"content":"hello","cost":0.5}]}"#,
    ),
    ("scheduler/state.json", r#"{"version":1,"lastTick":"2026-05-01T12:34:00+09:00"}"#),
    ("distributed/workers/w.json", r#"{"workerId":"w","lastHeartbeatAt":1767225600123}"#),
];

fn exports() -> Vec<Sample> {
    let nothing = json!({
        "schema": 1,
        "users": [],
        "api_keys": [],
        "webhooks": [],
        "secrets": [],
        "sessions": [],
        "watermark": null,
        "worker_heartbeats": [],
        "problems": [],
    });
    let everything = json!({
        "schema": 1,
        "users": [{
            "id": "u", "username": "ann", "password_hash": "", "role": "",
            "created_at": "2026-01-01T09:00:00+09:00", "updated_at": "2026-01-01T00:00:00.50Z",
            "z": 1,
        }],
        "api_keys": [{
            "id": "k", "name": "ci", "role": "", "allowed_surfaces": ["rest_api", "mcp"],
            "attribution_class": "service_account", "service_account_id": "api_key:k",
            "service_account_name": "ci", "migrated_as_service_account": true, "key_hash": "h",
            "key_prefix": "", "created_at": "2024-01-01T00:00:00Z",
            "updated_at": "2024-01-01T00:00:00Z", "created_by": "",
        }],
        "webhooks": [{
            "id": "h", "dagName": "etl", "tokenHash": "", "tokenPrefix": "", "enabled": true,
            "createdAt": "2025-01-01T00:00:00Z", "updatedAt": "2025-01-01T00:00:00Z",
            "createdBy": "", "hmacSecret": "x",
        }],
        "secrets": [{
            "secret": {
                "ID": "s", "Workspace": ".global", "Ref": "prod/db", "Description": "",
                "ProviderType": "dagu-managed", "ProviderConnectionID": "", "ProviderRef": "",
                "ProviderRefFingerprint": "", "CurrentVersion": 1, "Status": "active",
                "CreatedBy": "", "CreatedAt": "2025-01-01T00:00:00Z", "UpdatedBy": "",
                "UpdatedAt": "2025-01-01T00:00:00Z", "LastCheckedAt": null,
                "LastResolvedAt": null, "LastRotatedAt": null,
            },
            "versions": [{
                "version": 1, "created_by": "", "created_at": "2025-01-01T00:00:00Z",
                "value": "x",
            }],
        }],
        "sessions": [{
            "id": "s", "user_id": "u", "created_at": "2025-01-01T00:00:00Z",
            "updated_at": "2025-01-01T00:00:00Z",
            "messages": [
                { "id": "m1", "type": "user", "sequence_id": 1, "content": "hello", "cost": 0.5 },
                { "id": "m2", "sequence_id": 2 },
            ],
        }],
        "watermark": { "version": 3, "lastTick": "2026-05-01T12:34:00+09:00", "dags": {} },
        "worker_heartbeats": [{ "workerId": "w", "lastHeartbeatAt": 1_767_225_600_123_u64 }],
        "problems": [{
            "path": "users/broken.json",
            "kind": "damaged",
            "message": "it is not JSON; it may have been cut short",
        }],
    });
    vec![
        Sample::new("nothing", exported(&[]), nothing),
        Sample::new("everything", exported(FILES), everything),
    ]
}

/// What `export` prints of a directory with these files.
fn exported(files: &[(&str, &str)]) -> Result<String, String> {
    let mut disk = SimDisk::new();
    for (path, text) in files {
        let written = disk.write_raw(path, text.as_bytes(), FileTime::default());
        written.map_err(|error| error.to_string())?;
    }
    let fs = SimFs::new(disk, Sim::default());
    // Made elsewhere (pyca/cryptography): this key opens the samples' secrets.
    let key = EncryptionKey::new(b"k");
    let watch: content::StoreWatch = Arc::new(|_, _| true);
    let read =
        run_alone(
            0,
            async move { content::read(&fs, key.as_ref(), Instant::UNIX_EPOCH, &watch).await },
        );
    let content =
        read.ok_or("the disk kept somebody waiting")?.map_err(|error| error.to_string())?;
    Ok(export(content).text.to_string())
}

fn decode_export(bytes: &[u8]) -> Result<Value, String> {
    let document: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    match document.get("schema").and_then(Value::as_u64) {
        Some(export::SCHEMA) => Ok(document),
        Some(schema) => Err(format!("it has schema {schema}")),
        None => Err("it has no schema".to_owned()),
    }
}

fn problem() -> Problem {
    Problem {
        path: "users/a.json".to_owned(),
        kind: ProblemKind::IdMismatch,
        message: "the file's name is not the payload's own id (the user's id)".to_owned(),
    }
}

fn notice(path: &str, kind: NoticeKind) -> Notice {
    Notice { path: path.to_owned(), kind, message: "left alone".to_owned() }
}

fn inspections() -> Vec<Sample> {
    let summary = StoreSummary {
        store: "users".to_owned(),
        folder: "users".to_owned(),
        records: 3,
        current: 1,
        older_envelopes: 1,
        flat: 1,
        problems: 0,
        leftovers: 0,
        foreign: 0,
    };
    let file = |format: &str, sound| InspectedFile {
        path: format!("users/{format}.json"),
        store: "users".to_owned(),
        id: format.to_owned(),
        format: format.to_owned(),
        bytes: 321,
        sound,
    };
    let sound = Inspection {
        schema: inspect::SCHEMA,
        stores: vec![summary.clone()],
        files: ["envelope", "flat", "older_envelope"].map(|format| file(format, true)).into(),
        problems: Vec::new(),
        information: vec![notice("users/flat.json", NoticeKind::Legacy)],
    };
    let kinds = [
        ProblemKind::Damaged,
        ProblemKind::IdMismatch,
        ProblemKind::DuplicateKey,
        ProblemKind::NewerVersion,
        ProblemKind::Undecryptable,
    ];
    let damaged = Inspection {
        stores: vec![StoreSummary { problems: 5, leftovers: 1, foreign: 1, ..summary }],
        files: vec![file("unknown", false)],
        problems: kinds.map(|kind| Problem { kind, ..problem() }).into(),
        information: vec![
            notice("logs/", NoticeKind::Foreign),
            notice("users/.tmp-1", NoticeKind::Leftover),
        ],
        ..sound
    };
    [("sound", sound), ("damaged", damaged)]
        .into_iter()
        .map(|(name, inspection)| {
            let value = serde_json::to_value(&inspection).unwrap_or_default();
            Sample::new(name, inspection.to_text(), value)
        })
        .collect()
}

fn migrations() -> Vec<Sample> {
    let nothing = Migration {
        schema: migrate::SCHEMA,
        dry_run: false,
        interrupted: false,
        current: 17,
        migrated: Vec::new(),
        kept: Vec::new(),
        problems: Vec::new(),
        information: Vec::new(),
    };
    let much = Migration {
        dry_run: true,
        interrupted: true,
        migrated: vec![Migrated {
            path: "users/b%20c.json".to_owned(),
            store: "users".to_owned(),
            id: "b%20c".to_owned(),
            from: "flat".to_owned(),
        }],
        kept: vec![Kept { path: "users/b.json".to_owned(), message: "in the way".to_owned() }],
        problems: vec![problem()],
        information: vec![notice("users/.tmp-1", NoticeKind::Leftover)],
        ..nothing
    };
    [("nothing", nothing), ("much", much)]
        .into_iter()
        .map(|(name, migration)| {
            let value = serde_json::to_value(&migration).unwrap_or_default();
            Sample::new(name, migration.to_text(), value)
        })
        .collect()
}

fn decode_as<T: serde::Serialize + serde::de::DeserializeOwned>(
    bytes: &[u8],
) -> Result<Value, String> {
    let document: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if document.get("schema").and_then(Value::as_u64) != Some(1) {
        return Err("it has another schema".to_owned());
    }
    let read: T = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let read = serde_json::to_value(&read).map_err(|error| error.to_string())?;
    Ok(as_read(&document, &read, Unknown::PassedOver))
}
