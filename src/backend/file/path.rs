//! Names of records as places below a collection's directory.
//!
//! A record id becomes a path, level by level. The mapping is injective up to
//! collisions of SHA-256, and contained: no name that it gives is empty, begins
//! with a dot, is longer than a file system takes, or contains `/` or NUL.
//!
//! - Printable Unicode stays, so that files already in the field are found.
//! - `%XX` (upper case, of the UTF-8 bytes) stands for control characters,
//!   U+2028, U+2029, `%`, `~`, `\`, all leading dots, all dots and white space
//!   at the end, and the dot of a final `.json`.
//! - An empty level is `~`.
//! - A level that would be longer than [`MAX_LEVEL_BYTES`] is `~l` and the
//!   SHA-256 of its bytes in lower-case hex.
//! - An id of more than [`MAX_LEVELS`] levels is one file, `~i` and the SHA-256
//!   of the whole id.
//! - The last level gets `.json`. No directory ends so: what is a directory of
//!   one record is never the file of another.
//!
//! Nothing of this applies to files without `version`, which older software
//! left: their name is the id as it is ([`RecordPath::raw`]).

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::seam::RecordId;

/// The longest encoded level, without `.json`; a longer one is hashed.
pub const MAX_LEVEL_BYTES: usize = 200;

/// The most levels that become directories; a deeper id is hashed as a whole.
pub const MAX_LEVELS: usize = 32;

/// The longest name that file systems take.
const MAX_NAME_BYTES: usize = 255;

const SUFFIX: &str = ".json";
const EMPTY_LEVEL: &str = "~";
const HASHED_LEVEL: &str = "~l";
const HASHED_ID: &str = "~i";

/// A place below a collection's directory where a record's file may lie:
/// directories, then a file name that ends in `.json`, joined by `/` (which no
/// name contains).
///
/// Every name is 1 to 255 bytes long, does not begin with a dot, and contains
/// neither `/` nor NUL: a path never leads outside, and never to what is
/// hidden. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RecordPath(Arc<str>);

/// Which id's canonical place a path is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathId {
    /// That of this id.
    Id(RecordId),
    /// That of an id which only the envelope in the file tells.
    Hashed,
    /// That of no id. A file here can only be one without `version`.
    Foreign,
}

impl RecordPath {
    /// The canonical place of a record: where its versioned envelope lies.
    /// Injective: two ids never have the same place.
    #[must_use]
    pub fn of(id: &RecordId) -> Self {
        let mut path = String::with_capacity(id.as_str().len() + SUFFIX.len());
        if id.levels().nth(MAX_LEVELS).is_some() {
            push_hash(&mut path, HASHED_ID, id.as_str());
        } else {
            for (place, level) in id.levels().enumerate() {
                if place > 0 {
                    path.push('/');
                }
                push_level(&mut path, level);
            }
        }
        path.push_str(SUFFIX);
        Self(Arc::from(path))
    }

    /// Where a file without `version` has this id: nothing is encoded. `None`
    /// when no file can be there: a level is empty, begins with a dot, or makes
    /// too long a name.
    #[must_use]
    pub fn raw(id: &RecordId) -> Option<Self> {
        // An empty last level becomes `.json`, which begins with a dot.
        let path = format!("{id}{SUFFIX}");
        path.split('/').all(is_name).then(|| Self(Arc::from(path)))
    }

