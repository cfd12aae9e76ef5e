//! What a collection holds.

use std::collections::{BTreeMap, BTreeSet};

use super::operation::{Place, SelectionInput};
use crate::{
    model::{divergence::Divergence, payload::PayloadInput, subject::Moment},
    seam::{Encoding, Instant, Record, RecordId},
};

/// The state of a collection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CollectionModel {
    /// What is stored, expired records included.
    pub entries: BTreeMap<RecordId, Entry>,
    /// Expired records that a purge may have left: it was cut short, or another
    /// operation on them overlapped. Always empty in a sequential run.
    pub lingering: BTreeSet<RecordId>,
}

/// What is stored under an id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// A record that can be read.
    Good(Stored),
    /// Bytes that can't.
    Damaged {
        /// The stored bytes.
        bytes: PayloadInput,
        /// Whether a newer release wrote them.
        newer: bool,
    },
}

/// A record, but for its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the field of its name in seam::Record")]
pub struct Stored {
    pub data: PayloadInput,
    pub encoding: Encoding,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub expires_at: Option<Instant>,
}

/// What an id stands for at some moment.
#[derive(Clone, Copy, Debug)]
pub(super) enum Present<'a> {
    Absent,
    Good(&'a Stored),
    Damaged(&'a PayloadInput),
    /// Damaged for this release.
    Newer(&'a PayloadInput),
}

/// A key of the collection under proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Unique: the member `name`.
    Name,
    /// Shared: the members `group` and `kind`.
    Group,
}

impl Stored {
    /// "A record whose `expires_at` is not after now is absent to every
    /// operation."
    pub(super) fn is_expired(&self, moment: &Moment<'_>) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= moment.now)
            && !moment.divergences.permit(Divergence::ExpiryIgnored)
    }

    /// The record under this id.
    pub(super) fn record(&self, id: &RecordId) -> Record {
        Record {
            id: id.clone(),
            data: self.data.payload().clone(),
            encoding: self.encoding.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            expires_at: self.expires_at,
        }
    }

    /// Whether this is that record: byte for byte, instant for instant.
    pub(super) fn is(&self, id: &RecordId, record: &Record) -> bool {
        record.id == *id
            && record.data == *self.data.payload()
            && record.encoding == self.encoding
            && record.created_at == self.created_at
            && record.updated_at == self.updated_at
            && record.expires_at == self.expires_at
    }
}

impl Key {
    /// "An empty or missing part means no key, or stands for a stated default";
    /// one that is not a string likewise. Payloads that are not JSON have no
    /// keys.
    pub(super) fn value(self, data: &PayloadInput) -> Option<[&str; 2]> {
        if !data.is_json() {
            return None;
        }
        match self {
            Self::Name => Some([data.string("name")?, ""]),
            Self::Group => Some([data.string("group")?, data.string("kind").unwrap_or("plain")]),
        }
    }
}

impl CollectionModel {
    /// What the id stands for now.
    pub(super) fn present(&self, id: &str, moment: &Moment<'_>) -> Present<'_> {
        match self.entries.get(id) {
            Some(Entry::Good(stored)) if !stored.is_expired(moment) => Present::Good(stored),
            Some(Entry::Damaged { bytes, newer: false }) => Present::Damaged(bytes),
            Some(Entry::Damaged { bytes, newer: true }) => Present::Newer(bytes),
            _ => Present::Absent,
        }
    }

    /// The good records that have not expired, by id.
    pub(super) fn good<'a>(
        &'a self,
        moment: &'a Moment<'_>,
    ) -> impl Iterator<Item = (&'a RecordId, &'a Stored)> {
        self.entries.iter().filter_map(|(id, entry)| match entry {
            Entry::Good(stored) if !stored.is_expired(moment) => Some((id, stored)),
            _ => None,
        })
    }

    /// The good records that have expired, by id.
    pub(super) fn expired<'a>(
        &'a self,
        moment: &'a Moment<'_>,
    ) -> impl Iterator<Item = &'a RecordId> {
        self.entries.iter().filter_map(|(id, entry)| match entry {
            Entry::Good(stored) if stored.is_expired(moment) => Some(id),
            _ => None,
        })
    }

    /// The selected good records, by id.
    pub(super) fn selected<'a>(
        &'a self,
        selection: &'a SelectionInput,
        moment: &'a Moment<'_>,
    ) -> impl Iterator<Item = (&'a RecordId, &'a Stored)> {
        self.good(moment).filter(|(id, stored)| selects(selection, id, stored))
    }

    /// The damaged records, by id.
    pub(super) fn damaged(&self) -> impl Iterator<Item = &RecordId> {
        self.entries
            .iter()
            .filter(|(_, entry)| matches!(entry, Entry::Damaged { .. }))
            .map(|(id, _)| id)
    }

    /// The selected items that come after a place, in the order of listings:
    /// damaged ones first, by id, then good ones by (`created_at`, id).
    pub(super) fn listing<'a>(
        &'a self,
        selection: &'a SelectionInput,
        after: Option<&Place>,
        moment: &'a Moment<'_>,
    ) -> (Vec<&'a RecordId>, Vec<(&'a RecordId, &'a Stored)>) {
        let damaged = self
            .damaged()
            // A damaged record's time of creation is not known: only the
            // prefix counts, so that nothing is hidden.
            .filter(|id| id.as_str().starts_with(&selection.prefix))
            .filter(|id| match after {
                None => true,
                Some(Place::Damaged(last)) => *id > last,
                Some(Place::Record(..)) => false,
            })
            .collect();
        let mut good: Vec<_> = self
            .selected(selection, moment)
            .filter(|(id, stored)| match after {
                Some(Place::Record(at, last)) => (stored.created_at, *id) > (*at, last),
                None | Some(Place::Damaged(_)) => true,
            })
            .collect();
        // Stable: those of one instant stay ordered by id.
        good.sort_by_key(|(_, stored)| stored.created_at);
        (damaged, good)
    }
}

/// "`prefix` is bytewise on the id; `since` inclusive, `until` exclusive, on
/// `created_at`."
fn selects(selection: &SelectionInput, id: &RecordId, stored: &Stored) -> bool {
    let SelectionInput { prefix, since, until } = selection;
    let created_at = stored.created_at;
    id.as_str().starts_with(prefix.as_str())
        && since.is_none_or(|since| since <= created_at)
        && until.is_none_or(|until| created_at < until)
}
