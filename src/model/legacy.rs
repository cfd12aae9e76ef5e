//! What older software may have left, as plain data.

use std::sync::Arc;

use arbitrary::Result;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    payload::shown,
    source::{INSTANTS, RawId, Source, adversarial_ids},
};
use crate::{seam::Instant, store::instant_text::InstantText};

/// A flat file of older software: the payload itself, under its raw id.
///
/// Plain data of the scenario: the writer of the files and the model's initial
/// state are both made from it, and neither uses the code that reads files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyDocument {
    /// The record's id; the file is `<id>.json` below the collection's
    /// directory, nothing in it encoded.
    pub id: String,
    /// The file's content, byte for byte.
    pub text: String,
    /// The file's time of modification, which stands for times that the
    /// payload does not have.
    pub modified: Instant,
}

impl LegacyDocument {
    /// Whether it is no JSON text, so that nobody can read a record in it.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        serde_json::from_str::<&RawValue>(self.text.trim()).is_err()
    }
}

/// What older software does to a collection's directory while newer software
/// runs. It takes no lock and knows nothing of envelopes: a file is written
/// under a temporary name and renamed, or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OlderAction {
    /// Writes the file `<id>.json`. When it was modified is not the document's
    /// to say here.
    Write(LegacyDocument),
    /// Removes the file `<id>.json`, if there is one.
    Remove {
        /// The raw id.
        id: String,
    },
}

impl OlderAction {
    /// The raw id that it is about.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Write(document) => &document.id,
            Self::Remove { id } => id,
        }
    }

    /// A short description for tables.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Write(document) => {
                let text = shown(document.text.as_bytes());
                format!("(older software writes {:?}: {text})", document.id)
            }
            Self::Remove { id } => format!("(older software removes {id:?})"),
        }
    }
}

/// An id under which older software goes on writing: mostly one that is hot in
/// this case. Its file's name is the same for older and for newer software.
///
/// # Errors
/// As `arbitrary` reports them.
pub fn plain_id(source: &mut Source<'_, '_>) -> Result<RawId> {
    let id = source.id()?;
    Ok(if is_plain(&id.0) { id } else { RawId(Arc::from("a")) })
}

/// As [`plain_id`], but it may have a few levels: a file in directories. (One of
/// many is nobody's path: newer software has it elsewhere.)
///
/// # Errors
/// As `arbitrary` reports them.
pub fn plain_levels(source: &mut Source<'_, '_>) -> Result<RawId> {
    let id = source.id()?;
    let levels = id.0.split('/');
    Ok(if levels.clone().count() <= 4 && levels.clone().all(is_plain) {
        id
    } else {
        RawId(Arc::from("a"))
    })
}

/// Whether the id is one level that nobody would encode.
#[must_use]
pub fn is_plain(id: &str) -> bool {
    let stays = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !id.is_empty()
        && id.len() <= 100
        && id.chars().all(stays)
        && !id.starts_with('.')
        && !id.ends_with('.')
        && !id.to_ascii_lowercase().ends_with(".json")
}

/// What a damaged file may hold; some of it is a record to some stores.
pub const DAMAGED: &[&str] = &["null", "{}", "", "[]", "{\"id\":", "\u{feff}{}"];

/// What is left of a document after an accident, at times: half of it, nothing,
/// or something that is no such document. Otherwise the document. One under a
/// name that could also be another id's path stays whole: its bytes are what
/// tells whose it is.
///
/// # Errors
/// As `arbitrary` reports them.
pub fn perhaps_damaged(source: &mut Source<'_, '_>, id: &str, text: String) -> Result<String> {
    if !source.ratio(1, 6)? || !id.split('/').all(is_plain) {
        return Ok(text);
    }
    if let Some(other) = DAMAGED.get(source.below(DAMAGED.len() + 3)?) {
        return Ok((*other).to_owned());
    }
    let half = (0..=text.len() / 2).rev().find_map(|end| text.get(..end));
    Ok(half.unwrap_or_default().to_owned())
}

