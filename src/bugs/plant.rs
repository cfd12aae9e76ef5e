//! Where a bug can be planted: in calls of a store, in a store, in the
//! collection below it, in the backend, in the file system.

use std::{marker::PhantomData, ops::Range, sync::Arc};

use super::rerouted::{Reroute, Rerouted};
use crate::{
    check::{
        backends::{BackendUnderTest, Capabilities, Layer, Layered, Simulated, Storage, World},
        corpus::{Corpus, Explorer},
        crash::CrashCheck,
        findings::{Found, saved},
        generate,
        input::{Input, TakesInput},
        shrink::shrink,
        statistics::Reached,
        verify::{Opener, Target, verify},
        violation::Violation,
    },
    fs::Fs,
    model::{
        divergence::Divergences,
        subject::{Subject, Surroundings},
    },
    seam::{Backend, Collection, Result},
    sim::disk::SimFs,
};

/// A planted bug, whatever its store is.
pub trait Planted: TakesInput {
    /// The store that it is in.
    fn store(&self) -> &'static str;

    /// Whether it can be planted on that backend.
    fn can_be_on(&self, backend: &dyn BackendUnderTest) -> bool;

    /// Runs these cases of the campaign with that seed, up to the first that
    /// breaks a promise: how many it ran, and whether the last one broke one.
    fn run(&self, backend: &dyn BackendUnderTest, seed: u64, cases: Range<u64>) -> (u64, bool);

    /// A sound backend with the bug; none: it can't be planted there.
    fn planted_on<'b>(
        &self,
        sound: &'b dyn BackendUnderTest,
    ) -> Option<Box<dyn BackendUnderTest + 'b>>;

    /// What runs cases with a corpus, on backends with the bug.
    fn explorer(&self) -> Box<dyn Explorer>;

    /// The smallest scenario that fails as that case does.
    fn counterexample(&self, backend: &dyn BackendUnderTest, seed: u64, case: u64)
    -> Option<Found>;
}

/// A place to plant a bug in.
pub(super) trait Place: Sync {
    type Store: Subject;

    /// Opens the store: the sound one, unless the bug is in it.
    fn opener(&self) -> Box<Opener<Self::Store>> {
        Box::new(Self::Store::open)
    }

    /// The backend with the bug: as it is, unless the bug is in it. None where
    /// there can be no such bug.
    fn backend<'b>(
        &self,
        sound: &'b dyn BackendUnderTest,
    ) -> Option<Box<dyn BackendUnderTest + 'b>> {
        Some(Box::new(sound))
    }
}

/// On a backend where there can be no such bug, nothing is found.
impl<P: Place> TakesInput for P {
    fn store_name(&self) -> &'static str {
        P::Store::NAME
    }

    fn try_input(&self, input: &Input<'_>, backend: &dyn BackendUnderTest) -> Option<Violation> {
        let backend = self.backend(backend)?;
        let (open, divergences) = (self.opener(), Divergences::default());
        input.violation(&target::<P::Store>(&*backend, &*open, &divergences))
    }

    fn shrink_input(&self, input: &Input<'_>, backend: &dyn BackendUnderTest) -> Option<Found> {
        let backend = self.backend(backend)?;
        let (open, divergences) = (self.opener(), Divergences::default());
        input.counterexample(&target::<P::Store>(&*backend, &*open, &divergences))
    }
}

impl<P: Place> Planted for P {
    fn store(&self) -> &'static str {
        P::Store::NAME
    }

    fn can_be_on(&self, backend: &dyn BackendUnderTest) -> bool {
        self.backend(backend).is_some()
    }

    fn run(&self, backend: &dyn BackendUnderTest, seed: u64, cases: Range<u64>) -> (u64, bool) {
        let Some(backend) = self.backend(backend) else { return (0, false) };
        let capabilities = backend.capabilities();
        let (open, divergences) = (self.opener(), Divergences::default());
        let target = target::<P::Store>(&*backend, &*open, &divergences);
        let mut reached = Reached::new::<P::Store>();
        let mut ran = 0;
        for case in cases {
            let scenario = generate::case::<P::Store>(seed, case, &capabilities);
            ran += 1;
            if verify(&target, &scenario, &mut reached).violation.is_some() {
                return (ran, true);
            }
        }
        (ran, false)
    }

    fn planted_on<'b>(
        &self,
        sound: &'b dyn BackendUnderTest,
    ) -> Option<Box<dyn BackendUnderTest + 'b>> {
        self.backend(sound)
    }

    fn explorer(&self) -> Box<dyn Explorer> {
        Box::new(Corpus::<P::Store>::new(self.opener()))
    }

    fn counterexample(
        &self,
        backend: &dyn BackendUnderTest,
        seed: u64,
        case: u64,
    ) -> Option<Found> {
        let backend = self.backend(backend)?;
        let (open, divergences) = (self.opener(), Divergences::default());
        let target = target::<P::Store>(&*backend, &*open, &divergences);
        let scenario = generate::case::<P::Store>(seed, case, &backend.capabilities());
        saved::<P::Store>(&target, case, shrink(&target, &scenario)?)
    }
}

