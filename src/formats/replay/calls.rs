//! The calls of every store but the workspace: each of its operations.

use serde_json::{Value, json};

pub(super) fn collection() -> Vec<Value> {
    let record = json!({
        "id": "a/../b",
        "data": "{ \"v\": \"<b>&\" }",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00.5Z",
        "expires_at": "2027-01-01T00:00:00Z",
    });
    let other = json!({
        "id": "",
        "data": { "base64": "APvvvv///g==" },
        "encoding": "proto3",
        "created_at": "0001-01-01T00:00:00Z",
        "updated_at": "0001-01-01T00:00:00Z",
    });
    let selection = json!({
        "prefix": "a/",
        "since": "2026-01-01T00:00:00Z",
        "until": "2027-01-01T00:00:00Z",
    });
    vec![
        json!({ "get": { "id": "a" } }),
        json!({ "put": record }),
        json!({ "create": other }),
        json!({ "delete": { "id": "\u{2028}" } }),
        json!({ "compare_and_swap": { "id": "a", "expected": "1", "next": { "filler": 1_048_576 } } }),
        json!({ "compare_and_delete": { "id": "a", "expected": "" } }),
        json!({ "update": { "id": "a", "data": "null" } }),
        json!({ "find": { "key": "name", "parts": ["x", ""] } }),
        json!({ "list": {} }),
        json!({ "list": {
            "prefix": "a/",
            "since": "2026-01-01T00:00:00Z",
            "until": "2027-01-01T00:00:00Z",
            "cursor": "next",
            "limit": 3,
        } }),
        json!({ "list": { "cursor": { "text": "" } } }),
        json!({ "list": { "cursor": { "resumed": { "text": "1.d.YQ", "after": { "damaged": "a" } } } } }),
        json!({ "list": { "cursor": { "resumed": {
            "text": "1.r.0.0.YQ",
            "after": { "record": ["1970-01-01T00:00:00Z", "a"] },
        } } } }),
        json!({ "count": {} }),
        json!({ "claim": selection }),
        json!({ "commit": { "writes": [
            { "action": { "put": record }, "when": "absent" },
            { "action": { "replace": { "id": "c", "data": "2" } }, "when": "present" },
            { "action": { "delete": "d" }, "when": { "data": "3" } },
            { "action": { "check": "e" } },
            { "action": { "delete": "f" }, "when": { "stored": "{" } },
        ] } }),
        json!("purge_expired"),
        json!({ "quarantine": { "id": "a", "expected": { "base64": "/w==" } } }),
    ]
}

pub(super) fn sessions() -> Vec<Value> {
    let full = json!({
        "id": "a",
        "user_id": "u",
        "dag_name": "d",
        "title": "t",
        "model": "m",
        "created_at": "2026-01-01T09:00:00+09:00",
        "updated_at": "2026-01-01T00:00:00.50Z",
        "parent_session_id": "p",
        "delegate_task": "look",
        "messages": [
            { "type": "user", "sequence_id": -1, "content": "hi", "unknown": { "z": "1e400" } },
            {},
        ],
        "unknown": { "z": "1e400" },
    });
    let wanted = json!({ "id": "a", "user_id": "u" });
    vec![
        json!({ "create": full }),
        json!({ "create": { "id": "", "user_id": "" } }),
        json!({ "get": { "id": "a" } }),
        json!({ "get": wanted }),
        json!({ "list": { "user_id": "u" } }),
        json!({ "list_sub": { "parent_id": "a" } }),
        json!({ "update": { "session": { "id": "a", "user_id": "u", "title": "" } } }),
        json!({ "update": { "session": { "id": "a", "user_id": "v" }, "user_id": "u" } }),
        json!({ "delete": wanted }),
        json!({ "add_message": { "id": "a", "message": { "type": "user", "content": "" } } }),
        json!({ "add_message": { "id": "a", "user_id": "u", "message": {} } }),
        json!({ "messages": wanted }),
        json!({ "latest_sequence_id": wanted }),
    ]
}

pub(super) fn users() -> Vec<Value> {
    let full = json!({
        "id": "a",
        "username": "ann",
        "password_hash": "not-a-hash",
        "role": "admin",
        "workspace_access": { "all": false, "grants": [["ops", "operator"]] },
        "created_at": "2026-01-01T09:00:00+09:00",
        "updated_at": "2026-01-01T00:00:00Z",
        "auth_provider": "oidc",
        "oidc_issuer": "i",
        "oidc_subject": "s",
        "is_disabled": true,
        "unknown": { "z": "1e400" },
    });
    vec![
        json!({ "create": full }),
        json!({ "create": { "id": "", "username": "" } }),
        json!({ "get": { "id": "a" } }),
        json!({ "get_by_username": { "username": "ann" } }),
        json!({ "get_by_oidc_identity": { "issuer": "i", "subject": "" } }),
        json!("list"),
        json!({ "update": { "id": "a", "username": "bob", "workspace_access": { "all": true } } }),
        json!({ "delete": { "id": "a" } }),
        json!("count"),
    ]
}

