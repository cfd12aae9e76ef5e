//! Faults: calls of the storage that fail, and clients that give up waiting.
//!
//! A fault is plain data. It is addressed as a preemption is, by what the client
//! was about to do, so that it survives changes of the code elsewhere. What each
//! kind does to a disk is told by [`super::disk`], and what to a database by
//! [`super::scheduled`].

use std::{
    borrow::Cow,
    io,
    sync::{Mutex, PoisonError},
};

use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use super::{clock::current_client, schedule::below};

pub use super::fault_kind::{COLLECTION_STEPS, COLLECTION_WRITES, FS_STEPS, FaultKind};

/// One fault: what goes wrong, and at which step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The client whose step it is; none: the setup's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<usize>,
    /// The number of its action, from 0.
    pub operation: usize,
    /// What it was about to do: a call of the file system, or of a collection.
    pub step: Cow<'static, str>,
    /// Which one of the equally named steps in that operation, from 0.
    pub occurrence: u32,
    /// What goes wrong.
    pub kind: FaultKind,
    /// Of a write that fails: how many bytes were written before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub written: u32,
    /// How many of the steps that come after it, whoever takes them, fail alike,
    /// as far as the kind fits them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lasting: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Fault {
    /// The error that the step fails with.
    #[must_use]
    pub fn error(&self) -> io::Error {
        self.kind.errno().into()
    }

    /// Whether a sync fails: of that on, the handle takes no more writes.
    #[must_use]
    pub fn fails_a_sync(&self) -> bool {
        !self.kind.is_cancel() && matches!(&*self.step, "sync_file" | "sync_dir")
    }

    /// Whether the call that met it can't know whether it was done. Of a file system
    /// that is told by what it was doing; of a database, by the kind, as each call is
    /// one step.
    #[must_use]
    pub fn leaves_open(&self) -> bool {
        match self.kind {
            FaultKind::ConnectionLostBefore
            | FaultKind::ConnectionLostAfter
            | FaultKind::TimedOut => COLLECTION_WRITES.contains(&&*self.step),
            FaultKind::DatabaseFull | FaultKind::SerializationFailure => false,
            kind => kind.is_cancel() || !COLLECTION_STEPS.contains(&&*self.step),
        }
    }

    /// In words, for the table of steps.
    #[must_use]
    pub fn describe(&self) -> String {
        let Self { step, occurrence, kind, written, lasting, .. } = self;
        let which = match occurrence {
            0 => String::new(),
            more => format!(" no. {}", u64::from(*more) + 1),
        };
        match kind {
            FaultKind::Cancel => return format!("(given up before {step}{which})"),
            FaultKind::CancelAfter => return format!("(given up after {step}{which})"),
            _ => {}
        }
        let after = match written {
            0 => String::new(),
            bytes => format!(" after {bytes} bytes"),
        };
        let lasting = match lasting {
            0 => String::new(),
            steps => format!(", and whatever can for {steps} steps"),
        };
        format!("({step}{which} fails here{after}: {}{lasting})", kind.describe())
    }
}

/// The faults of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultPlan {
    /// Exactly these.
    Listed(Vec<Fault>),
    /// Such as chance has it.
    Random(RandomFaults),
}

/// Faults as chance has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RandomFaults {
    /// Decides everything.
    pub seed: u64,
    /// At every step, one in so many; at least 1.
    pub one_in: u32,
    /// How many at most.
    pub most: u32,
    /// Only at steps of this name, if one is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Cow<'static, str>>,
    /// Only of these kinds; empty: of any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<FaultKind>,
}

impl Default for FaultPlan {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

impl FaultPlan {
    /// Whether there are none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.most() == 0
    }

