//! What a record's file says, given where it lies.
//!
//! The path alone does not tell the id: a file with `version` lies at its id's
//! canonical place, one without at its raw id. This is where the two rules
//! meet, so that a file is never silently another record.

use crate::{
    fs::FileTime,
    seam::{Encoding, Instant, LegacySpec, Payload, Record, RecordId, strings_at},
};

use super::{
    envelope::{self, Decoded},
    path::{PathId, RecordPath},
};

/// Which generation of software wrote a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One that writes `version`: the name is the id's canonical place.
    Versioned,
    /// An older one: a flat payload, or an envelope without `version`. The
    /// name is the raw id.
    Unversioned,
}

/// Why a file can't be read as a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// What is wrong with it, without its content.
    pub problem: String,
    /// Which kind of damage it is.
    pub kind: DamageKind,
}

/// The kinds of [`Damage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// It can't be read, or does not tell what it has to.
    Unreadable,
    /// It is a record of another id than the one that its place stands for.
    OtherId,
    /// A newer release wrote it: such a file is never written over or removed,
    /// but by an explicit quarantine.
    Newer,
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Which record it is. For a damaged file: which one it is named by.
    pub id: RecordId,
    /// Which rule gave the id: [`RecordPath::of`] or [`RecordPath::raw`]. Of a
    /// damaged file it is not always known who wrote it; then this says only
    /// by which of the two it is named.
    pub form: Form,
    /// What it holds.
    pub content: Result<Record, Damage>,
}

impl Stored {
    /// Whether the file at `path` is what stands for the record `id`, good or
    /// damaged.
    ///
    /// That is so when it has that id. It is also so when it is damaged and
    /// lies at the canonical place of `id` under a hashed name, which does not
    /// tell whose it is: then it is taken for the record that belongs there.
    #[must_use]
    pub fn stands_for(&self, path: &RecordPath, id: &RecordId) -> bool {
        self.id == *id || self.blocks(path, id)
    }

    /// Whether this damaged file at `path` blocks the record `id`, whose
    /// canonical place that is: its bytes must be set aside before `id` is
    /// written there, and until then `id` is `Corrupt`.
    ///
    /// Hashed names need this, as their id can't be read from a damaged file.
    /// A file without version that merely has another record's place for its
    /// name does not block that record, which is absent; it must make way, too.
    #[must_use]
    pub fn blocks(&self, path: &RecordPath, id: &RecordId) -> bool {
        self.content.is_err()
            && RecordPath::of(id) == *path
            && (self.id == *id || path.id() == PathId::Hashed)
    }
}

/// Which record the file at `path` with these bytes is, and what it holds.
///
/// `modified` is the file's time of modification, which stands for the times
/// that a flat payload does not have; outside the years 0000 to 9999 it counts
/// as the nearest instant within. `legacy` is what the collection's spec tells
/// of files without an envelope. Never panics, whatever the bytes.
///
/// - A versioned envelope must have the id whose canonical place `path` is.
/// - A file without `version` has the raw id. An envelope among them must say
///   so, or both ids must be right for its payload by `legacy.id`. A flat
///   payload must be right under it, where `legacy.id` says what is right.
/// - A file that can't be read is named by the id whose canonical place it is,
///   else by its raw id.
#[must_use]
pub fn read_stored(
    path: &RecordPath,
    bytes: &[u8],
    modified: FileTime,
    legacy: &LegacySpec,
) -> Stored {
    match envelope::decode(bytes) {
        Decoded::Versioned(record) if RecordPath::of(&record.id) == *path => {
            Stored { id: record.id.clone(), form: Form::Versioned, content: Ok(record) }
        }
        Decoded::Versioned(_) => damaged(
            path,
            None,
            Damage::other_id("the envelope's id is not the one its path stands for"),
        ),
        Decoded::Damaged { id, damage } => damaged(path, id, damage),
        Decoded::Unversioned(record) => read_unversioned(path, |id| {
            if record.id != *id && !both_right(legacy, &record, id) {
                let problem = "the envelope's id is not the one its file is named by";
                return Err(Damage::other_id(problem));
            }
            Ok(Record { id: id.clone(), ..record })
        }),
        Decoded::Document(data) => {
            read_unversioned(path, |id| read_flat(id, data, modified, legacy))
        }
    }
}

fn read_unversioned(
    path: &RecordPath,
    read: impl FnOnce(&RecordId) -> Result<Record, Damage>,
) -> Stored {
    let Some(id) = path.raw_id() else {
        let problem = "its name is too long to be an id, and no version says how to decode it";
        return damaged(path, None, Damage::plain(problem));
    };
    let content = read(&id);
    Stored { id, form: Form::Unversioned, content }
}

