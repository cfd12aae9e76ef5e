//! Secrets with their values, as we and as older software write them: the
//! values in plain, under the key of the samples.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Format, Sample, Writer, flat, sealed, value};
use crate::{
    fs::block_on,
    seam::Record,
    store::{
        document::Document,
        encryption::SecretText,
        instant_text::InstantText,
        secrets::{Secret, SecretStore, SecretValue, Secrets},
    },
};

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "secrets",
        version: 1,
        about: "the payload of a secret: itself, and its values",
        writer: Writer::ThisRelease,
        samples,
        decode: |bytes| meaning(sealed::record(&SecretStore::spec(), bytes)?),
    },
    Format {
        name: "secrets-flat",
        version: 0,
        about: "a secret as a file of older software",
        writer: Writer::OlderSoftware,
        samples: flat_samples,
        decode: decode_flat,
    },
];

fn store(
    record: Option<Record>,
) -> Result<(SecretStore, Arc<dyn crate::seam::Collection>), String> {
    let collection = sealed::collection(SecretStore::spec(), record)?;
    let own = Arc::clone(&collection);
    Ok((SecretStore::new(own, sealed::clock(), sealed::encryption()), collection))
}

/// What the store makes of a record, and all values, which the store gives none
/// but the newest of.
fn meaning(record: Record) -> Result<Value, String> {
    // Only this member: the secret's own may have numbers that a value can't hold.
    #[derive(Deserialize)]
    struct Versions {
        #[serde(default = "Value::default")]
        versions: Value,
    }
    let Versions { mut versions } =
        serde_json::from_slice(record.data.bytes()).map_err(|error| error.to_string())?;
    if versions.is_null() {
        versions = json!([]);
    }
    for version in versions.as_array_mut().into_iter().flatten() {
        let members = version.as_object_mut().ok_or("a version is no object")?;
        let stored = members.remove("encrypted_value");
        let stored = stored.as_ref().and_then(Value::as_str).ok_or("a version has no value")?;
        members.insert("value".to_owned(), sealed::opened(stored)?);
    }
    let id = record.id.clone();
    let (store, _) = store(Some(record))?;
    let secret = block_on(store.get(id.as_str())).map_err(|error| error.to_string())?;
    let resolved = block_on(store.resolve(id.as_str()));
    let resolved = resolved.map_or_else(
        |error| json!(error.kind().name()),
        |resolved| json!({ "value": resolved.value.expose(), "version": resolved.version }),
    );
    Ok(json!({ "secret": value_of(&secret), "versions": versions, "resolves to": resolved }))
}

fn value_of(secret: &Secret) -> Value {
    // The text itself: an instant that does not change keeps it.
    let instant = |at: &Option<InstantText>| json!(at.as_ref().map(InstantText::as_str));
    let members = [
        ("ID", json!(secret.id)),
        ("Workspace", json!(secret.workspace)),
        ("Ref", json!(secret.reference)),
        ("Description", json!(secret.description)),
        ("ProviderType", json!(secret.provider_type)),
        ("ProviderConnectionID", json!(secret.provider_connection_id)),
        ("ProviderRef", json!(secret.provider_ref)),
        ("ProviderRefFingerprint", json!(secret.provider_ref_fingerprint)),
        ("CurrentVersion", json!(secret.current_version)),
        ("Status", json!(secret.status)),
        ("CreatedBy", json!(secret.created_by)),
        ("CreatedAt", instant(&secret.created_at)),
        ("UpdatedBy", json!(secret.updated_by)),
        ("UpdatedAt", instant(&secret.updated_at)),
        ("LastCheckedAt", instant(&secret.last_checked_at)),
        ("LastResolvedAt", instant(&secret.last_resolved_at)),
        ("LastRotatedAt", instant(&secret.last_rotated_at)),
    ];
    let members = members.map(|(name, value)| (name.to_owned(), value));
    value::with_unknown(Map::from_iter(members), &secret.unknown)
}

