//! The bytes of a record's file: `backend::file::envelope`.
//!
//! An input is a file's bytes, unless its first byte is 0: then what follows chooses a
//! record, and how its envelope is changed.

use arbitrary::Unstructured;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::Check;
use crate::{
    backend::file::envelope::{Decoded, decode, encode},
    model::source::{INSTANTS, adversarial_ids},
    seam::{Encoding, Instant, Payload, Record, RecordId},
};

/// What must hold of files.
pub(super) struct EnvelopeDecode;

pub(super) static SOUND: EnvelopeDecode = EnvelopeDecode;

impl Check for EnvelopeDecode {
    fn problem(&self, input: &[u8]) -> Option<String> {
        match input.split_first() {
            Some((0, choices)) => record_problem(&mut Unstructured::new(choices)),
            _ => bytes_problem(input),
        }
    }
}

/// A record comes back from its envelope, and a changed envelope is read as any bytes
/// must be.
fn record_problem(choices: &mut Unstructured<'_>) -> Option<String> {
    let record = record(choices).ok().flatten()?;
    let mut bytes = match encode(&record) {
        Ok(bytes) => bytes,
        Err(_) if record.validate().is_err() => return None,
        Err(error) => return Some(format!("a valid record is not written: {error}")),
    };
    if decode(&bytes) != Decoded::Versioned(record.clone()) {
        return Some(format!("{record:?} is read as {:?}", decode(&bytes)));
    }
    for _ in 0..choices.int_in_range(0..=3_usize).ok()? {
        let place = choices.choose_index(bytes.len().max(1)).ok()?;
        let end = (place + choices.int_in_range(0..=2_usize).ok()?).min(bytes.len());
        let by = choices.choose(REPLACEMENTS).ok()?;
        bytes.splice(place.min(end)..end, by.iter().copied());
    }
    bytes_problem(&bytes)
}

/// What takes the place of a few bytes of an envelope.
const REPLACEMENTS: &[&[u8]] = &[
    b"",
    b" ",
    b"\"",
    b"\\",
    b"\\u0061",
    b"\\ud800",
    b",",
    b"}",
    b"{",
    b"0",
    b"1",
    b"2",
    b"-",
    b"null",
    b"\n",
    b"\"x\":1,",
    b"\"data\":",
    b"\xff",
    b"[",
    b"]",
    b":",
    b"\0",
];

fn record(choices: &mut Unstructured<'_>) -> arbitrary::Result<Option<Record>> {
    let any_text = |choices: &mut Unstructured<'_>| -> arbitrary::Result<String> {
        let length = choices.int_in_range(0..=24_usize)?.min(choices.len());
        Ok(String::from_utf8_lossy(choices.bytes(length)?).into_owned())
    };
    let any_instant = |choices: &mut Unstructured<'_>| -> arbitrary::Result<Instant> {
        let hot = *choices.choose(INSTANTS)?;
        if choices.arbitrary()? {
            return Ok(hot);
        }
        let (seconds, nanoseconds) = (choices.arbitrary::<u32>()?, choices.arbitrary::<u32>()?);
        Ok(Instant::new(i64::from(seconds), nanoseconds).unwrap_or(hot))
    };
    let id = if choices.arbitrary()? {
        choices.choose(adversarial_ids())?.0.to_string()
    } else {
        any_text(choices)?
    };
    let encoding = match choices.int_in_range(0..=3_u8)? {
        0 | 1 => Encoding::JSON,
        2 => Encoding::PROTO3,
        _ => Encoding::new(&any_text(choices)?),
    };
    let (created_at, updated_at) = (any_instant(choices)?, any_instant(choices)?);
    let expires_at = if choices.arbitrary()? { Some(any_instant(choices)?) } else { None };
    let data: Vec<u8> = match choices.int_in_range(0..=3_u8)? {
        0 => b" {\"a\": \"}\"}\n".to_vec(),
        1 => serde_json::Value::from(any_text(choices)?).to_string().into_bytes(),
        _ => {
            let length = choices.int_in_range(0..=32_usize)?.min(choices.len());
            choices.bytes(length)?.to_vec()
        }
    };
    Ok(RecordId::new(id).ok().map(|id| Record {
        id,
        data: Payload::new(data),
        encoding,
        created_at,
        updated_at,
        expires_at,
    }))
}