fn target<'a, S: Subject>(
    backend: &'a dyn BackendUnderTest,
    open: &'a Opener<S>,
    divergences: &'a Divergences,
) -> Target<'a, S> {
    Target { backend, open, divergences, crashes: CrashCheck::default() }
}

/// A function that makes a flawed collection of a sound one.
type Flaw = fn(Arc<dyn Collection>) -> Arc<dyn Collection>;

/// Some calls of a store see a flawed collection, all others a sound one.
pub(super) struct InCalls<S: Reroute> {
    store: PhantomData<fn() -> S>,
    calls: &'static [&'static str],
    flaw: Flaw,
}

impl<S: Reroute> InCalls<S> {
    pub(super) const fn new(calls: &'static [&'static str], flaw: Flaw) -> Self {
        Self { store: PhantomData, calls, flaw }
    }
}

impl<S: Reroute> Place for InCalls<S> {
    type Store = S;

    fn opener(&self) -> Box<Opener<S>> {
        let Self { calls, flaw, .. } = *self;
        Box::new(move |collection, surroundings| {
            let sound = S::open(Arc::clone(&collection), surroundings);
            let flawed = S::open(flaw(collection), surroundings);
            S::reroute(Rerouted { sound, flawed, calls })
        })
    }
}

/// A store with a wrong implementation of some calls.
pub(super) struct InStore<S: Subject> {
    store: PhantomData<fn() -> S>,
    open: fn(Arc<dyn Collection>, &Surroundings) -> Arc<S::Store>,
}

impl<S: Subject> InStore<S> {
    pub(super) const fn new(open: fn(Arc<dyn Collection>, &Surroundings) -> Arc<S::Store>) -> Self {
        Self { store: PhantomData, open }
    }
}

impl<S: Subject> Place for InStore<S> {
    type Store = S;

    fn opener(&self) -> Box<Opener<S>> {
        Box::new(self.open)
    }
}

/// A function that makes a flawed backend of a sound one; the paths of all files
/// outside the collection's directory are given.
type BackendFlaw = fn(Arc<dyn Backend>, Vec<String>) -> Arc<dyn Backend>;

/// The backend below a store.
pub(super) struct InBackend<S: Subject> {
    store: PhantomData<fn() -> S>,
    flaw: BackendFlaw,
}

impl<S: Subject> InBackend<S> {
    pub(super) const fn new(flaw: BackendFlaw) -> Self {
        Self { store: PhantomData, flaw }
    }
}

impl<S: Subject> Place for InBackend<S> {
    type Store = S;

    fn backend<'b>(
        &self,
        sound: &'b dyn BackendUnderTest,
    ) -> Option<Box<dyn BackendUnderTest + 'b>> {
        Some(Box::new(FlawedBackend { sound, flaw: self.flaw }))
    }
}

/// The simulated file system below the file backend.
pub(super) struct InFileSystem<S: Subject, F> {
    store: PhantomData<fn() -> S>,
    flaw: fn(SimFs) -> F,
}

impl<S: Subject, F> InFileSystem<S, F> {
    pub(super) const fn new(flaw: fn(SimFs) -> F) -> Self {
        Self { store: PhantomData, flaw }
    }
}

impl<S: Subject, F: Fs> Place for InFileSystem<S, F> {
    type Store = S;

    fn backend<'b>(
        &self,
        sound: &'b dyn BackendUnderTest,
    ) -> Option<Box<dyn BackendUnderTest + 'b>> {
        let simulated = [Simulated::file(), Simulated::legacy()];
        let same = simulated.iter().find(|simulated| simulated.name() == sound.name())?;
        let flawed = Simulated::wrapped(same.name(), self.flaw);
        Some(match same.capabilities().older_software {
            true => Box::new(flawed.with_older_software()),
            false => Box::new(flawed),
        })
    }
}

/// A backend every handle of which has a flaw.
struct FlawedBackend<'b> {
    sound: &'b dyn BackendUnderTest,
    flaw: BackendFlaw,
}

impl BackendUnderTest for FlawedBackend<'_> {
    fn name(&self) -> &'static str {
        self.sound.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.sound.capabilities()
    }

    fn storage(&self, world: &World<'_>) -> Result<Box<dyn Storage>> {
        Ok(Box::new(Layered::new(self.sound.storage(world)?, FlawOfHandles(self.flaw))))
    }
}

/// The flaw of every handle.
struct FlawOfHandles(BackendFlaw);

impl Layer for FlawOfHandles {
    fn handle(&self, below: &dyn Storage) -> Result<Arc<dyn Backend>> {
        Ok((self.0)(below.handle()?, below.outside()))
    }

    fn after_a_crash(&self) -> Self {
        Self(self.0)
    }
}
