//! Names of records as places of files: `backend::file::path`.
//!
//! An input is texts that NUL separates (no id has one). Each is taken for an id and for
//! a path.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use super::Check;
use crate::{
    backend::file::path::{MAX_LEVEL_BYTES, MAX_LEVELS, PathId, RecordPath},
    seam::RecordId,
};

/// A mapping of ids to paths, its inverse being ours.
pub(super) struct PathMapping {
    pub(super) of: fn(&RecordId) -> String,
}

/// Our own.
pub(super) static SOUND: PathMapping = PathMapping { of: |id| RecordPath::of(id).as_str().into() };

/// How many texts of an input are looked at.
const MOST_TEXTS: usize = 2;

/// What is written like a longer id is another one for no other reason than with short ones.
const SHORT: usize = 64;

impl Check for PathMapping {
    fn problem(&self, input: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(input);
        let mut places: Vec<(RecordId, String)> = Vec::new();
        for text in text.split('\0').take(MOST_TEXTS) {
            if let Some(problem) = path_problem(text) {
                return Some(problem);
            }
            let Ok(id) = RecordId::new(text) else { continue };
            match self.place(&id) {
                Ok(place) => {
                    // What the place looks like is an id, too.
                    let stem = place.strip_suffix(".json").unwrap_or(&place);
                    places.extend(RecordId::new(stem).ok().map(|id| self.with_place(id)));
                    if text.len() <= SHORT {
                        let alike = [format!("{text}/"), format!("/{text}"), format!("./{text}")];
                        let alike = alike.into_iter().filter_map(|text| RecordId::new(text).ok());
                        places.extend(alike.map(|id| self.with_place(id)));
                    }
                    places.push((id, place));
                }
                Err(problem) => return Some(problem),
            }
        }
        places.sort_by(|(_, one), (_, other)| one.cmp(other));
        places.windows(2).find_map(|pair| match pair {
            [(one, place), (other, same)] if place == same && one != other => {
                Some(format!("{one:?} and {other:?} have the same place, {place:?}"))
            }
            _ => None,
        })
    }
}

impl PathMapping {
    fn with_place(&self, id: RecordId) -> (RecordId, String) {
        let place = (self.of)(&id);
        (id, place)
    }

    /// The place of an id, or what is wrong with it.
    fn place(&self, id: &RecordId) -> Result<String, String> {
        let place = (self.of)(id);
        let wrong = |what: &str| Err(format!("{what}: {id:?} has the place {place:?}"));
        if let Some(problem) = leads_astray(&place) {
            return wrong(problem);
        }
        if place.rsplit('/').skip(1).any(|name| name.ends_with(".json")) {
            return wrong("a directory could be the file of another record");
        }
        let expected = reference(id.as_str());
        if place != expected {
            return wrong(&format!("the rule gives {expected:?}"));
        }
        let Some(path) = RecordPath::parse(&place) else {
            return wrong("no record's file can be there");
        };
        let is_hashed = place
            .split('/')
            .any(|name| name.len() >= 66 && (name.starts_with("~l") || name.starts_with("~i")));
        let told = if is_hashed { PathId::Hashed } else { PathId::Id(id.clone()) };
        if path.id() != told {
            return wrong(&format!("the place is that of {:?}", path.id()));
        }
        let raw = RecordPath::raw(id);
        let could_be_a_file = leads_astray(&format!("{id}.json")).is_none();
        if raw.is_some() != could_be_a_file {
            return wrong("older software could name a file so, or it could not");
        }
        if raw.is_some_and(|raw| raw.raw_id().as_ref() != Some(id)) {
            return wrong("the raw id does not come back");
        }
        Ok(place)
    }
}

/// What is wrong with the way a path is taken, whatever it is.
fn path_problem(text: &str) -> Option<String> {
    let path = RecordPath::parse(text)?;
    let wrong = |what: &str| Some(format!("{what}: the path {text:?}"));
    if path.as_str() != text {
        return wrong("another path comes back");
    }
    if let Some(problem) = leads_astray(text) {
        return wrong(problem);
    }
    let mut names: Vec<&str> = path.directories().collect();
    names.push(path.file_name());
    if names.join("/") != text {
        return wrong("its names are not its own");
    }
    if let PathId::Id(id) = path.id()
        && RecordPath::of(&id) != path
    {
        return wrong(&format!("it is not the place of {id:?}"));
    }
    match path.raw_id() {
        Some(id) if RecordPath::raw(&id).as_ref() != Some(&path) => {
            wrong(&format!("{id:?} is not its raw id"))
        }
        None if path.id() == PathId::Foreign => wrong("it has no id of any kind"),
        _ => None,
    }
}

/// Why a path does not stay below the directory that it leads from, if so: names are 1 to
/// 255 bytes without NUL, none begins with a dot, and the last ends in `.json`.
fn leads_astray(path: &str) -> Option<&'static str> {
    if !path.ends_with(".json") {
        return Some("it is no file of a record");
    }
    path.split('/').find_map(|name| match name.as_bytes() {
        [] => Some("a name is empty"),
        [b'.', ..] => Some("a name begins with a dot"),
        bytes if bytes.len() > 255 => Some("a name is too long"),
        bytes if bytes.contains(&0) => Some("a name contains NUL"),
        _ => None,
    })
}

/// The mapping as the documentation of `backend::file::path` states it, one sentence
/// after the other.
fn reference(id: &str) -> String {
    let levels: Vec<&str> = id.split('/').collect();
    if levels.len() > MAX_LEVELS {
        return format!("~i{}.json", hex(id));
    }
    let levels: Vec<String> = levels.into_iter().map(reference_level).collect();
    levels.join("/") + ".json"
}

fn reference_level(level: &str) -> String {
    if level.is_empty() {
        return "~".to_owned();
    }
    let characters: Vec<char> = level.chars().collect();
    let leading = characters.iter().take_while(|c| **c == '.').count();
    let at_the_end = |c: &&char| **c == '.' || c.is_whitespace();
    let trailing = characters.iter().rev().take_while(at_the_end).count();
    let count = characters.len();
    let mut encoded = String::new();
    for (place, character) in characters.iter().enumerate() {
        let is_special = matches!(character, '%' | '~' | '\\' | '\u{2028}' | '\u{2029}');
        let is_of_the_suffix = level.ends_with(".json") && place + 5 == count;
        let ends = place < leading || place + trailing >= count;
        if is_special || character.is_control() || is_of_the_suffix || ends {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                let digits = DIGITS.get(usize::from(byte)).map_or("", String::as_str);
                encoded.push_str(digits);
            }
        } else {
            encoded.push(*character);
        }
    }
    if encoded.len() > MAX_LEVEL_BYTES { format!("~l{}", hex(level)) } else { encoded }
}

/// `%` and two digits, for every byte.
static DIGITS: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..=u8::MAX).map(|byte| format!("%{byte:02X}")).collect());

fn hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
