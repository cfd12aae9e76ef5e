//! A scenario is data: everything that decides what a run does.
//!
//! Generators make it, the runner runs it, the shrinker edits it, and a replay
//! file is it. Changing a generator never invalidates a saved one.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::processes::Kill;
use crate::{
    model::{
        legacy::{LegacyDocument, OlderAction},
        subject::Operation,
    },
    seam::Instant,
    sim::{
        disk::ImageKind,
        schedule::{Bounds, Schedule},
    },
};

/// One scenario for a store whose operations are `Op`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "Op: Serialize", deserialize = "Op: DeserializeOwned"))]
pub struct Scenario<Op> {
    /// What older software left before anything runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub legacy: Vec<LegacyDocument>,
    /// Files beside them that are nobody's records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign: Vec<ForeignFile>,
    /// What the clock shows at the beginning.
    pub start: Instant,
    /// Decides whatever is random below the store: names of temporary files.
    #[serde(default)]
    pub seed: u64,
    /// The backend's default page size; none: its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
    /// How many store instances share the storage; client *c* begins with
    /// number *c* modulo this.
    pub handles: usize,
    /// What happens before the clients run, one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub setup: Vec<Action<Op>>,
    /// What each client does.
    pub clients: Vec<Vec<Action<Op>>>,
    /// How they are run.
    #[serde(default)]
    pub mode: Mode,
    /// Where the storage loses its process or its power, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<Crash>,
}

/// One thing that a client does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action<Op> {
    /// A call of the store.
    Call(Op),
    /// Older software changes a file, on a storage that has it: others leave
    /// it out.
    Older(OlderAction),
    /// Moves the clock by seconds, back if negative.
    AdvanceClock(i64),
    /// Opens the storage anew, as a process that starts does, and goes on with
    /// that instance.
    Reopen {
        /// In which variant of the store; see `Subject::VARIANTS`.
        #[serde(default)]
        variant: u8,
    },
}

/// A file in the collection's directory that is no record: another program's,
/// or one that an older release left half done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignFile {
    /// Its path, from the collection's directory on.
    pub path: String,
    /// Its content.
    pub text: String,
}

/// How the clients are run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// By the seeded executor.
    Simulated(Schedule),
    /// By the seeded executor, in every interleaving within these bounds, one
    /// after the other.
    Exhaustive(Bounds),
    /// On threads of their own, at the same time.
    Threads,
    /// In processes of their own, at the same time.
    Processes {
        /// Those that are killed, and go on in a new process.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        kills: Vec<Kill>,
    },
}

impl Default for Mode {
    fn default() -> Self {
        Self::Simulated(Schedule::default())
    }
}

/// A crash: the run is cut after some I/O steps, and goes on with what the
/// storage then holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash {
    /// After how many I/O steps of the run; none: each in turn.
    pub after_steps: Option<usize>,
    /// What is left.
    pub image: ImageKind,
}

impl<Op: Operation> Scenario<Op> {
    /// Every action with its place, the setup's first.
    pub fn actions(&self) -> impl Iterator<Item = &Action<Op>> {
        self.setup.iter().chain(self.clients.iter().flatten())
    }

    /// Every operation.
    pub fn operations(&self) -> impl Iterator<Item = &Op> {
        self.actions().filter_map(|action| match action {
            Action::Call(op) => Some(op),
            Action::Older(_) | Action::AdvanceClock(_) | Action::Reopen { .. } => None,
        })
    }

    /// Whether older software goes on writing.
    #[must_use]
    pub fn has_older_software(&self) -> bool {
        self.actions().any(|action| matches!(action, Action::Older(_)))
    }

    /// How many steps a reader must follow.
    #[must_use]
    pub fn length(&self) -> usize {
        self.actions().count()
    }
}
