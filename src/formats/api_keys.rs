//! API keys, as we and as older software write them.

use serde_json::{Map, Value, json};

use super::{
    Format, Sample, Writer,
    access::{self, access, grant},
    flat, value,
};
use crate::store::{
    api_keys::{ApiKey, ApiKeyStore},
    document::Document,
    instant_text::InstantText,
};

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "api-keys",
        version: 1,
        about: "the payload of an API key",
        writer: Writer::ThisRelease,
        samples,
        decode: |bytes| read(bytes).map(|key| value_of(&key)),
    },
    Format {
        name: "api-keys-flat",
        version: 0,
        about: "an API key as a file of older software",
        writer: Writer::OlderSoftware,
        samples: flat_samples,
        decode: decode_flat,
    },
];

/// In its normal form, as everything that reads a key has it.
fn read(bytes: &[u8]) -> Result<ApiKey, String> {
    let document = Document::parse(bytes).ok_or("it is no JSON object")?;
    Ok(ApiKey::from_document(document)?.normalised())
}

fn value_of(key: &ApiKey) -> Value {
    let mut members = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        members.extend(value.map(|value| (name.to_owned(), value)));
    };
    let text = |text: &Option<String>| text.as_ref().map(|text| json!(text));
    // The text itself: an instant that does not change keeps it.
    let instant = |at: &Option<InstantText>| at.as_ref().map(|at| json!(at.as_str()));
    add("id", Some(json!(key.id)));
    add("name", Some(json!(key.name)));
    add("description", text(&key.description));
    add("role", Some(json!(key.role)));
    add("workspace_access", key.workspace_access.as_ref().map(access::value_of));
    add("allowed_surfaces", Some(json!(key.allowed_surfaces)));
    add("attribution_class", text(&key.attribution_class));
    add("owner_user_id", text(&key.owner_user_id));
    add("owner_username", text(&key.owner_username));
    add("service_account_id", text(&key.service_account_id));
    add("service_account_name", text(&key.service_account_name));
    add("migrated_as_service_account", key.migrated_as_service_account.map(Value::from));
    add("key_hash", Some(json!(key.key_hash)));
    add("key_prefix", Some(json!(key.key_prefix)));
    add("created_at", instant(&key.created_at));
    add("updated_at", instant(&key.updated_at));
    add("created_by", Some(json!(key.created_by)));
    add("last_used_at", instant(&key.last_used_at));
    value::with_unknown(members, &key.unknown)
}

/// The id of every sample.
const ID: &str = "a0000000-0000-4000-8000-000000000001";

