//! What calls of a workspace store return.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::entity::Entity;
use crate::{
    model::{
        failure::{Failure, StorageFailure},
        payload::shown,
        subject::Verdict,
    },
    seam::{Instant, RecordId},
    store::error::Kind as ErrorKind,
    workspace::{error::Error, kind::Kind},
};

/// What a call returned, and whether it was traced as it should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkspaceSeen {
    /// What it returned, but for the wording of messages.
    pub answer: Answer,
    /// What is wrong with its spans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untraced: Option<Arc<str>>,
}

/// What a call returned.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is done; there is nothing to return.
    Done,
    /// How many entities were removed.
    Removed(u64),
    /// Whether a link was made.
    Linked(bool),
    /// Whether anything was changed.
    Updated(bool),
    /// The id that an entity was given.
    Id(Arc<str>),
    /// An entity, or that there is none.
    Entity(Option<Box<Entity>>),
    /// Entities, and what is none.
    Items {
        /// The entities, in order.
        entities: Vec<Arc<Entity>>,
        /// The damaged records.
        damaged: Vec<RecordId>,
    },
    /// Ids of the other sides of links, in order.
    Sides(Vec<Arc<str>>),
    /// Changes, in order.
    Changes(Vec<ChangeSeen>),
    /// An error.
    Failed(WorkspaceFailure),
}

/// A change that was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChangeSeen {
    /// The kind of entity.
    pub kind: Kind,
    /// Its id, as a record's.
    pub id: Arc<str>,
    /// Whether it was removed.
    pub is_removed: bool,
    /// The entity; none: what was removed could not be read.
    pub entity: Option<Arc<Entity>>,
    /// When.
    pub at: Instant,
}

/// An error.
pub type WorkspaceFailure = Failure<WorkspaceProblem>;

/// The errors of a workspace store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the error of its name in workspace::error")]
pub enum WorkspaceProblem {
    IdMismatch,
    InvalidId,
    WrongParts,
    /// Of the storage.
    Storage(ErrorKind),
}

/// The names of the outcome classes.
pub(super) const CLASSES: &[&str] = &[
    "done",
    "removed",
    "removed_none",
    "linked",
    "linked_before",
    "updated",
    "updated_nothing",
    "id",
    "entity",
    "none",
    "items",
    "items_empty",
    "items_with_damage",
    "sides",
    "sides_empty",
    "changes",
    "changes_empty",
    "id_mismatch",
    "invalid_id",
    "wrong_parts",
    "key_taken",
    "invalid_argument",
    "corrupt",
    "io",
    "other_error",
];

impl From<Answer> for WorkspaceSeen {
    fn from(answer: Answer) -> Self {
        Self { answer, untraced: None }
    }
}

impl Answer {
    /// An error.
    #[must_use]
    pub fn failed(error: &Error) -> Self {
        let (problem, message) = match error {
            Error::IdMismatch { .. } => (WorkspaceProblem::IdMismatch, None),
            Error::InvalidId(_) => (WorkspaceProblem::InvalidId, None),
            Error::WrongParts { .. } => (WorkspaceProblem::WrongParts, None),
            Error::Storage(_) => {
                let message = Arc::from(error.to_string());
                (WorkspaceProblem::Storage(error.kind()), Some(message))
            }
        };
        Self::Failed(Failure::new(problem, error.outcome(), message))
    }

    /// An expected refusal.
    pub(super) fn refused(problem: WorkspaceProblem) -> Self {
        Self::Failed(Failure::refused(problem))
    }