/// Whether the payload of an envelope without version may lie under both ids:
/// the generation between left records under either of their right names.
fn both_right(legacy: &LegacySpec, record: &Record, raw_id: &RecordId) -> bool {
    legacy.id.is_some_and(|rule| {
        let right = (rule.ids_of)(&record.data);
        [&record.id, raw_id].iter().all(|id| right.iter().any(|text| text == id.as_str()))
    })
}

fn read_flat(
    id: &RecordId,
    data: Payload,
    modified: FileTime,
    legacy: &LegacySpec,
) -> Result<Record, Damage> {
    if let Some(rule) = legacy.id {
        let right = (rule.ids_of)(&data);
        let said = rule.description;
        if right.is_empty() {
            return Err(Damage::plain(format!("the payload does not tell its own id ({said})")));
        }
        if !right.iter().any(|text| text == id.as_str()) {
            let problem = format!("the file's name is not the payload's own id ({said})");
            return Err(Damage::other_id(problem));
        }
    }
    let modified = clamped(modified);
    let at = |pointer: Option<&str>| {
        let text = strings_at(data.bytes(), &[pointer?]).pop()??;
        Instant::parse(&text)
    };
    let created_at = at(legacy.created_at).unwrap_or(modified);
    let updated_at = at(legacy.updated_at).unwrap_or(modified);
    Ok(Record {
        id: id.clone(),
        data,
        encoding: Encoding::JSON,
        created_at,
        updated_at,
        expires_at: None,
    })
}

/// A file whose bytes can't be had.
pub(super) fn unreadable(path: &RecordPath, problem: String) -> Stored {
    damaged(path, None, Damage::plain(problem))
}

/// A damaged file, with the id that its envelope tells, if it tells one.
fn damaged(path: &RecordPath, told: Option<RecordId>, damage: Damage) -> Stored {
    let canonical = match path.id() {
        PathId::Id(id) => Some(id),
        PathId::Hashed => told.filter(|id| RecordPath::of(id) == *path),
        PathId::Foreign => None,
    };
    let (id, form) = match canonical {
        Some(id) => (id, Form::Versioned),
        None => (path.raw_id().unwrap_or_else(|| path.stand_in_id()), Form::Unversioned),
    };
    Stored { id, form, content: Err(damage) }
}

fn clamped(time: FileTime) -> Instant {
    let limit = if time.seconds < 0 { Instant::MIN } else { Instant::MAX };
    Instant::new(time.seconds, time.nanoseconds.min(999_999_999)).unwrap_or(limit)
}

impl Damage {
    /// Whether a newer release wrote the file.
    #[must_use]
    pub fn is_newer(&self) -> bool {
        self.kind == DamageKind::Newer
    }