pub(super) fn api_keys() -> Vec<Value> {
    let full = json!({
        "id": "a",
        "name": "ci",
        "description": "d",
        "role": "admin",
        "workspace_access": { "all": false, "grants": [["ops", "operator"]] },
        "allowed_surfaces": ["mcp", "mcp"],
        "attribution_class": "user_owned",
        "owner_user_id": "u",
        "owner_username": "ann",
        "service_account_id": "s",
        "service_account_name": "",
        "migrated_as_service_account": false,
        "key_hash": "not-a-hash",
        "key_prefix": "p",
        "created_at": "2026-01-01T09:00:00+09:00",
        "updated_at": "2026-01-01T00:00:00Z",
        "created_by": "u",
        "last_used_at": "2026-01-02T00:00:00.50Z",
        "unknown": { "z": "1e400" },
    });
    vec![
        json!({ "create": full }),
        json!({ "create": { "id": "", "name": "" } }),
        json!({ "get": { "id": "a" } }),
        json!("list"),
        json!({ "update": { "id": "a", "name": "cd", "workspace_access": { "all": true } } }),
        json!({ "delete": { "id": "a" } }),
        json!({ "update_last_used": { "id": "a" } }),
    ]
}

pub(super) fn watermark() -> Vec<Value> {
    vec![
        json!("load"),
        json!({ "save": { "state": "{\"version\":3,\"dags\":{\"etl\":{}}}" } }),
        json!({ "save": { "state": { "base64": "/w==" } } }),
    ]
}

pub(super) fn worker_heartbeats() -> Vec<Value> {
    let full = json!({
        "worker_id": "pool/a",
        "labels": { "zone": "\"a\\u003cb\"" },
        "stats": { "total_pollers": "4", "running_tasks": "[{\"dag_name\":\"etl\"}]" },
        "last_heartbeat_at": 1_767_225_600_123_i64,
        "unknown": { "z": "1e400" },
    });
    vec![
        json!({ "upsert": full }),
        json!({ "upsert": { "worker_id": "", "last_heartbeat_at": i64::MIN } }),
        json!({ "get": { "worker_id": "pool/a" } }),
        json!("list"),
        json!({ "delete_stale": { "before": "0001-01-01T00:00:00Z" } }),
    ]
}

pub(super) fn webhooks() -> Vec<Value> {
    let full = json!({
        "id": "a",
        "dag_name": "d",
        "token_hash": "not-a-hash",
        "token_prefix": "p",
        "enabled": true,
        "created_at": "2026-01-01T09:00:00+09:00",
        "updated_at": "2026-01-01T00:00:00Z",
        "created_by": "ann",
        "last_used_at": "2026-01-01T00:00:00Z",
        "auth_mode": "hmac_only",
        "hmac_enforcement_mode": "strict",
        "hmac_secret": "not-a-secret",
        "hmac_secret_generated_at": "2026-01-01T00:00:00Z",
        "unknown": { "z": "1e400" },
    });
    vec![
        json!({ "create": full }),
        json!({ "create": { "id": "", "dag_name": "", "enabled": false } }),
        json!({ "get": { "id": "a" } }),
        json!({ "get_by_dag_name": { "dag_name": "d" } }),
        json!("list"),
        json!({ "update": { "id": "a", "dag_name": "e", "enabled": false, "hmac_secret": "" } }),
        json!({ "delete": { "id": "a" } }),
        json!({ "delete_by_dag_name": { "dag_name": "e" } }),
        json!({ "update_last_used": { "id": "a" } }),
    ]
}

pub(super) fn secrets() -> Vec<Value> {
    let full = json!({
        "id": "a",
        "workspace": "ops",
        "reference": "a/b",
        "description": "d",
        "provider_type": "vault",
        "provider_connection_id": "c",
        "provider_ref": "r",
        "provider_ref_fingerprint": "f",
        "current_version": 7,
        "status": "disabled",
        "created_by": "ann",
        "created_at": "2026-01-01T09:00:00+09:00",
        "updated_by": "ann",
        "updated_at": "2026-01-01T00:00:00Z",
        "last_checked_at": "2026-01-01T00:00:00Z",
        "last_resolved_at": "2026-01-01T00:00:00Z",
        "last_rotated_at": "2026-01-01T00:00:00Z",
        "unknown": { "z": "1e400" },
    });
    let small = json!({ "id": "a", "reference": "a", "current_version": 0 });
    let value = json!({
        "value": "not-a-secret",
        "created_by": "ann",
        "created_at": "2026-01-01T09:00:00+09:00",
    });
    vec![
        json!({ "create": { "secret": full } }),
        json!({ "create": { "secret": small, "value": value } }),
        json!({ "get": { "id": "a" } }),
        json!({ "get_by_ref": { "workspace": "", "reference": "a" } }),
        json!({ "list": {} }),
        json!({ "list": { "workspace": "ops" } }),
        json!({ "update": small }),
        json!({ "delete": { "id": "a" } }),
        json!({ "write_value": { "id": "a", "value": { "value": "" } } }),
        json!({ "current_version": { "id": "a" } }),
        json!({ "resolve": { "id": "a" } }),
    ]
}

/// Those of a collection, through a working set and past it.
pub(super) fn working_sets() -> Vec<Value> {
    let own = collection().into_iter().map(|call| json!({ "own": call }));
    let outside = collection().into_iter().map(|call| json!({ "outside": call }));
    own.chain(outside).chain([json!("refresh")]).collect()
}
