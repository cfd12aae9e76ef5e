//! A store with a bug where `check` expects a sound one: so that whoever gates on `check`
//! can see the gate close.

use std::sync::Arc;

use super::Bug;
use crate::{
    check::{
        backends::BackendUnderTest,
        campaign::MOST_COUNTEREXAMPLES,
        corpus::{Exploration, Explorer, KnownWays, Origin, entry::EntryError},
        crash::CrashCheck,
        findings::{CellFindings, Found},
        input::{Input, TakesInput},
        processes::child::Seat,
        registry::{Replayed, Request, StoreUnderTest, store_named},
        replay::ReplayError,
        shard::Shard,
        statistics::Reached,
        violation::Violation,
    },
    model::subject::Surroundings,
    seam::{Collection, CollectionSpec},
};

/// The store of a bug, with the bug in it wherever cases are run. The bug's backends have
/// their part of it ([`super::Planted::planted_on`]). Replay files are run on the sound
/// store, as everybody's `replay` does.
pub struct FlawedStore {
    bug: &'static Bug,
    sound: &'static dyn StoreUnderTest,
}

impl FlawedStore {
    /// None: the bug's store is not registered.
    #[must_use]
    pub fn with(bug: &'static Bug) -> Option<Self> {
        Some(Self { bug, sound: store_named(bug.planted.store())? })
    }
}

impl TakesInput for FlawedStore {
    fn store_name(&self) -> &'static str {
        self.bug.planted.store_name()
    }

    fn try_input(&self, input: &Input<'_>, backend: &dyn BackendUnderTest) -> Option<Violation> {
        self.bug.planted.try_input(input, backend)
    }

    fn shrink_input(&self, input: &Input<'_>, backend: &dyn BackendUnderTest) -> Option<Found> {
        self.bug.planted.shrink_input(input, backend)
    }
}

impl StoreUnderTest for FlawedStore {
    fn check(&self, request: &Request<'_>) -> CellFindings {
        let exploration = Exploration {
            backend: request.backend,
            divergences: request.divergences,
            effort: request.effort,
            shard: Shard::WHOLE,
            origin: Origin::Fresh,
            known: &KnownWays::default(),
            most_ways: MOST_COUNTEREXAMPLES,
            progress: request.progress,
        };
        let mut explorer = self.explorer();
        let mut findings = explorer.explore(&exploration).findings;
        for found in findings.counterexamples.clone() {
            let small = explorer.make_small(&found, request.backend, &request.progress.stop);
            // What was written a moment ago can be read.
            if let Ok(small) = small {
                findings.replace(small);
            }
        }
        findings
    }

    fn explorer(&self) -> Box<dyn Explorer> {
        self.bug.planted.explorer()
    }

    fn name(&self) -> &'static str {
        self.sound.name()
    }

    fn operations(&self) -> &'static [&'static str] {
        self.sound.operations()
    }

    fn spec(&self) -> CollectionSpec {
        self.sound.spec()
    }

    fn further_spec(&self, name: &str) -> Option<CollectionSpec> {
        self.sound.further_spec(name)
    }

    fn seat(&self, collection: Arc<dyn Collection>, surroundings: &Surroundings) -> Box<dyn Seat> {
        self.sound.seat(collection, surroundings)
    }

    fn nothing_reached(&self) -> Reached {
        self.sound.nothing_reached()
    }

    fn replay(&self, text: &str, backend: &dyn BackendUnderTest) -> Result<Replayed, ReplayError> {
        self.sound.replay(text, backend)
    }

    fn run_once(
        &self,
        text: &str,
        backend: &dyn BackendUnderTest,
        crashes: CrashCheck,
    ) -> Result<Option<Violation>, ReplayError> {
        self.sound.run_once(text, backend, crashes)
    }

    fn file_of(&self, input: &Input<'_>, backend: &dyn BackendUnderTest) -> Option<String> {
        self.sound.file_of(input, backend)
    }

    fn must_run(&self, text: &str, backend: &dyn BackendUnderTest) -> Result<(), ReplayError> {
        self.sound.must_run(text, backend)
    }

    fn rewrite(&self, text: &str) -> Result<String, ReplayError> {
        self.sound.rewrite(text)
    }

    fn rewrite_entry(&self, text: &str) -> Result<String, EntryError> {
        self.sound.rewrite_entry(text)
    }

    fn missing(&self, backend: &dyn BackendUnderTest, reached: &Reached) -> Vec<String> {
        self.sound.missing(backend, reached)
    }
}