    /// The path with this text: names as they were found, joined by `/`. `None`
    /// when no record's file can be there: the file name does not end in
    /// `.json` or is nothing else, a name is empty, begins with a dot, contains
    /// NUL or is too long, or the whole is too long to be a raw id and is not a
    /// canonical place either.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !text.ends_with(SUFFIX) || !text.split('/').all(is_name) {
            return None;
        }
        let path = Self(Arc::from(text));
        (path.raw_id().is_some() || path.id() != PathId::Foreign).then_some(path)
    }

    /// The whole path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directories on the way, outermost first.
    pub fn directories(&self) -> impl Iterator<Item = &str> {
        self.0.rsplit_once('/').into_iter().flat_map(|(directories, _)| directories.split('/'))
    }

    /// The file's name.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&*self.0, |(_, name)| name)
    }

    /// Whose canonical place this is: the inverse of [`Self::of`].
    #[must_use]
    pub fn id(&self) -> PathId {
        let stem = self.stem();
        if is_hash(stem, HASHED_ID) {
            return PathId::Hashed;
        }
        let mut hashed = false;
        let mut text = String::with_capacity(stem.len());
        for (place, name) in stem.split('/').enumerate() {
            if place == MAX_LEVELS {
                return PathId::Foreign;
            }
            if place > 0 {
                text.push('/');
            }
            if is_hash(name, HASHED_LEVEL) {
                hashed = true;
                continue;
            }
            let Some(level) = decoded_level(name) else { return PathId::Foreign };
            text.push_str(&level);
        }
        if hashed {
            return PathId::Hashed;
        }
        match RecordId::new(text) {
            Ok(id) => PathId::Id(id),
            Err(_) => PathId::Foreign,
        }
    }

    /// The id of a file without `version` at this place: the inverse of
    /// [`Self::raw`]. `None` when the text is too long to be an id.
    #[must_use]
    pub fn raw_id(&self) -> Option<RecordId> {
        RecordId::new(self.stem()).ok()
    }

    /// What names a damaged file here when it has no id of any kind: distinct
    /// for each place.
    #[expect(clippy::expect_used, reason = "66 ASCII characters are always an id")]
    pub(super) fn stand_in_id(&self) -> RecordId {
        let mut text = String::new();
        push_hash(&mut text, HASHED_ID, &self.0);
        RecordId::new(text).expect("a mark and a digest are an id")
    }

    /// Whether [`Self::stand_in_id`] could give this id.
    pub(super) fn may_be_stand_in(id: &RecordId) -> bool {
        is_hash(id.as_str(), HASHED_ID)
    }

    fn stem(&self) -> &str {
        self.0.strip_suffix(SUFFIX).unwrap_or(&self.0)
    }
}

/// Whether a directory with this path may be one of older software that is in
/// the way of our files: some level ends in `.json`, as none of our own does.
pub(super) fn is_older_directory(path: &str) -> bool {
    path.split('/').all(is_name) && path.split('/').any(|level| level.ends_with(SUFFIX))
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name.len() <= MAX_NAME_BYTES
        && !name.contains('\0')
}

/// Appends the encoded form of one level.
fn push_level(path: &mut String, level: &str) {
    if level.is_empty() {
        path.push_str(EMPTY_LEVEL);
        return;
    }
    // Most levels are plain: the rules below leave them as they are.
    if level.len() <= MAX_LEVEL_BYTES && level.bytes().all(is_plain) {
        path.push_str(level);
        return;
    }
    let start = path.len();
    let leading_dots = level.len() - level.trim_start_matches('.').len();
    let trailing = level.trim_end_matches(|c: char| c == '.' || c.is_whitespace()).len();
    let suffix = level.strip_suffix(SUFFIX).map(str::len);
    for (place, character) in level.char_indices() {
        if place < leading_dots
            || place >= trailing
            || suffix == Some(place)
            || is_encoded_anywhere(character)
        {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                path.push('%');
                path.push(hex_digit(byte >> 4).to_ascii_uppercase());
                path.push(hex_digit(byte & 0xf).to_ascii_uppercase());
            }
        } else {
            path.push(character);
        }
        if path.len() - start > MAX_LEVEL_BYTES {
            path.truncate(start);
            push_hash(path, HASHED_LEVEL, level);
            return;
        }
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn is_encoded_anywhere(character: char) -> bool {
    matches!(character, '%' | '~' | '\\' | '\u{2028}' | '\u{2029}') || character.is_control()
}

/// The level that this name is the encoded form of; a hashed one is not
/// decoded. Encoding it again decides, so that only one name decodes to it.
fn decoded_level(name: &str) -> Option<String> {
    if name == EMPTY_LEVEL {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            bytes.push(hex_value(rest.next()?)? << 4 | hex_value(rest.next()?)?);
        } else {
            bytes.push(byte);
        }
    }
    let level = String::from_utf8(bytes).ok().filter(|level| !level.is_empty())?;
    // An encoded slash would be another level.
    if level.contains('/') {
        return None;
    }
    let mut again = String::with_capacity(name.len());
    push_level(&mut again, &level);
    (again == name).then_some(level)
}

