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
        faults::FaultPlan,
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
    /// What fails, and who gives up waiting.
    #[serde(default, skip_serializing_if = "FaultPlan::is_none")]
    pub faults: FaultPlan,
    /// By how many seconds each client's clock is ahead of the common one; those
    /// that are not named have it as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skews: Vec<i64>,
    /// Where the storage loses its process or its power, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<Crash<Op>>,
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

/// A file that is no record of the collection: in its directory, another
/// program's, or one that an older release left half done; beside or above it
/// (then the path begins with `../`), somebody else's.
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "Op: Serialize", deserialize = "Op: DeserializeOwned"))]
pub struct Crash<Op> {
    /// After how many I/O steps of the run; none: each in turn.
    pub after_steps: Option<usize>,
    /// What is left; none: everything that may be, in turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageKind>,
    /// What a client does then, with what is left. Older software does not go
    /// on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<Action<Op>>,
    /// The next crash: while what is left is opened, or while the client goes
    /// on. Its steps are counted from the opening.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Box<Crash<Op>>>,
}

impl<Op> Default for Crash<Op> {
    /// Anywhere, with anything left.
    fn default() -> Self {
        Self { after_steps: None, image: None, then: Vec::new(), again: None }
    }
}

impl<Op> Scenario<Op> {
    /// Whether it may run in another way the next time.
    #[must_use]
    pub fn is_uncertain(&self) -> bool {
        matches!(self.mode, Mode::Threads | Mode::Processes { .. })
    }
}

impl<Op: Operation> Scenario<Op> {
    /// Every action, the setup's first, those after a crash last.
    pub fn actions(&self) -> impl Iterator<Item = &Action<Op>> {
        let after_crashes = self.crashes().flat_map(|crash| &crash.then);
        self.setup.iter().chain(self.clients.iter().flatten()).chain(after_crashes)
    }

    /// The crashes, the first one first.
    pub fn crashes(&self) -> impl Iterator<Item = &Crash<Op>> {
        std::iter::successors(self.crash.as_ref(), |crash| crash.again.as_deref())
    }

    /// Lets the crashes come anywhere, and leave anything.
    pub fn unpin_crashes(&mut self) {
        self.each_crash(|crash| (crash.after_steps, crash.image) = (None, None));
    }

    /// Edits every action.
    pub fn each_action(&mut self, mut edit: impl FnMut(&mut Action<Op>)) {
        self.setup.iter_mut().chain(self.clients.iter_mut().flatten()).for_each(&mut edit);
        self.each_crash(|crash| crash.then.iter_mut().for_each(&mut edit));
    }

    /// Edits every crash.
    pub fn each_crash(&mut self, mut edit: impl FnMut(&mut Crash<Op>)) {
        let mut next = self.crash.as_mut();
        while let Some(crash) = next {
            edit(crash);
            next = crash.again.as_deref_mut();
        }
    }

    /// Pins the crashes to the moments at which they broke something: what comes
    /// after the last one does not matter.
    pub fn pin_crashes(&mut self, moments: Vec<(usize, ImageKind)>) {
        let mut next = self.crash.as_mut();
        let mut moments = moments.into_iter().peekable();
        while let (Some(crash), Some((after, image))) = (next.take(), moments.next()) {
            (crash.after_steps, crash.image) = (Some(after), Some(image));
            if moments.peek().is_none() {
                crash.again = None;
            }
            next = crash.again.as_deref_mut();
        }
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