/// The bytes are read as the format's definition has it, a record comes back from its own
/// envelope, and white space behind an envelope changes nothing.
fn bytes_problem(bytes: &[u8]) -> Option<String> {
    let decoded = decode(bytes);
    let wrong = |what: &str| Some(format!("{what}: {}", String::from_utf8_lossy(bytes)));
    let expected = reference(bytes);
    let is_as_expected = match (&decoded, &expected) {
        (Decoded::Versioned(record), Expected::Versioned(fields))
        | (Decoded::Unversioned(record), Expected::Unversioned(fields)) => fields.are_of(record),
        (Decoded::Document(data), Expected::Document) => data.bytes() == bytes && data.is_json(),
        (Decoded::Damaged { damage, .. }, Expected::Damaged { is_newer }) => {
            damage.is_newer() == *is_newer
        }
        _ => false,
    };
    if !is_as_expected {
        return wrong(&format!("it is {expected:?}, and is read as {decoded:?}"));
    }
    let (Decoded::Versioned(record) | Decoded::Unversioned(record)) = &decoded else {
        return None;
    };
    match encode(record) {
        Ok(own) if decode(&own) == Decoded::Versioned(record.clone()) => {}
        Ok(own) => return wrong(&format!("written again it is {:?}", decode(&own))),
        Err(error) => return wrong(&format!("what was read can't be written: {error}")),
    }
    let spaced = [b" ", bytes, b"\n"].concat();
    if decode(&spaced) != decoded {
        return wrong(&format!("with white space around it is {:?}", decode(&spaced)));
    }
    None
}

/// What bytes are by the definition of the format.
#[derive(Debug)]
enum Expected {
    Versioned(Fields),
    Unversioned(Fields),
    Document,
    Damaged { is_newer: bool },
}

/// What the members of an envelope say.
#[derive(Debug)]
struct Fields {
    id: String,
    encoding: String,
    created_at: Instant,
    updated_at: Instant,
    expires_at: Option<Instant>,
    data: Data,
}

#[derive(Debug)]
enum Data {
    /// But for white space around it.
    Json(String),
    Bytes(Vec<u8>),
}

impl Fields {
    fn are_of(&self, record: &Record) -> bool {
        let data = match &self.data {
            Data::Json(text) => {
                let own = record.data.bytes();
                own.trim_ascii() == text.as_bytes() && record.encoding == Encoding::JSON
            }
            Data::Bytes(bytes) => record.data.bytes() == &**bytes,
        };
        data && (record.id.as_str(), record.encoding.as_str()) == (&*self.id, &*self.encoding)
            && (record.created_at, record.updated_at) == (self.created_at, self.updated_at)
            && record.expires_at == self.expires_at
    }
}

/// "An object is an envelope exactly when its keys are these six (`expires_at`
/// optional), with or without `version`, rightly typed; any further key makes it a legacy
/// file." "A higher `version` than ours is Corrupt."
fn reference(bytes: &[u8]) -> Expected {
    let damaged = Expected::Damaged { is_newer: false };
    let Ok(text) = std::str::from_utf8(bytes) else { return damaged };
    if serde_json::from_str::<IgnoredAny>(text).is_err() {
        return damaged;
    }
    // What is no object, or has a name that is no text, has another key at least.
    let Ok(members) = serde_json::from_str::<Members<'_>>(text) else { return Expected::Document };
    let Some(fields) = envelope(&members.0) else { return Expected::Document };
    let version = members.0.iter().find(|(name, _)| name == "version");
    match (version.map(|(_, value)| value.get()), fields) {
        (None, Some(fields)) => Expected::Unversioned(fields),
        (None, None) => Expected::Document,
        (Some("1"), Some(fields)) => Expected::Versioned(fields),
        (Some("1" | "0"), _) => damaged,
        (Some(_), _) => Expected::Damaged { is_newer: true },
    }
}

/// None: it is no envelope. None inside: it is one with impossible values.
fn envelope(members: &[(String, &RawValue)]) -> Option<Option<Fields>> {
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.retain(|name| *name != "version" || count(members, "version") > 1);
    names.retain(|name| *name != "expires_at" || count(members, "expires_at") > 1);
    if names != ["created_at", "data", "encoding", "id", "updated_at"] {
        return None;
    }
    let raw = |wanted: &str| {
        members.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.get())
    };
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if raw("version").is_some_and(|version| !is_number(version)) {
        return None;
    }
    let is_string = |name: &str| raw(name).is_none_or(|value| value.starts_with('"'));
    if !["id", "encoding", "created_at", "updated_at", "expires_at"].into_iter().all(is_string) {
        return None;
    }
    // A lone surrogate is no text.
    let text = |name: &str| raw(name).and_then(|raw| serde_json::from_str::<String>(raw).ok());
    let encoding = text("encoding");
    let is_json = encoding.as_deref() == Some("json");
    let data = raw("data")?;
    if !is_json && !data.starts_with('"') {
        return None;
    }
    let instant = |name: &str| text(name).and_then(|text| Instant::parse(&text));
    let fields = || {
        Some(Fields {
            id: text("id").filter(|id| RecordId::problem(id).is_none())?,
            encoding: encoding.clone()?,
            created_at: instant("created_at")?,
            updated_at: instant("updated_at")?,
            expires_at: match raw("expires_at") {
                None => None,
                Some(_) => Some(instant("expires_at")?),
            },
            data: if is_json {
                Data::Json(data.to_owned())
            } else {
                Data::Bytes(STANDARD.decode(text("data")?).ok()?)
            },
        })
    };
    Some(fields())
}

fn count(members: &[(String, &RawValue)], wanted: &str) -> usize {
    members.iter().filter(|(name, _)| name == wanted).count()
}

/// The members of an object in their order, repeated ones as often as they are there.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;

        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Each)
    }
}
