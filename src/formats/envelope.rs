//! The files that records lie in: ours, and those of the generation between.

use serde_json::{Value, json};

use super::{Format, Sample, Writer, value};
use crate::{
    backend::file::envelope::{self, Decoded, FORMAT_VERSION},
    seam::{Encoding, Instant, Payload, Record, RecordId},
};

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "envelope",
        version: FORMAT_VERSION,
        about: "one record as one file",
        writer: Writer::ThisRelease,
        samples,
        decode,
    },
    Format {
        name: "envelope-unversioned",
        version: 0,
        about: "the same before it had a version, in any order of keys",
        writer: Writer::OlderSoftware,
        samples: unversioned_samples,
        decode: decode_unversioned,
    },
];

/// Bytes that show which base64 they are in: `+` and `/`, and padding.
const BINARY: &[u8] = b"\x00\xfb\xef\xbe\xff\xff\xfe";

fn samples() -> Vec<Sample> {
    let created = Instant::new(1_767_225_600, 0).unwrap_or(Instant::MIN);
    let updated = Instant::new(1_767_225_661, 500_000_000).unwrap_or(Instant::MAX);
    let sample = |name, id: &str, encoding: &str, data: &[u8], times: [Option<Instant>; 2]| {
        let made = RecordId::new(id).map(|id| Record {
            id,
            data: Payload::new(data),
            encoding: Encoding::new(encoding),
            created_at: created,
            updated_at: times[0].unwrap_or(created),
            expires_at: times[1],
        });
        let value = made.as_ref().map_or(Value::Null, value::record);
        Sample::new(name, made.and_then(|record| envelope::encode(&record)), value)
    };
    vec![
        sample("json", "users/ann", "json", br#"{"v":1}"#, [None, None]),
        sample(
            "json-expiring",
            "users/ann",
            "json",
            br#"{"v":1}"#,
            [Some(updated), Some(Instant::MAX)],
        ),
        sample(
            "json-as-given",
            "a",
            "json",
            " \t{ \"v\": \"<b>&\u{2028}\\ud800\", \"v\": 123456789012345678901234567890, \
             \"e\": 1e400 }\r\n"
                .as_bytes(),
            [Some(updated), None],
        ),
        sample(
            "json-that-looks-like-an-envelope",
            "a",
            "json",
            br#"{"version":1,"id":"b","encoding":"json","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","data":1}"#,
            [None, None],
        ),
        sample("proto3", "a", "proto3", BINARY, [Some(updated), None]),
        sample("proto3-empty", "a", "proto3", b"", [None, Some(updated)]),
        sample("encoding-without-name", "a", "", BINARY, [None, None]),
        sample("encoding-with-quotes", "a", "\"x\\y\"", b"text", [None, None]),
        sample(
            "id-with-escapes",
            "a/../\"\\\u{1}\u{7f}\u{2028}é/ユーザー",
            "json",
            b"null",
            [Some(Instant::MAX), None],
        ),
    ]
}

fn decode(bytes: &[u8]) -> Result<Value, String> {
    match envelope::decode(bytes) {
        Decoded::Versioned(record) => Ok(value::record(&record)),
        other => Err(refused(other)),
    }
}

fn unversioned_samples() -> Vec<Sample> {
    let at =
        |seconds: i64, nanoseconds: u32| json!({ "seconds": seconds, "nanoseconds": nanoseconds });
    vec![
        Sample::of(
            "json",
            r#"{"id":"ann","encoding":"json","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:01:01.5Z","data":{"id":"ann","username":"ann"}}"#,
            json!({
                "id": "ann",
                "encoding": "json",
                "created_at": at(1_767_225_600, 0),
                "updated_at": at(1_767_225_661, 500_000_000),
                "expires_at": null,
                "data": r#"{"id":"ann","username":"ann"}"#,
            }),
        ),
        Sample::of(
            "json-indented-with-offsets",
            r#"{
  "data": {
    "id": "ann"
  },
  "updated_at": "2026-01-01T09:01:01.123456789+09:00",
  "created_at": "2025-12-31T18:30:00-05:30",
  "encoding": "json",
  "expires_at": "9999-12-31T23:59:59Z",
  "id": "ann"
}
"#,
            json!({
                "id": "ann",
                "encoding": "json",
                "created_at": at(1_767_225_600, 0),
                "updated_at": at(1_767_225_661, 123_456_789),
                "expires_at": at(253_402_300_799, 0),
                "data": "{\n    \"id\": \"ann\"\n  }",
            }),
        ),
        Sample::of(
            "proto3",
            r#"{"created_at":"0001-01-01T00:00:00Z","data":"APvvvv///g==","encoding":"proto3","id":"a/b","updated_at":"0001-01-01T00:00:00Z"}"#,
            json!({
                "id": "a/b",
                "encoding": "proto3",
                "created_at": at(-62_135_596_800, 0),
                "updated_at": at(-62_135_596_800, 0),
                "expires_at": null,
                "data": { "hex": "00fbefbefffffe" },
            }),
        ),
    ]
}

fn decode_unversioned(bytes: &[u8]) -> Result<Value, String> {
    match envelope::decode(bytes) {
        Decoded::Unversioned(record) => Ok(value::record(&record)),
        other => Err(refused(other)),
    }
}

/// Why the bytes are not the kind of envelope that they should be.
fn refused(decoded: Decoded) -> String {
    match decoded {
        Decoded::Versioned(_) => "it is taken for an envelope with a version".to_owned(),
        Decoded::Unversioned(_) => "it is taken for an envelope without a version".to_owned(),
        Decoded::Document(_) => "it is taken for a flat payload".to_owned(),
        Decoded::Damaged { damage, .. } => format!("it is taken for damage: {}", damage.problem),
    }
}
