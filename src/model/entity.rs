//! What the models of the stores have in common that keep one entity a record.

use std::{
    collections::BTreeMap,
    hash::{Hash, Hasher},
    sync::Arc,
};

use arbitrary::Result as Arbitrary;
use serde_json::{Value, value::RawValue};

use super::{
    legacy::offset_text,
    payload::shown,
    source::{RawId, Source},
};
use crate::store::{document::Document, instant_text::InstantText};

/// Members that a store does not know: name and JSON text.
pub type Unknown = BTreeMap<Arc<str>, Arc<str>>;

/// An error that a call returned.
#[derive(Clone, Debug)]
pub struct Failure<P> {
    /// Which.
    pub problem: P,
    /// Whether the operation may have happened all the same.
    pub unknown: bool,
    /// The message, of errors whose name does not say it all. Not compared.
    pub message: Option<Arc<str>>,
}

impl<P> Failure<P> {
    /// An expected refusal.
    pub(super) fn refusal(problem: P) -> Self {
        Self { problem, unknown: false, message: None }
    }

    /// For a table, under the name of its class.
    pub(super) fn describe(&self, class: &str) -> String {
        let unknown = if self.unknown { " (outcome unknown)" } else { "" };
        let message = self.message.as_ref().map(|message| format!(": {message}"));
        format!("{class}{unknown}{}", message.unwrap_or_default())
    }
}

impl<P: PartialEq> PartialEq for Failure<P> {
    fn eq(&self, other: &Self) -> bool {
        (&self.problem, self.unknown) == (&other.problem, other.unknown)
    }
}

impl<P: Hash> Hash for Failure<P> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.problem, self.unknown).hash(state);
    }
}

/// "A non-empty UTF-8 string without NUL, at most 1 024 bytes."
pub(super) fn is_record_id(id: &RawId) -> bool {
    let text = &id.0;
    !text.is_empty() && text.len() <= 1_024 && !text.contains('\0')
}

/// "Draining gives every record that was there unchanged throughout exactly
/// once, none that was absent throughout, and otherwise values each held at
/// some moment of the drain." `states` say what a listing shows of each id, and
/// `seen` is what it showed, in any order.
///
/// # Errors
/// What was there unchanged throughout.
pub(super) fn judge_drain<'s, T: Copy + PartialEq>(
    states: impl Iterator<Item = BTreeMap<&'s str, T>>,
    seen: &[(&str, T)],
) -> Result<(), Vec<(&'s str, T)>> {
    // Every value that an id had, and whether it had that one throughout.
    let mut held: BTreeMap<&str, Vec<T>> = BTreeMap::new();
    let mut throughout: Option<BTreeMap<&'s str, T>> = None;
    for state in states {
        for (id, value) in &state {
            let values = held.entry(id).or_default();
            if !values.contains(value) {
                values.push(*value);
            }
        }
        throughout = Some(match throughout {
            None => state,
            Some(before) => {
                let same = |(id, value): &(&str, T)| state.get(id) == Some(value);
                before.into_iter().filter(same).collect()
            }
        });
    }
    let throughout = throughout.unwrap_or_default();
    let each_was_held =
        seen.iter().all(|(id, value)| held.get(id).is_some_and(|values| values.contains(value)));
    let none_twice = seen
        .iter()
        .enumerate()
        .all(|(place, (id, _))| seen.iter().take(place).all(|(other, _)| other != id));
    let none_missing = throughout.iter().all(|pair| seen.contains(&(*pair.0, *pair.1)));
    if each_was_held && none_twice && none_missing {
        Ok(())
    } else {
        Err(throughout.into_iter().collect())
    }
}

/// One of these texts.
pub(super) fn text(source: &mut Source<'_, '_>, texts: &[&str]) -> Arbitrary<Arc<str>> {
    Ok(Arc::from(*source.choose(texts)?))
}

/// One of the case's instants, at times with another offset.
pub(super) fn instant(source: &mut Source<'_, '_>) -> Arbitrary<Option<InstantText>> {
    Ok(InstantText::parse(&offset_text(source.instant()?)))
}

/// At times a member that no store knows.
pub(super) fn unknown(source: &mut Source<'_, '_>) -> Arbitrary<Unknown> {
    let mut unknown = Unknown::new();
    if source.ratio(1, 4)? {
        let value = text(source, &["1", "123456789012345678901234567890", "null", "{\"a\":[]}"])?;
        unknown.insert(text(source, &["x", "y"])?, value);
    }
    Ok(unknown)
}