    /// As many faults of the same kinds, at steps of the same names, wherever
    /// chance has them: for when they must be searched anew.
    #[must_use]
    pub fn elsewhere(&self, seed: u64) -> Self {
        match self {
            Self::Listed(list) if list.is_empty() => self.clone(),
            Self::Listed(list) => {
                let mut kinds: Vec<FaultKind> = list.iter().map(|fault| fault.kind).collect();
                kinds.sort_unstable();
                kinds.dedup();
                let first = list.first().map(|fault| fault.step.clone());
                let is_of = |fault: &Fault| Some(&fault.step) == first.as_ref();
                let one_in = [1, 3, 9].into_iter().nth(usize::try_from(seed % 3).unwrap_or(0));
                Self::Random(RandomFaults {
                    seed,
                    one_in: one_in.unwrap_or(1),
                    most: u32::try_from(list.len()).unwrap_or(u32::MAX),
                    step: first.clone().filter(|_| list.iter().all(is_of)),
                    kinds,
                })
            }
            Self::Random(random) => Self::Random(RandomFaults { seed, ..random.clone() }),
        }
    }

    /// How many at most.
    #[must_use]
    pub fn most(&self) -> usize {
        match self {
            Self::Listed(list) => list.len(),
            Self::Random(random) => usize::try_from(random.most).unwrap_or(usize::MAX),
        }
    }
}

/// The faults of one run: what is planned, and where everybody is.
#[derive(Debug)]
pub(super) struct Faults(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Whether the scenario's actions are being run.
    is_on: bool,
    choice: Choice,
    taken: Vec<Fault>,
    /// What goes on failing, and for how many steps.
    lasting: Option<(Fault, u32)>,
    setup: Option<Slot>,
    /// Of each client, and of each operation that its client left alone.
    slots: Vec<Slot>,
}

#[derive(Debug)]
enum Choice {
    Random { plan: RandomFaults, random: Box<Xoshiro256PlusPlus> },
    Listed { faults: Vec<Fault>, used: Vec<bool> },
}

/// Where a client is.
#[derive(Clone, Debug, Default)]
struct Slot {
    client: Option<usize>,
    operation: usize,
    /// How often each named step was taken in this operation.
    passed: Vec<(&'static str, u32)>,
    /// What was met since this was last asked.
    met: Vec<Fault>,
}

impl Slot {
    fn begin(&mut self, operation: usize) {
        self.operation = operation;
        self.passed.clear();
    }

    /// Which one of the steps of that name comes now.
    fn pass(&mut self, step: &'static str) -> u32 {
        if let Some((_, count)) = self.passed.iter_mut().find(|(name, _)| *name == step) {
            *count += 1;
            return *count;
        }
        self.passed.push((step, 0));
        0
    }
}

impl Faults {
    pub(super) fn new(plan: &FaultPlan) -> Self {
        let choice = match plan {
            FaultPlan::Listed(list) => {
                Choice::Listed { faults: list.clone(), used: vec![false; list.len()] }
            }
            FaultPlan::Random(plan) => {
                let random = Box::new(Xoshiro256PlusPlus::seed_from_u64(plan.seed));
                Choice::Random { plan: plan.clone(), random }
            }
        };
        Self(Mutex::new(State {
            is_on: false,
            choice,
            taken: Vec::new(),
            lasting: None,
            setup: None,
            slots: Vec::new(),
        }))
    }