fn push_hash(path: &mut String, mark: &str, text: &str) {
    path.push_str(mark);
    path.push_str(&sha256_hex(text));
}

fn is_hash(name: &str, mark: &str) -> bool {
    name.strip_prefix(mark).is_some_and(|digest| {
        digest.len() == 64 && digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// SHA-256 in lower-case hex.
fn sha256_hex(text: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        hex.push(hex_digit(byte >> 4));
        hex.push(hex_digit(byte & 0xf));
    }
    hex
}

fn hex_digit(value: u8) -> char {
    char::from(if value < 10 { b'0' + value } else { b'a' + value - 10 })
}

/// Upper case alone: that is what [`push_level`] writes.
fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{PathId, RecordPath};
    use crate::seam::RecordId;

    fn id(text: &str) -> RecordId {
        RecordId::new(text).unwrap()
    }

    fn of(text: &str) -> String {
        RecordPath::of(&id(text)).as_str().to_owned()
    }

    /// These are in the field: a change here makes records unfindable.
    #[test]
    fn canonical_places_are_these() {
        for (text, expected) in [
            ("a", "a.json"),
            ("a/b", "a/b.json"),
            ("A-b_c d.e", "A-b_c d.e.json"),
            ("ユーザー/セッション-1", "ユーザー/セッション-1.json"),
            ("é", "é.json"),
            ("e\u{301}", "e\u{301}.json"),
            ("/", "~/~.json"),
            ("/a", "~/a.json"),
            ("a/", "a/~.json"),
            ("a//b", "a/~/b.json"),
            (".", "%2E.json"),
            ("..", "%2E%2E.json"),
            ("../a", "%2E%2E/a.json"),
            ("./a", "%2E/a.json"),
            ("a/../b", "a/%2E%2E/b.json"),
            (".hidden", "%2Ehidden.json"),
            ("...a", "%2E%2E%2Ea.json"),
            ("a.", "a%2E.json"),
            ("a. .", "a%2E%20%2E.json"),
            ("a ", "a%20.json"),
            ("a\u{3000}", "a%E3%80%80.json"),
            (" a", " a.json"),
            (" ", "%20.json"),
            ("a.json", "a%2Ejson.json"),
            ("a.json/b", "a%2Ejson/b.json"),
            ("a.json.json", "a.json%2Ejson.json"),
            ("a.json.", "a.json%2E.json"),
            ("a.JSON", "a.JSON.json"),
            (".json", "%2Ejson.json"),
            ("%2e", "%252e.json"),
            ("a%2Fb", "a%252Fb.json"),
            ("~", "%7E.json"),
            ("~/~l", "%7E/%7El.json"),
            ("a\\b", "a%5Cb.json"),
            ("\n\u{1}\u{7f}\u{85}", "%0A%01%7F%C2%85.json"),
            ("a\u{2028}\u{2029}b", "a%E2%80%A8%E2%80%A9b.json"),
            ("CON", "CON.json"),
        ] {
            assert_eq!(of(text), expected, "the place of {text:?}");
        }
    }

    #[test]
    fn a_level_that_would_be_too_long_is_hashed() {
        let longest = "x".repeat(200);
        assert_eq!(of(&longest), format!("{longest}.json"));
        // printf 'x%.0s' {1..201} | sha256sum
        let digest = "84a0678c90937f5dcf9994d5866668da6b995109c8ad845410559b48a4ecafed";
        assert_eq!(of(&format!("a/{longest}x/b")), format!("a/~l{digest}/b.json"));
        // What counts is the encoded length: 66 · 3 + 2 and 66 · 3 + 3.
        assert_eq!(of(&("%".repeat(66) + "ab")), "%25".repeat(66) + "ab.json");
        assert!(of(&("%".repeat(66) + "abc")).starts_with("~l"));
    }

    #[test]
    fn an_id_of_too_many_levels_is_hashed_as_a_whole() {
        let deepest = "a/".repeat(31) + "a";
        assert_eq!(of(&deepest), format!("{deepest}.json"));
        // printf 'a/%.0s' {1..32} | sha256sum
        let digest = "1032e881d85881d1856b58900681c06f74840a2b91cd76a5fd0e54df05bf4be3";
        assert_eq!(of(&"a/".repeat(32)), format!("~i{digest}.json"));
    }

    #[test]
    fn a_file_without_version_has_its_id_as_its_name() {
        for text in ["a", "a/b", "%", "~", "a.json", "a.json/b", "a\\b", "a ", "a.", "\u{2028}"] {
            let path = RecordPath::raw(&id(text)).unwrap();
            assert_eq!(path.as_str(), format!("{text}.json"));
            assert_eq!(path.raw_id(), Some(id(text)));
        }
        assert!(RecordPath::raw(&id(&"x".repeat(250))).is_some(), "255 bytes with .json");
        let long = ["x".repeat(251), "x".repeat(256) + "/a"];
        for text in ["/a", "a/", "a//b", "..", "a/../b", ".hidden", "a/.b/c"]
            .into_iter()
            .chain(long.iter().map(String::as_str))
        {
            assert_eq!(RecordPath::raw(&id(text)), None, "{text:?} can't name a file");
        }
    }

    #[test]
    fn only_what_can_be_a_records_file_is_a_path() {
        for text in ["a.json", "a/b.json", " .json", "%ZZ.json", "a.json/b.json", "a\\b.json"] {
            assert_eq!(RecordPath::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            ".json",
            "a/.json",
            "a",
            "a.JSON",
            "a.json.tmp.9",
            ".tmp-1.json",
            "..json.json",
            ".a/b.json",
            "../a.json",
            "/a.json",
            "a//b.json",
            "a\0.json",
            "a.json/",
            &("x".repeat(251) + ".json"),
            &("x".repeat(256) + "/a.json"),
            &("%zz/".repeat(400) + "a.json"),
        ] {
            assert_eq!(RecordPath::parse(text), None, "{text:?} was taken");
        }
    }

    #[test]
    fn a_name_that_no_id_is_encoded_to_is_foreign() {
        let digest = "0123456789abcdef".repeat(4);
        for stem in [
            "%",
            "%2",
            "%2e",
            "%41",
            "a%2Eb",
            "a%2Fb",
            "a%00",
            "%FF",
            "~",
            "~a",
            "a~",
            "a ",
            "a.",
            "a.json",
            "a\\b",
            "\n",
            &"x".repeat(201),
            &format!("~l{}", digest.to_uppercase()),
            &format!("~l{digest}0"),
            &format!("~i{digest}/a"),
            &format!("a/~i{digest}"),
            &("a/".repeat(32) + "a"),
        ] {
            let path = RecordPath::parse(&format!("{stem}.json")).unwrap();
            assert_eq!(path.id(), PathId::Foreign, "{stem:?}");
        }
        for stem in [format!("~i{digest}"), format!("~l{digest}"), format!("a/~l{digest}/~/b")] {
            let path = RecordPath::parse(&format!("{stem}.json")).unwrap();
            assert_eq!(path.id(), PathId::Hashed, "{stem:?}");
        }
    }

    #[test]
    fn a_path_has_directories_and_a_file_name() {
        let path = RecordPath::of(&id("a/b/c"));
        assert_eq!(path.directories().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(path.file_name(), "c.json");
        let path = RecordPath::of(&id("c"));
        assert_eq!(path.directories().count(), 0);
        assert_eq!(path.file_name(), "c.json");
    }
}
