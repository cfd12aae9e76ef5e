//! The corpus of a store: scenarios that reached something new, and what is made of
//! them.
//!
//! A case that is the first on its backend to reach some key of [`coverage`] becomes an
//! entry. Further cases are made from entries by changing them a little
//! (`mutate.rs`), because what lies behind something rare is rarer still: it is
//! reached sooner from there than from nothing. Entries of all backends of a store are
//! parents, as one's rare states are another's.
//!
//! What comes of it depends on what was found first, and so on time: a corpus is for
//! campaigns with `--time` alone. Each mutated case is a scenario like any other: what
//! fails is made small and saved.
//!
//! [`coverage`]: super::coverage

pub mod entry;
mod mutate;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use entry::{Entry, EntryError, SCHEMA};
use mutate::mutated;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{
    backends::{BackendUnderTest, Capabilities},
    campaign::{Cases, Effort, Progress, run_these},
    coverage::Coverage,
    crash::CrashCheck,
    generate,
    registry::CellFindings,
    scenario::Scenario,
    shard::Shard,
    trace_hash::{hash_of, mix},
    verify::{Opener, Target},
    violation::Signature,
};
use crate::model::{divergence::Divergences, subject::Subject};

/// What makes cases of a store with a corpus, whatever its operations are.
pub trait Explorer {
    /// Takes over an entry that was saved. What it reached counts as reached if the
    /// same version of storeproof says so.
    ///
    /// # Errors
    /// When it is not an entry of this store.
    fn load(&mut self, text: &str) -> Result<(), EntryError>;

    /// Runs cases, and keeps those that reach something new.
    fn explore(&mut self, exploration: &Exploration<'_>) -> Explored;

    /// How many entries there are.
    fn entries(&self) -> usize;

    /// How many keys were reached on this backend.
    fn reached(&self, backend: &str) -> usize;
}

/// Cases to run.
pub struct Exploration<'a> {
    /// On which backend.
    pub backend: &'a dyn BackendUnderTest,
    /// What it may do differently.
    pub divergences: &'a Divergences,
    /// How many, and from which one on; counted apart for each [`Origin`].
    pub effort: Effort,
    /// Which of them are ours.
    pub shard: Shard,
    /// Where they come from.
    pub origin: Origin,
    /// The ways of failing that have been looked at: they are counted.
    pub known: &'a BTreeSet<Signature>,
    /// How many others are to be looked at.
    pub most_ways: usize,
    /// Who watches.
    pub progress: &'a Progress,
}

/// Where cases come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// From the seed and their numbers alone.
    Fresh,
    /// From entries of the corpus.
    Mutated,
}

/// What came of them.
pub struct Explored {
    /// What they found.
    pub findings: CellFindings,
    /// How many keys they were the first to reach.
    pub new_keys: usize,
    /// The new entries: the name of each, without an ending, and its text.
    pub entries: Vec<(String, String)>,
}

/// The corpus of a store.
pub struct Corpus<S: Subject> {
    open: Box<Opener<S>>,
    parents: Vec<Scenario<S::Op>>,
    /// By backend.
    reached: BTreeMap<String, Coverage>,
}

impl<S: Subject> Corpus<S> {
    /// An empty one. `open` opens the store that is under proof.
    #[must_use]
    pub fn new(open: Box<Opener<S>>) -> Self {
        Self { open, parents: Vec::new(), reached: BTreeMap::new() }
    }
}

impl<S: Subject> Explorer for Corpus<S> {
    fn load(&mut self, text: &str) -> Result<(), EntryError> {
        let entry = Entry::<S::Op>::read(text, S::NAME)?;
        if entry.version == env!("CARGO_PKG_VERSION") {
            let reached = self.reached.entry(entry.backend).or_default();
            for key in entry.keys {
                reached.insert(key);
            }
        }
        self.parents.push(entry.scenario);
        Ok(())
    }

