//! Which record a file is, and what it holds: `backend::file::stored`, and the stores'
//! payloads.
//!
//! An input is a digit that chooses a store (7 to 9: a collection that knows nothing of
//! its payloads), the file's path below the collection's directory, a line feed, and the
//! file's bytes.

use std::sync::Arc;

use serde_json::Value;

use super::Check;
use crate::{
    backend::file::{
        envelope::{Decoded, decode, encode},
        path::{PathId, RecordPath},
        stored::{Form, Stored, read_stored},
    },
    directory::layout::{Layout, STORES},
    fs::FileTime,
    seam::{Encoding, Instant, LegacySpec, Payload, Record},
    store::encryption::EncryptionKey,
};

/// What must hold of older files.
pub(super) struct LegacyDetect;

pub(super) static SOUND: LegacyDetect = LegacyDetect;

thread_local! {
    /// What is to be known of each store's older files.
    static SPECS: Vec<LegacySpec> =
        STORES.iter().map(|layout| (layout.spec)().legacy).collect();
    static KEY: Option<EncryptionKey> = EncryptionKey::new(b"k");
}

/// When the file was changed last.
const MODIFIED: FileTime = FileTime { seconds: 1_767_225_600, nanoseconds: 1 };

impl Check for LegacyDetect {
    fn problem(&self, input: &[u8]) -> Option<String> {
        let (head, bytes) = match input.iter().position(|byte| *byte == b'\n') {
            Some(end) => (input.get(..end)?, input.get(end + 1..)?),
            None => (input, &[][..]),
        };
        let (store, path) = head.split_first()?;
        let place = usize::from(store.wrapping_sub(b'0')) % 10;
        let path = RecordPath::parse(&String::from_utf8_lossy(path))?;
        let spec = SPECS.with(|specs| specs.get(place).cloned()).unwrap_or_default();
        let stored = read_stored(&path, bytes, MODIFIED, &spec);
        let problem = file_problem(&path, bytes, &spec, &stored).or_else(|| {
            let record = stored.content.as_ref().ok()?;
            record_problem(&spec, record).or_else(|| entity_problem(STORES.get(place)?, record))
        })?;
        Some(format!("{problem}: {path:?} with {}", String::from_utf8_lossy(bytes)))
    }
}

/// The path and the form together tell the id, of good files and of damaged ones.
fn file_problem(
    path: &RecordPath,
    bytes: &[u8],
    spec: &LegacySpec,
    stored: &Stored,
) -> Option<String> {
    let wrong = |what: &str| Some(format!("{what} ({stored:?})"));
    if !stored.stands_for(path, &stored.id) {
        return wrong("it does not stand for the record that it is");
    }
    let decoded = decode(bytes);
    let record = match &stored.content {
        Ok(record) => record,
        Err(damage) => {
            return match decoded {
                Decoded::Document(data) if is_right(path, spec, &data) => {
                    wrong("its payload is right, and this is damaged")
                }
                Decoded::Unversioned(own) if path.raw_id().as_ref() == Some(&own.id) => {
                    wrong("it says what its name says, and is damaged")
                }
                Decoded::Versioned(own) if RecordPath::of(&own.id) == *path => {
                    wrong("it lies where it belongs, and is damaged")
                }
                Decoded::Damaged { damage: own, .. } if own != *damage => {
                    wrong("its damage is called another")
                }
                _ => None,
            };
        }
    };
    if record.id != stored.id {
        return wrong("it holds another record");
    }
    match (stored.form, decoded) {
        (Form::Versioned, Decoded::Versioned(own)) => {
            if RecordPath::of(&stored.id) != *path {
                return wrong("it does not lie at its own place");
            }
            (own != *record).then(|| format!("{own:?} is read as {record:?}"))
        }
        (Form::Unversioned, Decoded::Unversioned(own)) => {
            if path.raw_id().as_ref() != Some(&stored.id) {
                return wrong("its name is not its raw id");
            }
            let renamed = Record { id: stored.id.clone(), ..own };
            (renamed != *record).then(|| format!("{renamed:?} is read as {record:?}"))
        }
        (Form::Unversioned, Decoded::Document(data)) => {
            let is_whole = record.data == data && record.data.bytes() == bytes;
            if path.raw_id().as_ref() != Some(&stored.id) {
                return wrong("its name is not its raw id");
            }
            if !is_whole || record.encoding != Encoding::JSON || record.expires_at.is_some() {
                return wrong("a flat payload is the whole file, and does not expire");
            }
            if !is_right(path, spec, &record.data) {
                return Some(format!("the payload is not that of {:?}", stored.id));
            }
            let own = [record.created_at, record.updated_at];
            let times = times_of(bytes, spec).filter(|times| *times != own)?;
            Some(format!("{own:?} are its times, and not {times:?}"))
        }
        (form, decoded) => Some(format!("{decoded:?} is taken for {form:?}")),
    }
}

/// Whether a flat payload may lie there: its own id is the file's name, where it has one.
fn is_right(path: &RecordPath, spec: &LegacySpec, data: &Payload) -> bool {
    let Some(raw) = path.raw_id() else { return false };
    spec.id.is_none_or(|rule| (rule.ids_of)(data).iter().any(|id| id == raw.as_str()))
}

/// The times that a flat payload has where they belong, each or that of its file; none where
/// another reader can't read the payload (half of a surrogate pair, say).
fn times_of(bytes: &[u8], spec: &LegacySpec) -> Option<[Instant; 2]> {
    let document: Value = serde_json::from_slice(bytes).ok()?;
    let file = Instant::new(MODIFIED.seconds, MODIFIED.nanoseconds)?;
    let own = |pointer: &str| Instant::parse(document.pointer(pointer)?.as_str()?);
    let pointers = [spec.created_at, spec.updated_at];
    Some(pointers.map(|pointer| pointer.and_then(own).unwrap_or(file)))
}

/// Rewritten as an envelope of the present format, it is the same record.
fn record_problem(spec: &LegacySpec, record: &Record) -> Option<String> {
    let bytes = match encode(record) {
        Ok(bytes) => bytes,
        Err(error) => return Some(format!("it can't be rewritten: {error}")),
    };
    let path = RecordPath::of(&record.id);
    if path.id() == PathId::Foreign {
        return Some(format!("{path:?} is nobody's place"));
    }
    let again = read_stored(&path, &bytes, MODIFIED, spec);
    let is_same = again.form == Form::Versioned && again.content.as_ref() == Ok(record);
    (!is_same).then(|| format!("rewritten it is {again:?}, not {record:?}"))
}

/// What is exported of an entity is that entity again, and stays as it is.
fn entity_problem(layout: &Layout, record: &Record) -> Option<String> {
    if !(layout.holds)(&record.id) {
        return None;
    }
    let read = |record: &Record| KEY.with(|key| (layout.read)(record, key.as_ref()));
    let entity = read(record).ok()?;
    let Some(data) = Payload::json(Arc::<[u8]>::from(entity.text.as_bytes())) else {
        return Some(format!("what is exported of {} is not JSON", layout.name));
    };
    // These two are exported in a shape of their own, with values in plain.
    if matches!(layout.name, "webhooks" | "secrets") {
        return None;
    }
    let exported = Record::json(record.id.clone(), data, Instant::UNIX_EPOCH);
    match read(&exported) {
        Ok(again) if again.text == entity.text && again.order == entity.order => None,
        Ok(again) => Some(format!("exported twice it is {}, not {}", *again.text, *entity.text)),
        Err(_) => Some(format!("what is exported of {} does not read again", layout.name)),
    }
}
