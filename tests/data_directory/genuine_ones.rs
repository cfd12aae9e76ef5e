//! Genuine data directories, where they are at hand, against what the software
//! that wrote them says they hold.

use serde_json::{Value, json};
use storeproof::seam::Instant;

use super::{exported, inspect, migrate, notices, problems};
use crate::genuine::Genuine;

const NAMES: [&str; 4] =
    ["legacy", "legacy-watermark-v0", "legacy-watermark-v1", "legacy-watermark-v2"];

/// Values with every instant as an instant: its text may differ.
fn with_instants(value: &Value) -> Value {
    match value {
        Value::String(text) => match Instant::parse(text) {
            Some(at) => json!({ "instant": at.to_string() }),
            None => value.clone(),
        },
        Value::Array(items) => items.iter().map(with_instants).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), with_instants(member))).collect()
        }
        other => other.clone(),
    }
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

/// The manifest shows an absent access as access to all.
fn with_access(mut entity: Value) -> Value {
    let members = entity.as_object_mut().unwrap();
    members.entry("workspace_access").or_insert_with(|| json!({ "all": true }));
    entity
}

/// The manifest shows no secret as an empty one, and a webhook's under another
/// name.
fn webhook(mut webhook: Value) -> Value {
    let secret = webhook.as_object_mut().unwrap().remove("hmac_secret_plaintext").unwrap();
    if secret != "" {
        webhook["hmacSecret"] = secret;
    }
    webhook
}

/// The manifest shows no values as null, and says what resolving would give.
fn secret(secret: &Value) -> Value {
    let version = |version: Value| {
        json!({
            "version": version["version"],
            "created_by": version.get("created_by").cloned().unwrap_or(json!("")),
            "created_at": version["created_at"],
            "value": version["plaintext"],
        })
    };
    let versions: Vec<Value> = list(&secret["versions"]).into_iter().map(version).collect();
    json!({ "secret": secret["secret"], "versions": versions })
}

/// The manifest shows a session and its messages apart.
fn session(session: &Value) -> Value {
    let mut whole = session["session"].clone();
    whole["messages"] = json!(list(&session["messages"]));
    whole
}

/// What the manifest says, in the export's names.
fn expected(manifest: &Value) -> Value {
    let watermark = manifest.get("watermark").or(manifest.get("loaded"));
    with_instants(&json!({
        "users": list(&manifest["users"]),
        "api_keys": list(&manifest["apikeys"]),
        "webhooks": list(&manifest["webhooks"]).into_iter().map(webhook).collect::<Vec<_>>(),
        "secrets": list(&manifest["secrets"]).iter().map(secret).collect::<Vec<_>>(),
        "sessions": list(&manifest["sessions"]).iter().map(session).collect::<Vec<_>>(),
        "watermark": watermark,
        "worker_heartbeats": list(&manifest["heartbeats"]),
    }))
}

/// What the export says, as the manifest shows it.
fn found(exported: &Value) -> Value {
    let with_access =
        |name: &str| -> Vec<Value> { list(&exported[name]).into_iter().map(with_access).collect() };
    with_instants(&json!({
        "users": with_access("users"),
        "api_keys": with_access("api_keys"),
        "webhooks": exported["webhooks"],
        "secrets": exported["secrets"],
        "sessions": exported["sessions"],
        "watermark": exported["watermark"],
        "worker_heartbeats": exported["worker_heartbeats"],
    }))
}

#[test]
fn genuine_directories_hold_what_their_manifests_say_before_and_after_a_migration() {
    for name in NAMES {
        let Some(genuine) = Genuine::read(name) else { return };
        let before = exported(&genuine.fs);
        assert_eq!(found(&before), expected(&genuine.manifest), "{name}");
        assert_eq!(before["problems"], json!([]), "{name}");
        let migration = migrate(&genuine.fs);
        assert!(migration.holds() && migration.current == 0, "{name}: {migration:?}");
        let files = genuine.manifest["files"].as_array().unwrap();
        let records = files.iter().filter(|file| file["path"] != "auth/encryption_key").count();
        assert_eq!(migration.migrated.len(), records, "{name}");
        assert_eq!(exported(&genuine.fs), before, "{name} after the migration");
        let inspection = inspect(&genuine.fs);
        assert!(inspection.files.iter().all(|file| file.format == "envelope"), "{name}");
    }
}

#[test]
fn nothing_is_wrong_with_the_genuine_directories() {
    for name in NAMES {
        let Some(genuine) = Genuine::read(name) else { return };
        let inspection = inspect(&genuine.fs);
        assert_eq!(problems(&inspection), [], "{name}");
        assert_eq!(notices(&inspection), [], "{name}");
    }
}
