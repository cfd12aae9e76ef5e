//! The calls of the workspace.

use serde_json::{Value, json};

/// Each of its operations.
pub(super) fn calls() -> Vec<Value> {
    let of = |kind: &str, call: Value| json!({ "kind": kind, "call": call });
    let release = json!({
        "id": "",
        "version": {"id": "v1"},
        "releaseTarget": {"resourceId": "r", "environmentId": "e", "deploymentId": "d"},
        "variables": {},
        "encryptedVariables": [],
    });
    let resource = json!({
        "id": "a",
        "identifier": "host-1",
        "name": "",
        "kind": "host",
        "version": "v1",
        "workspaceId": "w",
        "providerId": "p",
        "config": {"size": 123_456_789},
        "metadata": null,
        "createdAt": "2026-01-01T00:00:00Z",
        "x": "a member of another release",
    });
    let system = json!({ "id": "s", "name": "payments", "workspaceId": "w" });
    vec![
        of("resource", json!({ "upsert": { "id": ["a"], "entity": resource } })),
        of("system", json!({ "upsert_batch": { "entities": [system] } })),
        of("system", json!({ "remove": { "id": ["s"] } })),
        of("system", json!({ "remove_batch": { "ids": [["s"], ["t"]] } })),
        of("user_approval_record", json!({ "get": { "id": ["v", "u", "e"] } })),
        of("system", json!("items")),
        of("job", json!({ "by": { "key": "job_agent", "values": ["j"] } })),
        of("system", json!("take_changes")),
        of("system_deployment", json!({ "link": { "id": ["s", "d"] } })),
        of("system_environment", json!({ "unlink": { "id": ["s", "e"] } })),
        of("system_deployment", json!({ "linked": { "key": "system", "value": "s" } })),
        of(
            "resource_variable",
            json!({ "bulk_update": { "resource": "r", "variables": {"a": 1, "b": [null]} } }),
        ),
        of("release", json!({ "upsert_by_content": { "release": release } })),
        of("resource", json!({ "by_identifier": { "identifier": "host-1" } })),
        of("resource", json!("summaries")),
        of("user_approval_record", json!({ "approved": { "version": "v", "environment": "e" } })),
    ]
}
