//! The envelope: how one record becomes the bytes of one file.
//!
//! ```text
//! {"version":1,"id":…,"encoding":…,"created_at":…,"updated_at":…,"expires_at":…,"data":…}
//! ```
//!
//! `expires_at` is absent when there is none. `data` comes last, so that its
//! bytes run up to the object's closing brace: for the encoding `json` they are
//! the payload's own, white space around it included; otherwise they are a
//! string in standard base64.
//!
//! **What is an envelope** is decided by keys and types alone: an object with
//! exactly these keys, `version` and `expires_at` optional, where `version` is
//! an integer without sign, fraction or exponent, `data` is a string unless
//! `encoding` is `json`, and everything else is a string. A further key, a
//! repeated one, or another type makes the file a document: the flat payload
//! of older software.
//!
//! **Values that can't be** (an id that is no id, an instant that is not RFC
//! 3339 in the years 0000 to 9999, data that are not base64) are damage under a
//! `version`, which no older software writes. Without it they are the sign of
//! a document that merely has such keys.

use std::{borrow::Cow, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::seam::{Encoding, Error, Instant, Payload, Record, RecordId};

use super::stored::{Damage, DamageKind};

/// The version of the format that we write. Versions never change the set of
/// keys.
pub const FORMAT_VERSION: u64 = 1;

/// What the bytes of a file are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// An envelope of ours.
    Versioned(Record),
    /// An envelope without `version`.
    Unversioned(Record),
    /// A JSON text that is no envelope. The payload knows that it is JSON.
    Document(Payload),
    /// Neither JSON nor an envelope that we can use.
    Damaged {
        /// The id that the envelope tells, where it is one and tells one.
        id: Option<RecordId>,
        /// What is wrong with it.
        damage: Damage,
    },
}

/// The bytes of a record's file.
///
/// # Errors
/// `InvalidRecord` when the encoding is `json` and the data are not. A payload
/// that knows it is JSON is not checked again.
pub fn encode(record: &Record) -> Result<Vec<u8>, Error> {
    record.validate()?;
    let data = record.data.bytes();
    let mut bytes = Vec::with_capacity(192 + record.id.as_str().len() + data.len() * 4 / 3);
    bytes.extend_from_slice(HEAD.as_bytes());
    push_string(&mut bytes, record.id.as_str());
    bytes.extend_from_slice(b",\"encoding\":");
    push_string(&mut bytes, record.encoding.as_str());
    let created_at = record.created_at.to_string();
    push_instant(&mut bytes, ",\"created_at\":\"", &created_at);
    if record.updated_at == record.created_at {
        push_instant(&mut bytes, ",\"updated_at\":\"", &created_at);
    } else {
        push_instant(&mut bytes, ",\"updated_at\":\"", &record.updated_at.to_string());
    }
    if let Some(expires_at) = record.expires_at {
        push_instant(&mut bytes, ",\"expires_at\":\"", &expires_at.to_string());
    }
    bytes.extend_from_slice(b",\"data\":");
    if record.encoding == Encoding::JSON {
        bytes.extend_from_slice(data);
    } else {
        bytes.push(b'"');
        bytes.extend_from_slice(STANDARD.encode(data).as_bytes());
        bytes.push(b'"');
    }
    bytes.push(b'}');
    Ok(bytes)
}

/// How every envelope of ours begins, up to the id.
const HEAD: &str = "{\"version\":1,\"id\":";

fn push_string(bytes: &mut Vec<u8>, text: &str) {
    if text.bytes().all(is_plain) {
        bytes.push(b'"');
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(b'"');
    } else {
        bytes.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
    }
}

/// Whether a byte stands for itself in a JSON string.
fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

fn push_instant(bytes: &mut Vec<u8>, before: &str, instant: &str) {
    bytes.extend_from_slice(before.as_bytes());
    bytes.extend_from_slice(instant.as_bytes());
    bytes.push(b'"');
}

/// Reads the bytes of a file. Never panics, whatever they are; `data` may be
/// nested to any depth.
#[must_use]
pub fn decode(bytes: &[u8]) -> Decoded {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return damaged(None, "it is not UTF-8");
    };
    if let Some(record) = decode_as_written(text) {
        return Decoded::Versioned(record);
    }
    match Parts::of(text) {
        Some(parts) => parts.decode(text),
        None => match Payload::json(bytes) {
            Some(data) => Decoded::Document(data),
            None => damaged(None, "it is not JSON; it may have been cut short"),
        },
    }
}

