//! Operations of the stores, judged as `check` judges them: outcome by outcome against
//! the models, histories, and what a crash leaves.
//!
//! The first bytes of an input choose the backend and what the scenario is for, and the
//! store where there are several; for crashes also the moment of the first one. All the
//! rest are the choices of `check::generate`. The longer the input, the more the clients
//! do.

use std::sync::LazyLock;

use super::Check;
use crate::{
    check::{
        backends::{BackendUnderTest, Hybrid, Memory, Simulated},
        crash::{CrashCheck, Recovery},
        generate::Purpose,
        input::{Input, TakesInput},
        registry::{Found, STORES as REGISTERED, store_named},
    },
    model::{collection::CollectionSubject, subject::Subject, workspace::WorkspaceSubject},
    report::terminal,
    sim::disk::SimFs,
};

/// What must hold of the operations of some stores.
pub(super) struct Operations {
    /// Which stores.
    stores: Stores,
    /// Whether all is about crashes.
    crashes: bool,
    /// A store with a bug in it in place of our own: its name, and the store.
    bug: Option<(&'static str, fn() -> &'static dyn TakesInput)>,
}

#[derive(Clone, Copy)]
enum Stores {
    One(&'static str),
    /// All but the collection itself and the workspace.
    Typed,
    All,
}

pub(super) static COLLECTION: Operations =
    Operations { stores: Stores::One(CollectionSubject::NAME), crashes: false, bug: None };
pub(super) static WORKSPACE: Operations =
    Operations { stores: Stores::One(WorkspaceSubject::NAME), crashes: false, bug: None };
pub(super) static STORES: Operations = Operations::of_typed_stores();
pub(super) static CRASHES: Operations = Operations::of_crashes();

/// Makes a backend; all of them together are not much.
type Backend = fn() -> &'static dyn BackendUnderTest;

fn memory() -> &'static dyn BackendUnderTest {
    &Memory
}

fn file() -> &'static dyn BackendUnderTest {
    static FILE: LazyLock<Simulated<SimFs>> = LazyLock::new(Simulated::file);
    &*FILE
}

fn legacy() -> &'static dyn BackendUnderTest {
    static LEGACY: LazyLock<Simulated<SimFs>> = LazyLock::new(Simulated::legacy);
    &*LEGACY
}

fn hybrid() -> &'static dyn BackendUnderTest {
    static HYBRID: LazyLock<Hybrid> = LazyLock::new(Hybrid::over_file);
    &*HYBRID
}

/// On which backend, and what for.
const PLANS: &[(Backend, Purpose)] = &[
    (memory, Purpose::Sequence),
    (memory, Purpose::Interleaving),
    (memory, Purpose::Database),
    (file, Purpose::Sequence),
    (file, Purpose::Interleaving),
    (file, Purpose::Fault),
    (legacy, Purpose::Sequence),
    (legacy, Purpose::Interleaving),
    (legacy, Purpose::Fault),
    (hybrid, Purpose::Sequence),
    (hybrid, Purpose::Interleaving),
    (hybrid, Purpose::Fault),
];

/// The same for crashes.
const CRASHING: &[(Backend, Purpose)] =
    &[(file, Purpose::Crash), (legacy, Purpose::Crash), (hybrid, Purpose::Crash)];

/// How few images one input has: another one has others.
pub(super) const FEW_IMAGES: CrashCheck =
    CrashCheck { most_images: 6, most_lives: 2, recovery: Recovery::Admissible };

/// The simulated backend of that name.
pub(super) fn simulated(name: &str) -> Option<&'static dyn BackendUnderTest> {
    let all = [memory, file, legacy, hybrid].map(|backend: Backend| backend());
    all.into_iter().find(|backend| backend.name() == name)
}

/// What an input stands for.
struct Case<'a> {
    store: &'static dyn TakesInput,
    name: &'static str,
    backend: &'static dyn BackendUnderTest,
    input: Input<'a>,
}

impl Operations {
    pub(super) const fn of_typed_stores() -> Self {
        Self { stores: Stores::Typed, crashes: false, bug: None }
    }

    pub(super) const fn of_crashes() -> Self {
        Self { stores: Stores::All, crashes: true, bug: None }
    }

    /// The same with a bug in the store of that name.
    pub(super) const fn with_bug(
        self,
        store: &'static str,
        bug: fn() -> &'static dyn TakesInput,
    ) -> Self {
        Self { bug: Some((store, bug)), ..self }
    }

    /// The replay file of the scenario that an input stands for, as if it had failed.
    pub(super) fn file(&self, input: &[u8]) -> Option<String> {
        let Case { name, backend, input, .. } = self.case(input)?;
        store_named(name)?.file_of(&input, backend)
    }

    fn case<'a>(&self, input: &'a [u8]) -> Option<Case<'a>> {
        let (plan, rest) = input.split_first()?;
        let (name, rest) = match self.stores {
            Stores::One(name) => (name, rest),
            Stores::Typed | Stores::All => {
                let (choice, rest) = rest.split_first()?;
                (self.chosen(usize::from(*choice))?, rest)
            }
        };
        let (plans, crash_after, rest) = match rest.split_first() {
            Some((after, rest)) if self.crashes => (CRASHING, Some(usize::from(*after)), rest),
            // Where failing storage crashes as well.
            _ if !self.crashes => (PLANS, rest.last().copied().map(usize::from), rest),
            _ => return None,
        };
        let (backend, purpose) = plans.get(usize::from(*plan) % plans.len())?;
        let store = match self.bug {
            Some((own, bug)) if own == name => bug(),
            _ => store_named(name)? as &'static dyn TakesInput,
        };
        let input = Input {
            bytes: rest,
            purpose: *purpose,
            most_actions: if self.crashes { 1 + rest.len() / 32 } else { 2 + rest.len() / 12 },
            crash_after,
            crashes: FEW_IMAGES,
        };
        Some(Case { store, name, backend: backend(), input })
    }

    /// The store of that number.
    fn chosen(&self, number: usize) -> Option<&'static str> {
        let all = REGISTERED.iter().map(|store| store.name());
        let is_typed = |name: &&str| ![CollectionSubject::NAME, WorkspaceSubject::NAME].contains(name);
        let names: &mut dyn Iterator<Item = &'static str> = match self.stores {
            Stores::One(_) => return None,
            Stores::Typed => &mut all.filter(is_typed),
            Stores::All => &mut all.into_iter(),
        };
        let names: Vec<_> = names.collect();
        names.get(number % names.len()).copied()
    }
}

impl Check for Operations {
    fn problem(&self, input: &[u8]) -> Option<String> {
        let Case { store, name, backend, input } = self.case(input)?;
        let violation = store.try_input(&input, backend)?;
        Some(terminal::violation(name, backend.name(), &violation))
    }

    fn smallest(&self, input: &[u8]) -> Option<Found> {
        let Case { store, backend, input, .. } = self.case(input)?;
        store.shrink_input(&input, backend)
    }
}
