//! Webhooks, as we and as older software write them: with their secrets in
//! plain, under the key of the samples.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Format, Sample, Writer, flat, sealed, value};
use crate::{
    fs::block_on,
    seam::Record,
    store::{
        document::Document,
        encryption::SecretText,
        instant_text::InstantText,
        webhooks::{Webhook, WebhookStore, Webhooks},
    },
};

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "webhooks",
        version: 1,
        about: "the payload of a webhook",
        writer: Writer::ThisRelease,
        samples,
        decode: |bytes| meaning(sealed::record(&WebhookStore::spec(), bytes)?),
    },
    Format {
        name: "webhooks-flat",
        version: 0,
        about: "a webhook as a file of older software",
        writer: Writer::OlderSoftware,
        samples: flat_samples,
        decode: decode_flat,
    },
];

fn store(
    record: Option<Record>,
) -> Result<(WebhookStore, Arc<dyn crate::seam::Collection>), String> {
    let collection = sealed::collection(WebhookStore::spec(), record)?;
    let own = Arc::clone(&collection);
    Ok((WebhookStore::new(own, sealed::clock(), sealed::encryption()), collection))
}

/// What the store makes of a record.
fn meaning(record: Record) -> Result<Value, String> {
    let id = record.id.clone();
    let (store, _) = store(Some(record))?;
    let webhook = block_on(store.get(id.as_str())).map_err(|error| error.to_string())?;
    Ok(value_of(&webhook))
}

fn value_of(webhook: &Webhook) -> Value {
    let mut members = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        members.extend(value.map(|value| (name.to_owned(), value)));
    };
    let text = |text: &Option<String>| text.as_ref().map(|text| json!(text));
    // The text itself: an instant that does not change keeps it.
    let instant = |at: &Option<InstantText>| at.as_ref().map(|at| json!(at.as_str()));
    add("id", Some(json!(webhook.id)));
    add("dagName", Some(json!(webhook.dag_name)));
    add("tokenHash", Some(json!(webhook.token_hash)));
    add("tokenPrefix", Some(json!(webhook.token_prefix)));
    add("enabled", Some(json!(webhook.enabled)));
    add("createdAt", instant(&webhook.created_at));
    add("updatedAt", instant(&webhook.updated_at));
    add("createdBy", Some(json!(webhook.created_by)));
    add("lastUsedAt", instant(&webhook.last_used_at));
    add("authMode", text(&webhook.auth_mode));
    add("hmacEnforcementMode", text(&webhook.hmac_enforcement_mode));
    add("hmacSecret", webhook.hmac_secret.as_ref().map(|secret| json!(secret.expose())));
    add("hmacSecretGeneratedAt", instant(&webhook.hmac_secret_generated_at));
    value::with_unknown(members, &webhook.unknown)
}

fn samples() -> Vec<Sample> {
    let sample = |name, webhook: Webhook| {
        let value = value_of(&webhook);
        let id = webhook.id.clone();
        let written = store(None).and_then(|(store, collection)| {
            block_on(store.create(webhook)).map_err(|error| error.to_string())?;
            sealed::payload(&*collection, &id)
        });
        Sample::new(name, written, value)
    };
    let mut plain = Webhook::new("b0000000-0000-4000-8000-000000000001", "etl-daily");
    plain.created_at = InstantText::parse("2026-01-01T00:00:00.25+09:00");
    plain.updated_at = InstantText::parse("2026-01-02T00:00:00.0Z");
    vec![
        sample("smallest", plain.clone()),
        sample(
            "full",
            Webhook {
                dag_name: "レポート <月次> \"\\".to_owned(),
                token_hash: "not-a-hash".to_owned(),
                token_prefix: "dagu_wh1".to_owned(),
                enabled: true,
                created_by: "ann".to_owned(),
                last_used_at: InstantText::parse("2026-05-01T00:00:00+02:00"),
                auth_mode: Some("token_and_hmac".to_owned()),
                hmac_enforcement_mode: Some("strict".to_owned()),
                hmac_secret: Some(SecretText::new("hmac-秘密-<&>")),
                hmac_secret_generated_at: InstantText::parse("2026-01-04T00:00:00.000000004Z"),
                ..plain.clone()
            },
        ),
        sample(
            "members-of-another-release",
            Webhook {
                auth_mode: Some(String::new()),
                unknown: Document::parse(
                    br#"{"quota":123456789012345678901234567890,"big":1e400}"#,
                )
                .unwrap_or_default(),
                ..plain
            },
        ),
    ]
}

/// Every flat sample is the file of this id.
const FLAT_ID: &str = "b0000000-0000-4000-8000-000000000002";

fn flat_samples() -> Vec<Sample> {
    let (plain, stored) = sealed::MADE_ELSEWHERE;
    vec![
        Sample::of(
            "indented",
            format!(
                r#"{{
  "id": "b0000000-0000-4000-8000-000000000002",
  "dagName": "hmac-only",
  "tokenHash": "",
  "tokenPrefix": "",
  "enabled": true,
  "createdAt": "2026-01-01T09:00:00.123456789+09:00",
  "updatedAt": "2026-01-01T00:01:01Z",
  "createdBy": "u",
  "lastUsedAt": "2026-05-01T00:00:00+02:00",
  "authMode": "hmac_only",
  "hmacEnforcementMode": "observe",
  "hmacSecretEnc": "{stored}",
  "hmacSecretGeneratedAt": "2026-01-04T00:00:00Z"
}}"#
            ),
            json!({
                "created_at": { "seconds": 1_767_225_600, "nanoseconds": 123_456_789 },
                "updated_at": { "seconds": 1_767_225_661, "nanoseconds": 0 },
                "webhook": {
                    "id": FLAT_ID,
                    "dagName": "hmac-only",
                    "tokenHash": "",
                    "tokenPrefix": "",
                    "enabled": true,
                    "createdAt": "2026-01-01T09:00:00.123456789+09:00",
                    "updatedAt": "2026-01-01T00:01:01Z",
                    "createdBy": "u",
                    "lastUsedAt": "2026-05-01T00:00:00+02:00",
                    "authMode": "hmac_only",
                    "hmacEnforcementMode": "observe",
                    "hmacSecret": plain,
                    "hmacSecretGeneratedAt": "2026-01-04T00:00:00Z",
                },
            }),
        ),
        Sample::of(
            "compact-without-times",
            r#"{"dagName":"etl","id":"b0000000-0000-4000-8000-000000000002","hmacSecretEnc":""}"#,
            json!({
                "created_at": { "seconds": 7, "nanoseconds": 8 },
                "updated_at": { "seconds": 7, "nanoseconds": 8 },
                "webhook": {
                    "id": FLAT_ID,
                    "dagName": "etl",
                    "tokenHash": "",
                    "tokenPrefix": "",
                    "enabled": false,
                    "createdAt": "1970-01-01T00:00:07.000000008Z",
                    "updatedAt": "1970-01-01T00:00:07.000000008Z",
                    "createdBy": "",
                },
            }),
        ),
    ]
}

fn decode_flat(bytes: &[u8]) -> Result<Value, String> {
    let record = flat::record(FLAT_ID, bytes, &WebhookStore::spec().legacy)?;
    Ok(json!({
        "created_at": value::instant(record.created_at),
        "updated_at": value::instant(record.updated_at),
        "webhook": meaning(record)?,
    }))
}