    fn explore(&mut self, exploration: &Exploration<'_>) -> Explored {
        let name = exploration.backend.name();
        let reached = self.reached.remove(name).unwrap_or_default();
        let before = reached.len();
        let cases = Exploring::<S> {
            exploration,
            capabilities: exploration.backend.capabilities(),
            parents: &self.parents,
            before: reached.clone(),
            found: Mutex::new(Found { reached, entries: Vec::new() }),
        };
        let divergences = exploration.divergences.with(S::DECLARED);
        let target = Target::<S> {
            backend: exploration.backend,
            open: &*self.open,
            divergences: &divergences,
            crashes: CrashCheck::default(),
        };
        let findings = run_these(&target, &exploration.effort, exploration.progress, &cases);
        let Found { reached, entries } =
            cases.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let new_keys = reached.len() - before;
        self.reached.insert(name.to_owned(), reached);
        let mut texts = Vec::new();
        let mutated = if exploration.origin == Origin::Mutated { "mutated-" } else { "" };
        for (number, keys, scenario) in entries {
            let entry = Entry {
                schema: SCHEMA,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                store: S::NAME.to_owned(),
                backend: name.to_owned(),
                keys,
                scenario,
            };
            // Operations can always be serialised.
            if let Ok(text) = entry.to_text() {
                texts.push((format!("{name}-{mutated}{number}"), text));
            }
            self.parents.push(entry.scenario);
        }
        let mut findings = CellFindings::of(&target, findings);
        let is_mutated = exploration.origin == Origin::Mutated;
        findings.ways.iter_mut().for_each(|way| way.mutated = is_mutated);
        findings.counterexamples.iter_mut().for_each(|found| found.mutated = is_mutated);
        if is_mutated {
            // The hash is of what the seed decides: so that one can tell, whatever else
            // was run, that no case was left out or done twice.
            findings.trace_hash = 0;
        }
        Explored { findings, new_keys, entries: texts }
    }

    fn entries(&self) -> usize {
        self.parents.len()
    }

    fn reached(&self, backend: &str) -> usize {
        self.reached.get(backend).map_or(0, Coverage::len)
    }
}

/// The cases of one exploration.
struct Exploring<'a, S: Subject> {
    exploration: &'a Exploration<'a>,
    capabilities: Capabilities,
    parents: &'a [Scenario<S::Op>],
    /// What was reached before.
    before: Coverage,
    found: Mutex<Found<S::Op>>,
}

/// What was reached by now.
struct Found<Op> {
    reached: Coverage,
    /// By number: what each was the first to reach.
    entries: Vec<(u64, Vec<u32>, Scenario<Op>)>,
}

/// How many of the latest entries are parents as often as all others.
const LATEST: usize = 64;

impl<S: Subject> Exploring<'_, S> {
    /// One of the corpus; half of the time one of the latest. None: it is empty.
    fn parent(&self, random: &mut Xoshiro256PlusPlus) -> Option<&Scenario<S::Op>> {
        let among = match random.next_u32() % 2 {
            0 => self.parents.len().min(LATEST),
            _ => self.parents.len(),
        };
        let back = usize::try_from(random.next_u64() % (among as u64).max(1)).unwrap_or(0);
        self.parents.iter().rev().nth(back)
    }
}

impl<S: Subject> Cases<S> for Exploring<'_, S> {
    fn number(&self, place: u64) -> u64 {
        self.exploration.shard.case(place)
    }

    fn scenario(&self, number: u64) -> Scenario<S::Op> {
        let seed = self.exploration.effort.seed;
        let fresh = || generate::case::<S>(seed, number, &self.capabilities);
        if self.exploration.origin == Origin::Fresh {
            return fresh();
        }
        let name = self.exploration.backend.name();
        let own = hash_of(&[b"mutated", S::NAME.as_bytes(), name.as_bytes()]);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(mix(seed ^ own) ^ number);
        match (self.parent(&mut random), self.parent(&mut random)) {
            (Some(parent), Some(other)) => {
                mutated::<S>(&mut random, parent, other, &self.capabilities)
            }
            _ => fresh(),
        }
    }

    fn reached_before(&self) -> Option<Coverage> {
        Some(self.before.clone())
    }

    fn has_reached(&self, number: u64, scenario: &Scenario<S::Op>, keys: &[u32]) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        // Another worker may have been first.
        let mut new = keys.to_vec();
        new.retain(|key| found.reached.insert(*key));
        if !new.is_empty() {
            found.entries.push((number, new, scenario.clone()));
        }
    }

    fn is_known(&self, signature: &Signature) -> bool {
        self.exploration.known.contains(signature)
    }

    fn most_ways(&self) -> usize {
        self.exploration.most_ways
    }
}