    /// What can't be read.
    pub(super) fn plain(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), kind: DamageKind::Unreadable }
    }

    fn other_id(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), kind: DamageKind::OtherId }
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, Stored, read_stored};
    use crate::{
        backend::file::{
            envelope::encode,
            path::{PathId, RecordPath},
        },
        fs::FileTime,
        seam::{Encoding, Instant, LegacySpec, Payload, PayloadId, Record, RecordId, strings_at},
    };

    const MODIFIED: FileTime = FileTime { seconds: 7, nanoseconds: 8 };

    fn id(text: &str) -> RecordId {
        RecordId::new(text).unwrap()
    }

    fn record(text: &str) -> Record {
        Record::json(id(text), Payload::new(&b" {} "[..]), Instant::UNIX_EPOCH)
    }

    fn read(path: &str, bytes: &[u8], legacy: &LegacySpec) -> Stored {
        read_stored(&RecordPath::parse(path).unwrap(), bytes, MODIFIED, legacy)
    }

    /// As sessions have it: `<user_id>/<id>` and `<id>` are right.
    fn sessions() -> LegacySpec {
        fn ids_of(payload: &Payload) -> Vec<String> {
            match strings_at(payload.bytes(), &["/user_id", "/id"]).as_slice() {
                [Some(user), Some(id)] => vec![format!("{user}/{id}"), id.clone()],
                _ => Vec::new(),
            }
        }
        LegacySpec {
            id: Some(PayloadId { description: "user_id/id or id", ids_of }),
            created_at: Some("/created_at"),
            updated_at: Some("/times/updated"),
        }
    }

    fn unversioned(id: &str, data: &str) -> String {
        format!(
            r#"{{"id":"{id}","data":{data},"encoding":"json","created_at":"1970-01-01T00:00:00Z","updated_at":"1970-01-01T00:00:00Z"}}"#
        )
    }

    #[track_caller]
    fn assert_damaged(stored: &Stored, named: &str, problem: &str) {
        assert_eq!(stored.id, id(named), "the name of the damaged file");
        let damage = stored.content.as_ref().expect_err("the file is damaged");
        assert!(damage.problem.contains(problem), "{:?} lacks {problem:?}", damage.problem);
        assert_eq!(damage.is_newer(), problem.contains("newer"));
    }

    #[test]
    fn a_versioned_envelope_is_read_at_its_own_place_alone() {
        let long = "x".repeat(300);
        for text in ["a", "%", "a/..", &long, &("a/".repeat(40) + "a")] {
            let bytes = encode(&record(text)).unwrap();
            let path = RecordPath::of(&id(text));
            let stored = read_stored(&path, &bytes, MODIFIED, &LegacySpec::default());
            assert_eq!(stored.form, Form::Versioned);
            assert_eq!(stored.id, id(text));
            assert_eq!(stored.content, Ok(record(text)));
        }
        let bytes = encode(&record("%")).unwrap();
        for (path, named) in [("a.json", "a"), ("%25a.json", "%a"), ("%.json", "%")] {
            let stored = read(path, &bytes, &LegacySpec::default());
            assert_damaged(&stored, named, "is not the one its path stands for");
        }
    }

    #[test]
    fn a_file_without_version_has_its_raw_id() {
        for (path, raw) in [("%25.json", "%25"), ("%.json", "%"), ("u/~.json", "u/~")] {
            for (text, data) in [("[1]\n".to_owned(), "[1]\n"), (unversioned(raw, "[2]"), "[2]")] {
                let stored = read(path, text.as_bytes(), &LegacySpec::default());
                assert_eq!(stored.id, id(raw));
                assert_eq!(stored.form, Form::Unversioned);
                let record = stored.content.expect("a good record");
                assert_eq!(record.id, id(raw));
                assert_eq!(record.data.to_text_lossy(), data);
                assert_eq!(record.encoding, Encoding::JSON);
            }
        }
    }

    #[test]
    fn an_envelope_without_version_under_another_name_is_damaged() {
        let stored = read("b.json", unversioned("a", "1").as_bytes(), &LegacySpec::default());
        assert_damaged(&stored, "b", "is not the one its file is named by");
        // Not decoded: the canonical place of "%" is not where it lay.
        let stored = read("%25.json", unversioned("%", "1").as_bytes(), &LegacySpec::default());
        assert_damaged(&stored, "%25", "is not the one its file is named by");
    }

    #[test]
    fn the_generation_between_may_use_either_right_name() {
        let session = r#"{"id":"s","user_id":"u"}"#;
        for (path, inside, named) in [
            ("s.json", "s", "s"),
            ("u/s.json", "u/s", "u/s"),
            ("u/s.json", "s", "u/s"),
            ("s.json", "u/s", "s"),
        ] {
            let stored = read(path, unversioned(inside, session).as_bytes(), &sessions());
            let record = stored.content.expect("a good record");
            assert_eq!((&stored.id, &record.id), (&id(named), &id(named)), "{inside} at {path}");
        }
        for (path, inside) in [("v/s.json", "s"), ("s.json", "v/s"), ("t.json", "s")] {
            let stored = read(path, unversioned(inside, session).as_bytes(), &sessions());
            assert!(stored.content.is_err(), "{inside} at {path} is another session");
        }
    }

    #[test]
    fn a_flat_payload_must_have_one_of_its_right_ids() {
        let session = br#"{"id":"s","user_id":"u"}"#;
        for path in ["s.json", "u/s.json"] {
            assert!(read(path, session, &sessions()).content.is_ok(), "{path}");
        }
        for (path, named) in [("v/s.json", "v/s"), ("t.json", "t"), ("%25.json", "%25")] {
            assert_damaged(&read(path, session, &sessions()), named, "user_id/id or id");
        }
        let path = RecordPath::of(&id("%"));
        let older = read(path.as_str(), session, &sessions());
        assert!(!older.blocks(&path, &id("%")), "it is the older record \"%25\"");
        for text in ["null", "[]", "\"x\"", "{}", r#"{"id":"s"}"#, r#"{"id":7,"user_id":"u"}"#] {
            let stored = read("s.json", text.as_bytes(), &sessions());
            assert_damaged(&stored, "s", "does not tell its own id");
            assert!(read("s.json", text.as_bytes(), &LegacySpec::default()).content.is_ok());
        }
    }

    #[test]
    fn a_flat_payload_has_its_own_times_or_the_files() {
        let modified = Instant::new(7, 8).unwrap();
        let own = Instant::new(1, 0).unwrap();
        for (times, expected) in [
            ("", (modified, modified)),
            (r#","created_at":"1970-01-01T09:00:01+09:00""#, (own, modified)),
            (r#","times":{"updated":"1970-01-01T00:00:01Z"}"#, (modified, own)),
            (r#","created_at":1,"times":{"updated":"soon"}"#, (modified, modified)),
        ] {
            let text = format!(r#"{{"id":"s","user_id":"u"{times}}}"#);
            let record = read("s.json", text.as_bytes(), &sessions()).content.unwrap();
            assert_eq!((record.created_at, record.updated_at), expected, "{text}");
        }
    }

    #[test]
    fn a_time_of_modification_is_kept_within_the_range() {
        for (seconds, nanoseconds, expected) in [
            (i64::MIN, 0, Instant::MIN),
            (i64::MAX, u32::MAX, Instant::MAX),
            (0, u32::MAX, Instant::new(0, 999_999_999).unwrap()),
            (-1, 5, Instant::new(-1, 5).unwrap()),
        ] {
            let path = RecordPath::parse("a.json").unwrap();
            let time = FileTime { seconds, nanoseconds };
            let record = read_stored(&path, b"{}", time, &LegacySpec::default()).content.unwrap();
            assert_eq!((record.created_at, record.updated_at), (expected, expected));
        }
    }

    #[test]
    fn an_unreadable_file_is_named_by_its_place() {
        for bytes in [&b""[..], b"{", b"\0\0\0", b"\xff", b"\xef\xbb\xbf{}", b"{} {}"] {
            for (path, named) in [("a.json", "a"), ("%25.json", "%"), ("%.json", "%")] {
                assert_damaged(&read(path, bytes, &LegacySpec::default()), named, "it is not");
            }
        }
        let broken = r#"{"version":1,"id":"?","encoding":"json","created_at":"soon","updated_at":"1970-01-01T00:00:00Z","data":1}"#;
        let stored = read("%25.json", broken.as_bytes(), &LegacySpec::default());
        assert_damaged(&stored, "%", "created_at is not an instant");
    }

    #[test]
    fn a_newer_releases_file_is_named_by_its_place() {
        let text = String::from_utf8(encode(&record("%")).unwrap()).unwrap();
        let newer = text.replace("\"version\":1", "\"version\":7");
        for (path, named) in [("%25.json", "%"), ("b.json", "b")] {
            let stored = read(path, newer.as_bytes(), &LegacySpec::default());
            assert_damaged(&stored, named, "newer release (format version 7)");
        }
    }

    #[test]
    fn a_damaged_file_under_a_hashed_name_blocks_the_record_that_belongs_there() {
        let long = id(&"x".repeat(300));
        let path = RecordPath::of(&long);
        let bytes = encode(&record(long.as_str())).unwrap();
        let read = |bytes: &[u8]| read_stored(&path, bytes, MODIFIED, &LegacySpec::default());

        let cut = read(&bytes[..bytes.len() - 1]);
        assert_eq!(Some(cut.id.clone()), path.raw_id());
        assert!(cut.blocks(&path, &long) && cut.stands_for(&path, &long));
        assert!(!cut.blocks(&path, &id("x")), "no other record is blocked");

        // Where the envelope still tells the id, it is used.
        let newer = String::from_utf8(bytes.clone()).unwrap().replace("n\":1", "n\":2");
        assert_eq!(read(newer.as_bytes()).id, long);

        let flat = read(b"{}");
        assert!(!flat.blocks(&path, &long), "a good older record is not damage");
        assert!(!flat.stands_for(&path, &long), "a good older record is another one");
        assert!(!read(&bytes).blocks(&path, &long));
        assert!(read(&bytes).stands_for(&path, &long));
    }

    #[test]
    fn a_place_without_any_id_is_named_apart() {
        let [one, two] = ["a", "b"].map(|last| {
            let level = "%".repeat(66);
            let deep = [level.as_str(); 13].join("/");
            RecordPath::of(&id(&format!("{deep}/{level}%{last}")))
        });
        for path in [&one, &two] {
            assert_eq!((path.id(), path.raw_id()), (PathId::Hashed, None));
        }
        let read = |path| read_stored(path, b"{}", MODIFIED, &LegacySpec::default());
        assert!(read(&one).content.is_err(), "a document can't be here");
        assert_ne!(read(&one).id, read(&two).id);
    }
}
