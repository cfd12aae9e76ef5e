//! Users, as we and as older software write them. The pattern for a store: its
//! payload through the store's own type, and a flat file through
//! [`flat::record`] with the store's own spec.

use serde_json::{Map, Value, json};

use super::{
    Format, Sample, Writer,
    access::{self, access, grant},
    flat, value,
};
use crate::store::{
    document::Document,
    instant_text::InstantText,
    users::{User, UserStore},
};

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "users",
        version: 1,
        about: "the payload of a user",
        writer: Writer::ThisRelease,
        samples,
        decode: |bytes| read(bytes).map(|user| value_of(&user)),
    },
    Format {
        name: "users-flat",
        version: 0,
        about: "a user as a file of older software",
        writer: Writer::OlderSoftware,
        samples: flat_samples,
        decode: decode_flat,
    },
];

fn read(bytes: &[u8]) -> Result<User, String> {
    User::from_document(Document::parse(bytes).ok_or("it is no JSON object")?)
}

fn value_of(user: &User) -> Value {
    let mut members = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        members.extend(value.map(|value| (name.to_owned(), value)));
    };
    let text = |text: &Option<String>| text.as_ref().map(|text| json!(text));
    // The text itself: an instant that does not change keeps it.
    let instant = |at: &Option<InstantText>| at.as_ref().map(|at| json!(at.as_str()));
    add("id", Some(json!(user.id)));
    add("username", Some(json!(user.username)));
    add("password_hash", Some(json!(user.password_hash)));
    add("role", Some(json!(user.role)));
    add("workspace_access", user.workspace_access.as_ref().map(access::value_of));
    add("created_at", instant(&user.created_at));
    add("updated_at", instant(&user.updated_at));
    add("auth_provider", text(&user.auth_provider));
    add("oidc_issuer", text(&user.oidc_issuer));
    add("oidc_subject", text(&user.oidc_subject));
    add("is_disabled", user.is_disabled.map(Value::from));
    value::with_unknown(members, &user.unknown)
}

fn samples() -> Vec<Sample> {
    let sample = |name, user: User| {
        let bytes = user.to_document().to_text();
        Sample::of(name, bytes, value_of(&user))
    };
    let document = |json: &str| Document::parse(json.as_bytes()).unwrap_or_default();
    let plain = User::new("11111111-1111-4111-8111-111111111111", "ann");
    vec![
        sample("smallest", plain.clone()),
        sample(
            "full",
            User {
                username: "Ann \"A\" <ü>\u{2028}".to_owned(),
                password_hash: "not-a-hash\\".to_owned(),
                role: "manager".to_owned(),
                workspace_access: access(
                    false,
                    Some(vec![grant("ops", "operator"), grant("dev", "")]),
                    Document::default(),
                ),
                created_at: InstantText::parse("2025-11-03T09:15:30.123456789+09:00"),
                updated_at: InstantText::parse("2026-01-01T00:00:00.50Z"),
                auth_provider: Some("oidc".to_owned()),
                oidc_issuer: Some("https://issuer.example".to_owned()),
                oidc_subject: Some("subject".to_owned()),
                is_disabled: Some(true),
                ..plain.clone()
            },
        ),
        sample(
            "empty-but-present",
            User {
                workspace_access: access(true, Some(Vec::new()), Document::default()),
                created_at: InstantText::parse("0001-01-01T00:00:00Z"),
                oidc_issuer: Some(String::new()),
                is_disabled: Some(false),
                ..plain.clone()
            },
        ),
        sample(
            "members-of-another-release",
            User {
                workspace_access: access(true, None, document(r#"{"since":[1,null]}"#)),
                unknown: document(
                    r#"{"quota":123456789012345678901234567890,"tags":{"a":"\u00e9"},"big":1e400}"#,
                ),
                ..plain
            },
        ),
    ]
}

/// Every flat sample is the file of this id.
const FLAT_ID: &str = "11111111-1111-4111-8111-111111111111";

fn flat_samples() -> Vec<Sample> {
    vec![
        Sample::of(
            "indented",
            r#"{
  "id": "11111111-1111-4111-8111-111111111111",
  "username": "ann",
  "password_hash": "not-a-hash",
  "role": "developer",
  "workspace_access": {
    "all": false,
    "grants": [
      {
        "workspace": "ops",
        "role": "operator"
      }
    ]
  },
  "created_at": "2026-01-01T09:00:00.123456789+09:00",
  "updated_at": "2026-01-01T00:01:01Z",
  "auth_provider": "builtin"
}"#,
            json!({
                "created_at": { "seconds": 1_767_225_600, "nanoseconds": 123_456_789 },
                "updated_at": { "seconds": 1_767_225_661, "nanoseconds": 0 },
                "user": {
                    "id": FLAT_ID,
                    "username": "ann",
                    "password_hash": "not-a-hash",
                    "role": "developer",
                    "workspace_access": {
                        "all": false,
                        "grants": [{ "workspace": "ops", "role": "operator" }],
                    },
                    "created_at": "2026-01-01T09:00:00.123456789+09:00",
                    "updated_at": "2026-01-01T00:01:01Z",
                    "auth_provider": "builtin",
                },
            }),
        ),
        Sample::of(
            "compact",
            r#"{"id":"11111111-1111-4111-8111-111111111111","username":"ann","password_hash":"","role":"admin","workspace_access":{"all":true},"created_at":"0001-01-01T00:00:00Z","updated_at":"2026-01-01T00:01:01Z","oidc_issuer":"https://issuer.example","oidc_subject":"subject","is_disabled":true}
"#,
            json!({
                "created_at": { "seconds": -62_135_596_800_i64, "nanoseconds": 0 },
                "updated_at": { "seconds": 1_767_225_661, "nanoseconds": 0 },
                "user": {
                    "id": FLAT_ID,
                    "username": "ann",
                    "password_hash": "",
                    "role": "admin",
                    "workspace_access": { "all": true },
                    "created_at": "0001-01-01T00:00:00Z",
                    "updated_at": "2026-01-01T00:01:01Z",
                    "oidc_issuer": "https://issuer.example",
                    "oidc_subject": "subject",
                    "is_disabled": true,
                },
            }),
        ),
        Sample::of(
            "without-times",
            r#"{"username":"ann","id":"11111111-1111-4111-8111-111111111111"}"#,
            json!({
                "created_at": { "seconds": 7, "nanoseconds": 8 },
                "updated_at": { "seconds": 7, "nanoseconds": 8 },
                "user": { "id": FLAT_ID, "username": "ann", "password_hash": "", "role": "" },
            }),
        ),
    ]
}

fn decode_flat(bytes: &[u8]) -> Result<Value, String> {
    let record = flat::record(FLAT_ID, bytes, &UserStore::spec().legacy)?;
    Ok(json!({
        "created_at": value::instant(record.created_at),
        "updated_at": value::instant(record.updated_at),
        "user": value_of(&read(bytes)?),
    }))
}
