//! Entities as the model has them: members of a JSON object, in one normal form.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::shape;
use crate::{
    model::{
        members::{Members, as_object, quoted, raw_members},
        payload::shown,
        source::RawId,
    },
    seam::Instant,
    workspace::kind::Kind,
};

/// An entity: as a client gives it, or as it is stored and read again. Instants are
/// compared as instants, all else exactly.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Entity {
    /// Each member and its JSON text.
    #[serde(with = "as_object")]
    pub members: Members,
}

impl Entity {
    /// The entity of this kind that these members stand for; none: they stand for none.
    #[must_use]
    pub fn of(kind: Kind, members: Members) -> Option<Self> {
        shape::of(kind).normal(members).map(|members| Self { members })
    }

    /// The entity that a store's JSON text stands for; none: there is no such entity.
    #[must_use]
    pub fn parse(kind: Kind, text: &str) -> Option<Self> {
        Self::of(kind, raw_members(text))
    }

    /// The parts of its id.
    #[must_use]
    pub fn id(&self, kind: Kind) -> Vec<Arc<str>> {
        shape::of(kind).id_of(&self.members)
    }

    /// The same under another id.
    #[must_use]
    pub fn with_id(mut self, kind: Kind, id: &[Arc<str>]) -> Self {
        for (name, part) in shape::of(kind).id.iter().zip(id) {
            self.set_text(name, part);
        }
        self
    }

    /// When it was created, where its kind says so.
    pub(super) fn created_at(&self, kind: Kind) -> Option<Instant> {
        let says = shape::of(kind).members.contains(&("createdAt", shape::Member::Instant));
        says.then(|| shape::instant_in(&self.members, "createdAt")).flatten()
    }

    pub(super) fn set_text(&mut self, name: &str, text: &str) {
        self.set(name, quoted(text));
    }

    pub(super) fn set_instant(&mut self, name: &str, instant: Instant) {
        self.set_text(name, &instant.to_string());
    }

    pub(super) fn set(&mut self, name: &str, json: impl Into<Arc<str>>) {
        self.members.insert(Arc::from(name), json.into());
    }

    /// For a table.
    #[must_use]
    pub fn describe(&self) -> String {
        let members = self.members.iter().map(|(name, json)| {
            let json = shown(json.as_bytes());
            format!("{name}={json}")
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(" "))
    }
}

/// The record that an entity with this id is kept in; none: it is no id. "(`a-b`, `c`)
/// and (`a`, `b-c`) are different keys."
pub(super) fn record_of(id: &[Arc<str>]) -> Option<Arc<str>> {
    let record: Arc<str> = match id {
        [one] => Arc::clone(one),
        several if several.iter().all(|part| part.is_empty()) => return None,
        several => {
            let escaped = several.iter().map(|part| part.replace('%', "%25").replace('/', "%2F"));
            Arc::from(escaped.collect::<Vec<_>>().join("/"))
        }
    };
    RawId(Arc::clone(&record)).is_legal().then_some(record)
}