/// Up to five ids that older software could have used as they are for the names
/// of files, side by side.
///
/// # Errors
/// As `arbitrary` reports them.
pub fn legacy_ids(source: &mut Source<'_, '_>) -> Result<Vec<String>> {
    let mut ids: Vec<String> = Vec::new();
    for _ in 0..source.below(6)? {
        let id = if source.ratio(1, 4)? {
            source.choose(adversarial_ids())?.clone()
        } else {
            source.id()?
        };
        if is_raw_file_name(&id.0) && !ids.iter().any(|other| in_the_way(other, &id.0)) {
            ids.push(id.0.to_string());
        }
    }
    Ok(ids)
}

/// A time of modification: one that real file systems can hold, too.
///
/// # Errors
/// As `arbitrary` reports them.
pub fn modified(source: &mut Source<'_, '_>) -> Result<Instant> {
    source.choose(INSTANTS.get(..5).unwrap_or(INSTANTS)).copied()
}

/// A JSON object of these members (`"name": value`), compact or indented by two
/// spaces.
///
/// # Errors
/// As `arbitrary` reports them.
pub fn object_text(source: &mut Source<'_, '_>, members: &[String]) -> Result<String> {
    Ok(if source.ratio(1, 2)? {
        format!("{{\n  {}\n}}", members.join(",\n  "))
    } else {
        format!("{{{}}}", members.join(","))
    })
}

/// An instant as text; some with another offset than `Z`, as the field has them.
#[must_use]
pub fn offset_text(instant: Instant) -> String {
    if instant.nanoseconds() == 1 && instant < Instant::MAX.saturating_add_seconds(-86_400) {
        let local = instant.saturating_add_seconds(9 * 3_600).to_string();
        return local.replace('Z', "+09:00");
    }
    instant.to_string()
}

/// One of the case's instants as text, some with another offset than `Z`.
///
/// # Errors
/// As `arbitrary` reports them.
pub fn instant_text(source: &mut Source<'_, '_>) -> Result<Option<InstantText>> {
    Ok(InstantText::parse(&offset_text(source.instant()?)))
}

/// Whether older software could have used the id as a file's name, `.json`
/// added: no level that is empty or begins with a dot, none too long, nothing
/// that leaves the directory.
pub(crate) fn is_raw_file_name(id: &str) -> bool {
    let longest = 255 - ".json".len();
    let legal =
        |level: &str| !level.is_empty() && !level.starts_with('.') && level.len() <= longest;
    !id.contains('\0') && id.split('/').all(legal)
}

/// Whether two ids can't both have a file: the same one, or one's file where
/// the other has a directory.
pub(crate) fn in_the_way(one: &str, other: &str) -> bool {
    let file = |id: &str| format!("{id}.json");
    let within = |outer: &str, inner: &str| inner.starts_with(&(file(outer) + "/"));
    one == other || within(one, &file(other)) || within(other, &file(one))
}

#[cfg(test)]
mod tests {
    use super::{in_the_way, is_raw_file_name, offset_text};
    use crate::{model::source::INSTANTS, seam::Instant};

    #[test]
    fn legacy_ids_are_raw_file_names() {
        for id in ["a", "a/b", "a b", "ユーザー", "a.json", "%2e", "~", &"x".repeat(250)] {
            assert!(is_raw_file_name(id), "{id:?} could be a file's name");
        }
        for id in ["", ".a", "a//b", "/a", "a/", "..", "a/../b", "a\0", &"x".repeat(251)] {
            assert!(!is_raw_file_name(id), "{id:?} could not be a file's name");
        }
        assert!(in_the_way("a", "a.json/b") && in_the_way("a.json/b", "a"));
        assert!(!in_the_way("a", "a/b"));
    }

    #[test]
    fn an_offset_does_not_change_the_instant() {
        for &instant in INSTANTS {
            assert_eq!(Instant::parse(&offset_text(instant)), Some(instant));
        }
    }
}