fn samples() -> Vec<Sample> {
    let sample = |name, key: ApiKey| {
        let key = key.normalised();
        let bytes = key.to_document().to_text();
        Sample::of(name, bytes, value_of(&key))
    };
    let document = |json: &str| Document::parse(json.as_bytes()).unwrap_or_default();
    let text = |text: &str| Some(text.to_owned());
    let plain = ApiKey::new(ID, "ci");
    vec![
        sample("smallest", plain.clone()),
        sample(
            "of-a-user",
            ApiKey {
                name: "ci \"A\" <ü>\u{2028}".to_owned(),
                description: text("deploys <prod> & staging"),
                role: "operator".to_owned(),
                workspace_access: access(
                    false,
                    Some(vec![grant("ops", "operator"), grant("dev", "")]),
                    Document::default(),
                ),
                allowed_surfaces: vec!["mcp".to_owned()],
                attribution_class: text("user_owned"),
                owner_user_id: text("11111111-1111-4111-8111-111111111111"),
                owner_username: text("ann"),
                key_hash: "not-a-hash\\".to_owned(),
                key_prefix: "dagu_abc".to_owned(),
                created_at: InstantText::parse("2025-11-03T09:15:30.123456789+09:00"),
                updated_at: InstantText::parse("2026-01-01T00:00:00.50Z"),
                created_by: "11111111-1111-4111-8111-111111111111".to_owned(),
                last_used_at: InstantText::parse("2026-04-01T08:09:10.987654321-05:00"),
                ..plain.clone()
            },
        ),
        sample(
            "of-a-service",
            ApiKey {
                allowed_surfaces: ["rest_api", "mcp"].map(str::to_owned).to_vec(),
                attribution_class: text("service_account"),
                service_account_id: text("deployer"),
                service_account_name: text("Deployer"),
                migrated_as_service_account: Some(false),
                created_at: InstantText::parse("0001-01-01T00:00:00Z"),
                ..plain.clone()
            },
        ),
        sample(
            "members-of-another-release",
            ApiKey {
                allowed_surfaces: vec!["of tomorrow".to_owned()],
                attribution_class: text("of tomorrow"),
                workspace_access: access(true, None, document(r#"{"since":[1,null]}"#)),
                unknown: document(
                    r#"{"quota":123456789012345678901234567890,"tags":{"a":"\u00e9"},"big":1e400}"#,
                ),
                ..plain
            },
        ),
    ]
}

fn flat_samples() -> Vec<Sample> {
    let modified = json!({ "seconds": flat::MODIFIED.0, "nanoseconds": flat::MODIFIED.1 });
    vec![
        Sample::of(
            "indented",
            r#"{
  "id": "a0000000-0000-4000-8000-000000000001",
  "name": "キー \u003c二\u003e",
  "role": "viewer",
  "workspace_access": {
    "all": false,
    "grants": [
      {
        "workspace": "ops",
        "role": "viewer"
      }
    ]
  },
  "allowed_surfaces": [
    "mcp"
  ],
  "attribution_class": "user_owned",
  "owner_user_id": "22222222-2222-4222-8222-222222222222",
  "owner_username": "山田太郎",
  "key_hash": "not-a-hash",
  "key_prefix": "dagu_def",
  "created_at": "2026-01-01T09:00:00.123456789+09:00",
  "updated_at": "2026-01-01T00:01:01Z",
  "created_by": "22222222-2222-4222-8222-222222222222",
  "last_used_at": "2026-04-01T08:09:10.987654321-05:00"
}"#,
            json!({
                "created_at": { "seconds": 1_767_225_600, "nanoseconds": 123_456_789 },
                "updated_at": { "seconds": 1_767_225_661, "nanoseconds": 0 },
                "api_key": {
                    "id": ID,
                    "name": "キー <二>",
                    "role": "viewer",
                    "workspace_access": {
                        "all": false,
                        "grants": [{ "workspace": "ops", "role": "viewer" }],
                    },
                    "allowed_surfaces": ["mcp"],
                    "attribution_class": "user_owned",
                    "owner_user_id": "22222222-2222-4222-8222-222222222222",
                    "owner_username": "山田太郎",
                    "key_hash": "not-a-hash",
                    "key_prefix": "dagu_def",
                    "created_at": "2026-01-01T09:00:00.123456789+09:00",
                    "updated_at": "2026-01-01T00:01:01Z",
                    "created_by": "22222222-2222-4222-8222-222222222222",
                    "last_used_at": "2026-04-01T08:09:10.987654321-05:00",
                },
            }),
        ),
        Sample::of(
            "of-before-attribution",
            r#"{"id":"a0000000-0000-4000-8000-000000000001","name":"ci","role":"admin","key_hash":"not-a-hash","key_prefix":"dagu_abc","created_at":"0001-01-01T00:00:00Z","updated_at":"2026-01-01T00:01:01Z","created_by":"ann"}
"#,
            json!({
                "created_at": { "seconds": -62_135_596_800_i64, "nanoseconds": 0 },
                "updated_at": { "seconds": 1_767_225_661, "nanoseconds": 0 },
                "api_key": {
                    "id": ID,
                    "name": "ci",
                    "role": "admin",
                    "allowed_surfaces": ["rest_api", "mcp"],
                    "attribution_class": "service_account",
                    "service_account_id": format!("api_key:{ID}"),
                    "service_account_name": "ci",
                    "migrated_as_service_account": true,
                    "key_hash": "not-a-hash",
                    "key_prefix": "dagu_abc",
                    "created_at": "0001-01-01T00:00:00Z",
                    "updated_at": "2026-01-01T00:01:01Z",
                    "created_by": "ann",
                },
            }),
        ),
        Sample::of(
            "without-times-and-doubled",
            r#"{"name":"ci","id":"a0000000-0000-4000-8000-000000000001","allowed_surfaces":["mcp","rest_api","mcp"],"attribution_class":"service_account","service_account_id":""}"#,
            json!({
                "created_at": modified,
                "updated_at": modified,
                "api_key": {
                    "id": ID,
                    "name": "ci",
                    "role": "",
                    "allowed_surfaces": ["mcp", "rest_api"],
                    "attribution_class": "service_account",
                    "service_account_id": format!("api_key:{ID}"),
                    "service_account_name": "ci",
                    "key_hash": "",
                    "key_prefix": "",
                    "created_by": "",
                },
            }),
        ),
    ]
}

fn decode_flat(bytes: &[u8]) -> Result<Value, String> {
    let record = flat::record(ID, bytes, &ApiKeyStore::spec().legacy)?;
    Ok(json!({
        "created_at": value::instant(record.created_at),
        "updated_at": value::instant(record.updated_at),
        "api_key": value_of(&read(bytes)?),
    }))
}