fn damaged(id: Option<RecordId>, problem: &str) -> Decoded {
    Decoded::Damaged { id, damage: Damage::plain(problem) }
}

/// Reads an envelope that is laid out exactly as [`encode`] does, or `None`:
/// then [`Parts`], which read any envelope, decide. This way is only faster.
fn decode_as_written(text: &str) -> Option<Record> {
    let (id, rest) = split_plain(text.strip_prefix(HEAD)?)?;
    let (encoding, rest) = split_plain(rest.strip_prefix(",\"encoding\":")?)?;
    let (created_at, rest) = split_plain(rest.strip_prefix(",\"created_at\":")?)?;
    let (updated_at, rest) = split_plain(rest.strip_prefix(",\"updated_at\":")?)?;
    let (expires_at, rest) = match rest.strip_prefix(",\"expires_at\":") {
        None => (None, rest),
        Some(rest) => {
            let (expires_at, rest) = split_plain(rest)?;
            (Some(Instant::parse(expires_at)?), rest)
        }
    };
    let data = rest.strip_prefix(",\"data\":")?.strip_suffix('}')?;
    let encoding = Encoding::new(encoding);
    let data = if encoding == Encoding::JSON {
        serde_json::from_str::<IgnoredAny>(data).ok()?;
        Payload::known_json(data.as_bytes())
    } else {
        let (base64, rest) = split_plain(data)?;
        Payload::new(STANDARD.decode(base64).ok().filter(|_| rest.is_empty())?)
    };
    Some(Record {
        id: RecordId::new(id).ok()?,
        data,
        encoding,
        created_at: Instant::parse(created_at)?,
        updated_at: Instant::parse(updated_at)?,
        expires_at,
    })
}

/// Splits off a JSON string in which every byte stands for itself.
fn split_plain(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('"')?;
    let end = text.bytes().position(|byte| !is_plain(byte))?;
    let (plain, rest) = text.split_at_checked(end)?;
    Some((plain, rest.strip_prefix('"')?))
}

/// The members of an envelope, each of the right type, as they stand in the
/// file.
struct Parts<'a> {
    /// Digits.
    version: Option<&'a str>,
    id: &'a str,
    encoding: &'a str,
    created_at: &'a str,
    updated_at: &'a str,
    expires_at: Option<&'a str>,
    data: &'a str,
    data_is_last: bool,
}

impl<'a> Parts<'a> {
    /// `None` when the text is not JSON or not an envelope.
    fn of(text: &'a str) -> Option<Self> {
        let members: Members<'_> = serde_json::from_str(text).ok()?;
        let string = |value: Option<&'a RawValue>| {
            value.map(RawValue::get).filter(|text| text.starts_with('"'))
        };
        let version = match members.version.map(RawValue::get) {
            Some(text) if !text.bytes().all(|byte| byte.is_ascii_digit()) => return None,
            version => version,
        };
        let expires_at = match members.expires_at {
            None => None,
            value => Some(string(value)?),
        };
        let parts = Self {
            version,
            id: string(members.id)?,
            encoding: string(members.encoding)?,
            created_at: string(members.created_at)?,
            updated_at: string(members.updated_at)?,
            expires_at,
            data: members.data?.get(),
            data_is_last: members.data_is_last,
        };
        (parts.is_json() || parts.data.starts_with('"')).then_some(parts)
    }

    fn is_json(&self) -> bool {
        string_value(self.encoding).is_some_and(|encoding| encoding == Encoding::JSON.as_str())
    }

    fn decode(&self, text: &str) -> Decoded {
        let id = string_value(self.id).and_then(|id| RecordId::new(id).ok());
        let Some(version) = self.version else {
            return match self.record(id, self.data) {
                Ok(record) => Decoded::Unversioned(record),
                // The whole was read as JSON already.
                Err(_) => Decoded::Document(Payload::known_json(text.as_bytes())),
            };
        };
        match version.parse::<u64>() {
            Ok(FORMAT_VERSION) => match self.record(id.clone(), self.data_to_the_brace(text)) {
                Ok(record) => Decoded::Versioned(record),
                Err(problem) => damaged(id, problem),
            },
            Ok(0) => damaged(id, "there is no format version 0"),
            _ => {
                let shown = version.get(..20).unwrap_or(version);
                let problem = format!("written by a newer release (format version {shown})");
                Decoded::Damaged { id, damage: Damage { problem, kind: DamageKind::Newer } }
            }
        }
    }

    /// The data's text; where data come last, with all that stands between the
    /// colon and the closing brace.
    fn data_to_the_brace<'t>(&'t self, text: &'t str) -> &'t str {
        if !self.data_is_last {
            return self.data;
        }
        let up_to_the_brace = text.trim_end_matches(WHITE_SPACE).strip_suffix('}');
        up_to_the_brace
            .and_then(|text| {
                let end_of_value = text.trim_end_matches(WHITE_SPACE).len();
                let before = text.get(..end_of_value.checked_sub(self.data.len())?)?;
                text.get(before.trim_end_matches(WHITE_SPACE).len()..)
            })
            .unwrap_or(self.data)
    }

    /// The record, or what is wrong with the values.
    fn record(&self, id: Option<RecordId>, data: &str) -> Result<Record, &'static str> {
        let id = id.ok_or("its id can't be a record's id")?;
        let encoding = string_value(self.encoding).ok_or("its encoding is not Unicode text")?;
        let encoding = Encoding::new(&encoding);
        let data = if encoding == Encoding::JSON {
            Payload::known_json(data.as_bytes())
        } else {
            let bytes = string_value(self.data).and_then(|text| STANDARD.decode(&*text).ok());
            Payload::new(bytes.ok_or("its data are not standard base64")?)
        };
        let instant = |raw| string_value(raw).and_then(|text| Instant::parse(&text));
        Ok(Record {
            id,
            data,
            encoding,
            created_at: instant(self.created_at).ok_or("its created_at is not an instant")?,
            updated_at: instant(self.updated_at).ok_or("its updated_at is not an instant")?,
            expires_at: match self.expires_at {
                None => None,
                Some(raw) => Some(instant(raw).ok_or("its expires_at is not an instant")?),
            },
        })
    }
}