    fn with<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        action(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn begin_setup(&self, operation: usize) {
        self.with(|state| {
            state.is_on = true;
            state.setup.get_or_insert_default().begin(operation);
        });
    }

    pub(super) fn start_clients(&self, count: usize) {
        self.with(|state| {
            state.is_on = true;
            state.setup = None;
            let slot = |client| Slot { client: Some(client), ..Slot::default() };
            state.slots = (0..count).map(slot).collect();
        });
    }

    pub(super) fn begin(&self, client: usize, operation: usize) {
        self.with(|state| {
            if let Some(slot) = state.slots.get_mut(client) {
                slot.begin(operation);
            }
        });
    }

    /// The running client's operation goes on without it, from where it is.
    pub(super) fn detach(&self) -> usize {
        self.with(|state| {
            let slot = state.slots.get(current_client()).cloned().unwrap_or_default();
            state.slots.push(Slot { met: Vec::new(), ..slot });
            state.slots.len() - 1
        })
    }

    /// From here on nothing fails any more.
    pub(super) fn end(&self) {
        self.with(|state| state.is_on = false);
    }

    /// What goes wrong at the step that the running client takes now.
    pub(super) fn at(&self, step: &'static str) -> Option<Fault> {
        self.with(|state| state.at(step))
    }

    /// What the running client met since this was last asked.
    pub(super) fn take_met(&self, client: usize) -> Vec<Fault> {
        self.with(|state| {
            let slot = match &mut state.setup {
                Some(setup) => Some(setup),
                None => state.slots.get_mut(client),
            };
            slot.map(|slot| std::mem::take(&mut slot.met)).unwrap_or_default()
        })
    }

    /// The faults that there were, as a plan that gives the same run again; and
    /// how many listed ones were never reached.
    pub(super) fn taken(&self) -> (Vec<Fault>, usize) {
        self.with(|state| {
            let stale = match &state.choice {
                Choice::Random { .. } => 0,
                Choice::Listed { used, .. } => used.iter().filter(|used| !**used).count(),
            };
            (state.taken.clone(), stale)
        })
    }
}

impl State {
    fn at(&mut self, step: &'static str) -> Option<Fault> {
        if !self.is_on {
            return None;
        }
        let slot = match &mut self.setup {
            Some(setup) => setup,
            None => self.slots.get_mut(current_client())?,
        };
        let occurrence = slot.pass(step);
        let is_setup = slot.client.is_none();
        let may = |kind: FaultKind| kind.fits(step) && !(is_setup && kind.needs_a_client());
        let mut fault = Fault {
            client: slot.client,
            operation: slot.operation,
            step: Cow::Borrowed(step),
            occurrence,
            kind: FaultKind::Io,
            written: 0,
            lasting: 0,
        };
        if let Some((lasting, steps)) = &mut self.lasting {
            *steps = steps.saturating_sub(1);
            let (kind, written) = (lasting.kind, lasting.written);
            if *steps == 0 {
                self.lasting = None;
            }
            if may(kind) {
                let failed = Fault { kind, written, ..fault };
                slot.met.push(failed.clone());
                return Some(failed);
            }
        }
        match &mut self.choice {
            Choice::Random { plan, random } => {
                let is_meant = plan.step.as_ref().is_none_or(|only| only == step);
                let most = usize::try_from(plan.most).unwrap_or(usize::MAX);
                if !is_meant || self.taken.len() >= most {
                    return None;
                }
                let is_wanted = |kind| plan.kinds.is_empty() || plan.kinds.contains(&kind);
                let kinds = FaultKind::ALL.iter().copied();
                let kinds: Vec<_> = kinds.filter(|kind| may(*kind) && is_wanted(*kind)).collect();
                if kinds.is_empty() || below(&mut **random, plan.one_in.max(1)) != 0 {
                    return None;
                }
                let count = u32::try_from(kinds.len()).unwrap_or(u32::MAX);
                fault.kind = kinds.get(below(&mut **random, count) as usize).copied()?;
                if step == "write" && !fault.kind.is_cancel() {
                    let parts = [0, 0, 1, 20, 100, 1_000_000];
                    fault.written =
                        parts.get(below(&mut **random, 6) as usize).copied().unwrap_or(0);
                }
                if fault.kind.may_last() && below(&mut **random, 6) == 0 {
                    fault.lasting = 1 + below(&mut **random, 40);
                }
            }
            Choice::Listed { faults, used } => {
                let mut planned = faults.iter().zip(used);
                let (planned, used) = planned.find(|(planned, used)| {
                    !**used && planned.is_at(&fault) && may(planned.kind)
                })?;
                *used = true;
                let Fault { kind, written, lasting, .. } = *planned;
                fault = Fault { kind, written, lasting, ..fault };
            }
        }
        self.taken.push(fault.clone());
        slot.met.push(fault.clone());
        if fault.lasting > 0 && fault.kind.may_last() {
            self.lasting = Some((fault.clone(), fault.lasting));
        }
        Some(fault)
    }
}

impl Fault {
    /// Whether it is about the same step.
    fn is_at(&self, other: &Self) -> bool {
        self.client == other.client
            && self.operation == other.operation
            && self.occurrence == other.occurrence
            && self.step == other.step
    }
}