/// The members of a JSON object, as older software wrote them.
#[derive(Default)]
pub(super) struct Members(pub(super) Vec<String>);

impl Members {
    /// A member with this JSON text, where there is one.
    pub(super) fn raw(&mut self, name: &str, json: Option<String>) {
        self.0.extend(json.map(|json| format!("{}: {json}", quoted(name))));
    }

    /// A string, where there is one.
    pub(super) fn text(&mut self, name: &str, text: Option<&str>) {
        self.raw(name, text.map(quoted));
    }

    /// An instant, where there is one.
    pub(super) fn instant(&mut self, name: &str, instant: Option<&InstantText>) {
        self.text(name, instant.map(InstantText::as_str));
    }

    /// What a store does not know.
    pub(super) fn unknown(&mut self, unknown: &Unknown) {
        for (name, json) in unknown {
            self.raw(name, Some(json.to_string()));
        }
    }

    /// The object in one line.
    pub(super) fn object(&self) -> String {
        format!("{{{}}}", self.0.join(","))
    }
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The members of an object that are not among `known`, as they are written.
pub(super) fn unknown_members(object: &str, known: &[&str]) -> Unknown {
    let raw: BTreeMap<String, Box<RawValue>> = serde_json::from_str(object).unwrap_or_default();
    let unknown = raw.into_iter().filter(|(name, _)| !known.contains(&&**name));
    unknown.map(|(name, value)| (Arc::from(name), Arc::from(value.get()))).collect()
}

/// What a store does not know, for a store.
pub(super) fn to_document(unknown: &Unknown) -> Document {
    let mut members = Members::default();
    members.unknown(unknown);
    Document::parse(members.object().as_bytes()).unwrap_or_default()
}

/// What a store does not know, from a store.
pub(super) fn from_document(document: &Document) -> Unknown {
    let raw = |name| Some((Arc::from(name), Arc::from(document.get(name)?.get())));
    document.names().filter_map(raw).collect()
}

/// An id for a table.
pub(super) fn id_text(id: &RawId) -> String {
    format!("\"{}\"", shown(id.0.as_bytes()))
}

/// Simpler ids: `a`, then `b`.
pub(super) fn simpler_ids(id: &RawId) -> impl Iterator<Item = RawId> + use<> {
    simpler_texts(["a", "b"], &id.0).map(RawId)
}

/// Those of the simple texts that are simpler than `text`.
pub(super) fn simpler_texts(
    simple: [&'static str; 2],
    text: &str,
) -> impl Iterator<Item = Arc<str>> + use<> {
    let rank = simple.iter().position(|simple| *simple == text).unwrap_or(usize::MAX);
    simple.into_iter().take(rank).map(Arc::from)
}

/// For fields that a scenario file leaves out where they are empty.
pub(super) fn is_empty(text: &Arc<str>) -> bool {
    text.is_empty()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Members, judge_drain, to_document, unknown_members};

    #[test]
    fn a_drain_is_judged_by_all_the_states_it_ran_through() {
        let states = [
            BTreeMap::from([("a", 1), ("b", 1)]),
            BTreeMap::from([("a", 1), ("b", 2), ("c", 1)]),
            BTreeMap::from([("a", 1), ("c", 1)]),
        ];
        let judge = |seen: &[(&str, i32)]| judge_drain(states.iter().cloned(), seen);
        for seen in [&[("a", 1)][..], &[("a", 1), ("b", 1)], &[("c", 1), ("a", 1), ("b", 2)]] {
            assert_eq!(judge(seen), Ok(()), "{seen:?}");
        }
        for seen in [
            &[][..],
            &[("a", 2)],
            &[("a", 1), ("a", 1)],
            &[("a", 1), ("b", 1), ("b", 2)],
            &[("a", 1), ("b", 3)],
            &[("a", 1), ("d", 1)],
        ] {
            assert_eq!(judge(seen), Err(vec![("a", 1)]), "{seen:?}");
        }
    }

    #[test]
    fn unknown_members_keep_their_text() {
        let object = r#"{"id": "a", "x": 123456789012345678901234567890, "y" : {"a":[]}}"#;
        let unknown = unknown_members(object, &["id"]);
        let mut members = Members::default();
        members.text("id", Some("a"));
        members.unknown(&unknown);
        let expected = r#"{"id": "a","x": 123456789012345678901234567890,"y": {"a":[]}}"#;
        assert_eq!(members.object(), expected);
        assert_eq!(to_document(&unknown).names().collect::<Vec<_>>(), ["x", "y"]);
    }
}