/// The white space of JSON.
const WHITE_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// The text of a JSON string; `None` when it has a lone surrogate escape.
fn string_value(raw: &str) -> Option<Cow<'_, str>> {
    if raw.contains('\\') {
        return serde_json::from_str(raw).ok().map(Cow::Owned);
    }
    raw.strip_prefix('"')?.strip_suffix('"').map(Cow::Borrowed)
}

/// An object with no other members than an envelope's, none of them twice.
#[derive(Default)]
struct Members<'a> {
    version: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
    encoding: Option<&'a RawValue>,
    created_at: Option<&'a RawValue>,
    updated_at: Option<&'a RawValue>,
    expires_at: Option<&'a RawValue>,
    data: Option<&'a RawValue>,
    data_is_last: bool,
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an envelope")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Members::default();
                while let Some(key) = map.next_key()? {
                    let slot = match key {
                        Key::Version => &mut members.version,
                        Key::Id => &mut members.id,
                        Key::Encoding => &mut members.encoding,
                        Key::CreatedAt => &mut members.created_at,
                        Key::UpdatedAt => &mut members.updated_at,
                        Key::ExpiresAt => &mut members.expires_at,
                        Key::Data => &mut members.data,
                    };
                    if slot.replace(map.next_value()?).is_some() {
                        return Err(serde::de::Error::custom("a repeated key"));
                    }
                    members.data_is_last = matches!(key, Key::Data);
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

/// The keys of an envelope, however they are escaped.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    Version,
    Id,
    Encoding,
    CreatedAt,
    UpdatedAt,
    ExpiresAt,
    Data,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Decoded, Parts, decode, decode_as_written, encode};
    use crate::seam::{Encoding, Instant, Payload, Record, RecordId};

    fn record(id: &str, encoding: &str, data: &[u8]) -> Record {
        Record {
            id: RecordId::new(id).unwrap(),
            data: Payload::new(data),
            encoding: Encoding::new(encoding),
            created_at: Instant::new(1_767_225_600, 0).unwrap(),
            updated_at: Instant::new(1_767_225_600, 500_000_000).unwrap(),
            expires_at: None,
        }
    }

    /// These are in the field: a change here needs a new format version.
    #[test]
    fn envelopes_have_these_bytes() {
        let times = r#""created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00.5Z""#;
        let mut expiring = record("a/\"\\\u{1}\u{2028}é", "", b"");
        expiring.created_at = Instant::MIN;
        expiring.updated_at = Instant::ZERO;
        expiring.expires_at = Some(Instant::MAX);
        for (record, expected) in [
            (
                record("a", "json", b" {\"v\": \"<b>&\"}\n"),
                format!(
                    "{{\"version\":1,\"id\":\"a\",\"encoding\":\"json\",{times},\
                     \"data\": {{\"v\": \"<b>&\"}}\n}}"
                ),
            ),
            (
                record("a", "proto3", b"\xff\x00\xfe"),
                format!(
                    "{{\"version\":1,\"id\":\"a\",\"encoding\":\"proto3\",{times},\
                     \"data\":\"/wD+\"}}"
                ),
            ),
            (
                expiring,
                "{\"version\":1,\"id\":\"a/\\\"\\\\\\u0001\u{2028}é\",\"encoding\":\"\",\
                 \"created_at\":\"0000-01-01T00:00:00Z\",\"updated_at\":\"0001-01-01T00:00:00Z\",\
                 \"expires_at\":\"9999-12-31T23:59:59.999999999Z\",\"data\":\"\"}"
                    .to_owned(),
            ),
        ] {
            let bytes = encode(&record).unwrap();
            assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expected);
            assert_eq!(decode(&bytes), Decoded::Versioned(record));
        }
    }

    #[test]
    fn data_that_are_not_json_are_never_written_as_json() {
        assert!(encode(&record("a", "json", b"{}}")).is_err());
        assert!(encode(&record("a", "json", b"")).is_err());
        assert!(encode(&record("a", "json", b"\"\xff\"")).is_err());
    }

    #[test]
    fn an_envelope_of_another_layout_is_still_one() {
        let rest = r#""id":"a","encoding":"json","created_at":"2026-01-01T09:00:00+09:00","updated_at":"2026-01-01T00:00:00.50Z""#;
        let expected = |data: &str| record("a", "json", data.as_bytes());
        let versioned = [
            // Pretty-printed: data come last, so all up to the brace is theirs.
            (format!("{{ \"version\": 1, {rest}, \"data\":\t[1] }}\n"), "\t[1] "),
            (format!("{{\"data\": [1] ,\"version\":1,{rest}}}"), "[1]"),
            (format!("{{\"v\\u0065rsion\":1,{rest},\"d\\u0061ta\":{{}}}}"), "{}"),
        ];
        for (text, data) in versioned {
            assert_eq!(decode(text.as_bytes()), Decoded::Versioned(expected(data)), "{text}");
        }
        let unversioned = [
            (format!("{{{rest},\"data\": [1] }}"), "[1]"),
            (format!("{{\"data\":\n{{ \"x\" : 1 }},{rest}}}"), "{ \"x\" : 1 }"),
        ];
        for (text, data) in unversioned {
            assert_eq!(decode(text.as_bytes()), Decoded::Unversioned(expected(data)), "{text}");
        }
    }

    #[test]
    fn a_further_or_repeated_key_makes_a_document() {
        for (encoding, data) in [("json", b"[]".as_slice()), ("proto3", b"\xff")] {
            let text = String::from_utf8(encode(&record("a", encoding, data)).unwrap()).unwrap();
            let body = text.strip_suffix('}').unwrap();
            for further in ["\"x\":1", "\"data\":\"/w==\"", "\"id\":\"a\"", "\"\\ud800\":\"\""] {
                let text = format!("{body},{further}}}");
                let expected = Decoded::Document(Payload::new(text.as_bytes()));
                assert_eq!(decode(text.as_bytes()), expected, "{text}");
            }
            let trailing = format!("{body} x}}");
            assert!(matches!(decode(trailing.as_bytes()), Decoded::Damaged { .. }), "{trailing}");
        }
    }

    #[test]
    fn a_higher_version_is_newer_whatever_its_values() {
        let with = |version: &str| {
            format!(
                r#"{{"version":{version},"id":"a","encoding":"zstd","created_at":"","updated_at":"","data":"?"}}"#
            )
        };
        for version in ["2", "10", "18446744073709551616", &"9".repeat(100_000)] {
            match decode(with(version).as_bytes()) {
                Decoded::Damaged { id, damage } => {
                    assert!(damage.is_newer(), "version {version:.30} is newer");
                    assert_eq!(id, Some(RecordId::new("a").unwrap()));
                    assert!(damage.problem.starts_with("written by a newer release (format"));
                    assert!(damage.problem.len() < 100, "{:.200}", damage.problem);
                }
                other => panic!("version {version:.30} was read as {other:?}"),
            }
        }
        for version in ["0", "1"] {
            match decode(with(version).as_bytes()) {
                Decoded::Damaged { damage, .. } => assert!(!damage.is_newer(), "version {version}"),
                other => panic!("version {version} was read as {other:?}"),
            }
        }
        for version in ["-1", "1.0", "1e0", "\"1\"", "null", "true"] {
            let text = with(version);
            let expected = Decoded::Document(Payload::new(text.as_bytes()));
            assert_eq!(decode(text.as_bytes()), expected, "version {version}");
        }
    }

    #[test]
    fn depth_and_long_numbers_do_no_harm() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        for data in [deep.as_str(), "123456789012345678901234567890", "1e400", r#""\ud800""#] {
            let record = record("a", "json", data.as_bytes());
            let bytes = encode(&record).unwrap();
            assert_eq!(decode(&bytes), Decoded::Versioned(record.clone()), "{data:.40}");
            // The slow way too, and a document of that kind.
            let mut spaced = bytes;
            spaced.push(b'\n');
            assert_eq!(decode(&spaced), Decoded::Versioned(record), "{data:.40}");
            let expected = Decoded::Document(Payload::new(data.as_bytes()));
            assert_eq!(decode(data.as_bytes()), expected, "{data:.40}");
        }
    }

    #[test]
    fn what_is_decoded_as_json_is_known_to_be_json() {
        for text in [
            "null".as_bytes(),
            b"{}",
            br#"{"id":"a"}"#,
            &encode(&record("a", "json", b" [] ")).unwrap(),
            br#"{"id":"a","encoding":"json","created_at":"","updated_at":"","data":0}"#,
        ] {
            let data = match decode(text) {
                Decoded::Versioned(record) | Decoded::Unversioned(record) => record.data,
                Decoded::Document(data) => data,
                Decoded::Damaged { damage, .. } => panic!("{damage:?}"),
            };
            assert!(Payload::new(data.bytes()).is_json(), "{:?}", data.to_text_lossy());
        }
    }

    fn json() -> impl Strategy<Value = String> {
        prop_oneof![
            Just(" {} ".to_owned()),
            Just(r#"{"a":1,"a":2}"#.to_owned()),
            Just("\n\"}\"\t".to_owned()),
            Just(r#"{"data":"x"}"#.to_owned()),
            any::<i64>().prop_map(|number| number.to_string()),
            ".*".prop_map(|text| serde_json::to_string(&text).unwrap()),
        ]
    }

    fn any_record() -> impl Strategy<Value = Record> {
        let content = prop_oneof![
            json().prop_map(|text| ("json".to_owned(), text.into_bytes())),
            ("proto3|x?|.*", prop::collection::vec(any::<u8>(), 0..20))
                .prop_filter("not json", |(encoding, _)| encoding != "json"),
        ];
        let instant = || {
            let seconds = Instant::MIN.seconds()..=Instant::MAX.seconds();
            (seconds, prop_oneof![Just(0), 0_u32..1_000_000_000])
                .prop_map(|(seconds, nanoseconds)| Instant::new(seconds, nanoseconds).unwrap())
        };
        let id = prop_oneof!["[a-c/.%~]{1,5}", ".{1,20}"]
            .prop_filter_map("an id", |text| RecordId::new(text).ok());
        (id, content, instant(), instant(), prop::option::of(instant())).prop_map(
            |(id, (encoding, data), created_at, updated_at, expires_at)| Record {
                id,
                data: Payload::new(data),
                encoding: Encoding::new(&encoding),
                created_at,
                updated_at,
                expires_at,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_byte_for_byte(record in any_record()) {
            let bytes = encode(&record).unwrap();
            prop_assert_eq!(decode(&bytes), Decoded::Versioned(record.clone()));
            // JSON of this layout and no other: the standard reader agrees.
            let text = String::from_utf8(bytes).unwrap();
            prop_assert!(Payload::new(text.as_bytes()).is_json());
            let plain = record.id.as_str().bytes().chain(record.encoding.as_str().bytes())
                .all(super::is_plain);
            prop_assert_eq!(decode_as_written(&text).is_some(), plain);
        }

        #[test]
        fn both_ways_of_reading_agree(
            record in any_record(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), 0x20_u8..0x7f), 0..3),
        ) {
            let mut bytes = encode(&record).unwrap();
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
            let slow = Parts::of(&text).map(|parts| parts.decode(&text));
            if let Some(record) = decode_as_written(&text) {
                prop_assert_eq!(slow, Some(Decoded::Versioned(record)), "{}", text);
            }
        }
    }
}