fn samples() -> Vec<Sample> {
    let sample = |name, secret: Secret, values: &[SecretValue], value: Value| {
        let id = secret.id.clone();
        let written = store(None).and_then(|(store, collection)| {
            let (first, further) =
                values.split_first().map_or((None, values), |(first, rest)| (Some(first), rest));
            block_on(async {
                store.create(secret, first.cloned()).await?;
                for value in further {
                    store.write_value(&id, value.clone()).await?;
                }
                Ok(())
            })
            .map_err(|error: crate::store::secrets::SecretError| error.to_string())?;
            sealed::payload(&*collection, &id)
        });
        Sample::new(name, written, value)
    };
    let mut plain = Secret::new("c0000000-0000-4000-8000-000000000001", "ops", "prod/db-password");
    plain.created_at = InstantText::parse("2026-01-01T00:00:00.25+09:00");
    plain.updated_at = InstantText::parse("2026-01-02T00:00:00.0Z");
    let foreign = Secret {
        workspace: ".global".to_owned(),
        description: "DB <main> & \"replica\"\\".to_owned(),
        provider_type: "vault".to_owned(),
        provider_connection_id: "c".to_owned(),
        provider_ref: "kv/data/x#y".to_owned(),
        provider_ref_fingerprint: "f".to_owned(),
        status: "disabled".to_owned(),
        created_by: "ann".to_owned(),
        updated_by: "zoë".to_owned(),
        last_checked_at: InstantText::parse("2026-01-05T00:00:00.5-03:30"),
        last_resolved_at: InstantText::parse("2026-01-06T00:00:00Z"),
        last_rotated_at: InstantText::parse("0001-01-01T00:00:00Z"),
        unknown: Document::parse(br#"{"quota":123456789012345678901234567890,"big":1e400}"#)
            .unwrap_or_default(),
        ..plain.clone()
    };
    let value = |text: &str, created_by: &str, at: &str| SecretValue {
        value: SecretText::new(text),
        created_by: created_by.to_owned(),
        created_at: InstantText::parse(at),
    };
    let values = [
        value("first-value", "ann", "2026-01-03T00:00:00Z"),
        value("", "", "2026-01-04T00:00:00.0+09:00"),
        value("third\nmulti\nline\0nul 🙂", "zoë", "2026-01-05T00:00:00.5-03:30"),
    ];
    let rotated = Secret {
        current_version: 3,
        updated_by: "zoë".to_owned(),
        updated_at: InstantText::parse("2026-01-05T00:00:00.5-03:30"),
        last_rotated_at: InstantText::parse("2026-01-05T00:00:00.5-03:30"),
        ..plain.clone()
    };
    let numbered = json!([
        { "secret_id": plain.id, "version": 1, "value": "first-value", "created_by": "ann",
          "created_at": "2026-01-03T00:00:00Z" },
        { "secret_id": plain.id, "version": 2, "value": "",
          "created_at": "2026-01-04T00:00:00.0+09:00" },
        { "secret_id": plain.id, "version": 3, "value": "third\nmulti\nline\0nul 🙂",
          "created_by": "zoë", "created_at": "2026-01-05T00:00:00.5-03:30" },
    ]);
    let newest = json!({ "value": "third\nmulti\nline\0nul 🙂", "version": 3 });
    let meaning = |secret: &Secret, versions: Value, resolved: Value| json!({ "secret": value_of(secret), "versions": versions, "resolves to": resolved });
    let without = |secret: &Secret, problem: &str| meaning(secret, json!([]), json!(problem));
    vec![
        sample("without-values", plain.clone(), &[], without(&plain, "no_value")),
        sample("with-values", plain, &values, meaning(&rotated, numbered, newest)),
        sample(
            "foreign-and-of-another-release",
            foreign.clone(),
            &[],
            without(&foreign, "disabled"),
        ),
    ]
}

/// Every flat sample is the file of this id.
const FLAT_ID: &str = "c0000000-0000-4000-8000-000000000002";

fn flat_samples() -> Vec<Sample> {
    let (plain, stored) = sealed::MADE_ELSEWHERE;
    let secret = |workspace: &str, status: &str, at: &str, current_version: u64| {
        let mut secret = Secret::new(FLAT_ID, workspace, "prod/db-password");
        secret.status = status.to_owned();
        secret.created_at = InstantText::parse(at);
        secret.updated_at = InstantText::parse(at);
        secret.current_version = current_version;
        secret
    };
    let rotated = Secret {
        created_by: "admin".to_owned(),
        updated_by: "zoë".to_owned(),
        last_rotated_at: InstantText::parse("2026-03-01T12:00:00.5-03:30"),
        ..secret(".global", "active", "2026-01-01T09:00:00.123456789+09:00", 2)
    };
    vec![
        Sample::of(
            "indented",
            format!(
                r#"{{
  "secret": {{
    "ID": "c0000000-0000-4000-8000-000000000002",
    "Workspace": ".global",
    "Ref": "prod/db-password",
    "Description": "",
    "ProviderType": "dagu-managed",
    "ProviderConnectionID": "",
    "ProviderRef": "",
    "ProviderRefFingerprint": "",
    "CurrentVersion": 2,
    "Status": "active",
    "CreatedBy": "admin",
    "CreatedAt": "2026-01-01T09:00:00.123456789+09:00",
    "UpdatedBy": "zoë",
    "UpdatedAt": "2026-01-01T09:00:00.123456789+09:00",
    "LastCheckedAt": null,
    "LastResolvedAt": null,
    "LastRotatedAt": "2026-03-01T12:00:00.5-03:30"
  }},
  "versions": [
    {{
      "secret_id": "c0000000-0000-4000-8000-000000000002",
      "version": 1,
      "encrypted_value": "",
      "created_at": "2026-02-01T00:00:00Z"
    }},
    {{
      "secret_id": "c0000000-0000-4000-8000-000000000002",
      "version": 2,
      "encrypted_value": "{stored}",
      "created_by": "zoë",
      "created_at": "2026-03-01T12:00:00.5-03:30"
    }}
  ]
}}"#
            ),
            json!({
                "created_at": { "seconds": 1_767_225_600, "nanoseconds": 123_456_789 },
                "updated_at": { "seconds": 1_767_225_600, "nanoseconds": 123_456_789 },
                "secret": value_of(&rotated),
                "versions": [
                    { "secret_id": FLAT_ID, "version": 1, "value": "",
                      "created_at": "2026-02-01T00:00:00Z" },
                    { "secret_id": FLAT_ID, "version": 2, "value": plain, "created_by": "zoë",
                      "created_at": "2026-03-01T12:00:00.5-03:30" },
                ],
                "resolves to": { "value": plain, "version": 2 },
            }),
        ),
        Sample::of(
            "compact-without-workspace-and-times",
            r#"{"secret":{"ID":"c0000000-0000-4000-8000-000000000002","Ref":"prod/db-password","ProviderType":"dagu-managed","Workspace":""}}"#,
            json!({
                "created_at": { "seconds": 7, "nanoseconds": 8 },
                "updated_at": { "seconds": 7, "nanoseconds": 8 },
                "secret": value_of(&secret(".global", "", "1970-01-01T00:00:07.000000008Z", 0)),
                "versions": [],
                "resolves to": "no_value",
            }),
        ),
    ]
}

fn decode_flat(bytes: &[u8]) -> Result<Value, String> {
    let record = flat::record(FLAT_ID, bytes, &SecretStore::spec().legacy)?;
    let (created_at, updated_at) = (record.created_at, record.updated_at);
    let mut meaning = meaning(record)?;
    if let Some(members) = meaning.as_object_mut() {
        members.insert("created_at".to_owned(), value::instant(created_at));
        members.insert("updated_at".to_owned(), value::instant(updated_at));
    }
    Ok(meaning)
}
