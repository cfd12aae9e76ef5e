//! The parts of a commit.

use super::{error::StoredBytes, payload::Payload, record::Record, record_id::RecordId};

/// What a commit does to one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Creates or replaces the record. Creation takes both instants from it;
    /// replacement keeps the stored `created_at` and the later `updated_at`.
    Put(Record),
    /// Replaces the data of a record that is there, keeping the encoding and
    /// expiry stored at that moment; `updated_at` becomes the later of stored
    /// and now.
    Replace {
        /// Whose data.
        id: RecordId,
        /// The new data.
        data: Payload,
    },
    /// Removes the record; one that is absent stays so.
    Delete(RecordId),
    /// Changes nothing: only the condition counts.
    Check(RecordId),
}

/// What must hold of a record, in the state before the commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    #[default]
    Any,
    /// There is no such record, or else `AlreadyExists`.
    Absent,
    /// There is one, or else `NotFound`. A damaged one is there.
    Present,
    /// There is one (else `NotFound`) with exactly these data (else
    /// `Conflict`; `Corrupt` when it is damaged).
    Data(Payload),
    /// There is one (else `NotFound`), and its data, or the bytes of a damaged one, are
    /// these (else `Conflict`): what `Corrupt` hands out is still so. Whoever says so holds
    /// it for damaged, though the seam may be able to read it: a put or a delete
    /// quarantines it first, and counts as on an absent record.
    Stored(StoredBytes),
}

/// One action of a commit with its condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// What to do.
    pub action: Action,
    /// Only if this holds.
    pub when: Condition,
}

impl Write {
    /// Which record it is about.
    #[must_use]
    pub fn id(&self) -> &RecordId {
        match &self.action {
            Action::Put(record) => &record.id,
            Action::Replace { id, .. } | Action::Delete(id) | Action::Check(id) => id,
        }
    }

    /// Whether what is there, sound or not, is quarantined before it is changed.
    #[must_use]
    pub fn sets_aside(&self) -> bool {
        matches!(self.when, Condition::Stored(_))
            && matches!(self.action, Action::Put(_) | Action::Delete(_))
    }

    /// Creates or replaces `record`.
    #[must_use]
    pub fn put(record: Record) -> Self {
        Self { action: Action::Put(record), when: Condition::Any }
    }

    /// Creates `record` where there is none.
    #[must_use]
    pub fn create(record: Record) -> Self {
        Self { action: Action::Put(record), when: Condition::Absent }
    }

    /// Replaces the data where they equal `expected`.
    #[must_use]
    pub fn compare_and_swap(id: RecordId, expected: Payload, next: Payload) -> Self {
        Self { action: Action::Replace { id, data: next }, when: Condition::Data(expected) }
    }

    /// Removes the record, if it is there.
    #[must_use]
    pub fn delete(id: RecordId) -> Self {
        Self { action: Action::Delete(id), when: Condition::Any }
    }

    /// Removes the record where its data equal `expected`.
    #[must_use]
    pub fn compare_and_delete(id: RecordId, expected: Payload) -> Self {
        Self { action: Action::Delete(id), when: Condition::Data(expected) }
    }
}