    fn class(&self) -> usize {
        match self {
            Self::Done => 0,
            Self::Removed(0) => 2,
            Self::Removed(_) => 1,
            Self::Linked(true) => 3,
            Self::Linked(false) => 4,
            Self::Updated(true) => 5,
            Self::Updated(false) => 6,
            Self::Id(_) => 7,
            Self::Entity(Some(_)) => 8,
            Self::Entity(None) => 9,
            Self::Items { damaged, .. } if !damaged.is_empty() => 12,
            Self::Items { entities, .. } if entities.is_empty() => 11,
            Self::Items { .. } => 10,
            Self::Sides(sides) if sides.is_empty() => 14,
            Self::Sides(_) => 13,
            Self::Changes(changes) if changes.is_empty() => 16,
            Self::Changes(_) => 15,
            Self::Failed(failure) => match failure.problem {
                WorkspaceProblem::IdMismatch => 17,
                WorkspaceProblem::InvalidId => 18,
                WorkspaceProblem::WrongParts => 19,
                WorkspaceProblem::Storage(ErrorKind::KeyTaken) => 20,
                WorkspaceProblem::Storage(ErrorKind::InvalidArgument) => 21,
                WorkspaceProblem::Storage(ErrorKind::Corrupt) => 22,
                WorkspaceProblem::Storage(ErrorKind::Io) => 23,
                WorkspaceProblem::Storage(_) => 24,
            },
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Done => "done".to_owned(),
            Self::Removed(count) => format!("removed {count}"),
            Self::Linked(true) => "linked".to_owned(),
            Self::Linked(false) => "linked before".to_owned(),
            Self::Updated(true) => "updated".to_owned(),
            Self::Updated(false) => "nothing to update".to_owned(),
            Self::Id(id) => format!("id {id:?}"),
            Self::Entity(Some(entity)) => entity.describe(),
            Self::Entity(None) => "none".to_owned(),
            Self::Items { entities, damaged } => {
                let damaged = damaged.iter().map(|id| format!("damaged {id:?}"));
                let entities = entities.iter().map(|entity| entity.describe());
                format!("[{}]", entities.chain(damaged).collect::<Vec<_>>().join("; "))
            }
            Self::Sides(sides) => format!("{sides:?}"),
            Self::Changes(changes) => {
                let changes: Vec<_> = changes.iter().map(ChangeSeen::describe).collect();
                format!("[{}]", changes.join("; "))
            }
            Self::Failed(failure) => {
                failure.describe(CLASSES.get(self.class()).copied().unwrap_or_default())
            }
        }
    }
}

impl ChangeSeen {
    fn describe(&self) -> String {
        let Self { kind, id, is_removed, entity, at } = self;
        let action = if *is_removed { "remove" } else { "upsert" };
        let entity = entity.as_ref().map_or_else(|| "(damaged)".to_owned(), |own| own.describe());
        format!("{action} {kind} \"{}\" {entity} at {at}", shown(id.as_bytes()))
    }
}

impl Verdict for WorkspaceSeen {
    fn class(&self) -> usize {
        self.answer.class()
    }

    fn is_refusal(&self) -> bool {
        match &self.answer {
            Answer::Failed(failure) => !failure.unknown,
            Answer::Removed(0) | Answer::Linked(false) => true,
            _ => false,
        }
    }

    /// What was not traced is never passed over, whatever the storage did.
    fn is_unknown(&self) -> bool {
        self.untraced.is_none()
            && matches!(&self.answer, Answer::Failed(failure) if failure.unknown)
    }

    fn storage_failure(&self) -> Option<StorageFailure> {
        match &self.answer {
            Answer::Failed(Failure { problem: WorkspaceProblem::Storage(kind), .. })
                if self.untraced.is_none() =>
            {
                StorageFailure::of(*kind)
            }
            _ => None,
        }
    }

    fn describe(&self) -> String {
        match &self.untraced {
            None => self.answer.describe(),
            Some(problem) => format!("{} ({problem})", self.answer.describe()),
        }
    }

    fn digest(&self, into: &mut impl Hasher) {
        self.untraced.hash(into);
        match &self.answer {
            Answer::Failed(failure) => (failure.problem, failure.unknown).hash(into),
            answer => answer.hash(into),
        }
    }
}
