//! The corpus of a store: scenarios that reached something new, and what is made of
//! them.
//!
//! A case that is the first on its backend to reach some key of [`coverage`] becomes an
//! entry. Further cases are made from entries by changing them a little
//! (`mutate.rs`), because what lies behind something rare is rarer still: it is
//! reached sooner from there than from nothing. Entries of all backends of a store are
//! parents, as one's rare states are another's.
//!
//! A cell (a store on a backend) has an **opening**: as many fresh cases as the default
//! profile runs. What these reach is reached again any time, and needs no entry; nor is
//! anything mutated before they are over. A store has [`MOST_ENTRIES`] entries at most: of
//! more, the oldest go, since what was found first is what is found most easily.
//!
//! What comes of it depends on what was found first, and so on time: a corpus is for
//! campaigns with `--time` alone. Each mutated case is a scenario like any other: what
//! fails is made small and saved.
//!
//! [`coverage`]: super::coverage

pub mod entry;
mod mutate;
pub mod reached;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Mutex, PoisonError, atomic::AtomicBool},
};

use entry::{Entry, EntryError, SCHEMA};
use mutate::mutated;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use reached::ReachedKeys;

use super::{
    backends::{self, BackendUnderTest, Capabilities},
    campaign::{Cases, Effort, Progress, run_these},
    coverage::Coverage,
    crash::CrashCheck,
    findings::{CellFindings, Found, saved},
    generate, limits,
    replay::ReplayError,
    scenario::Scenario,
    shard::Shard,
    shrink::shrink_or_keep,
    trace_hash::{hash_of, mix},
    verify::{Opener, Target},
    violation::Signature,
};
use crate::model::{divergence::Divergences, subject::Subject};

/// How many entries a store has at most.
pub const MOST_ENTRIES: usize = 1_000;

/// How many fresh cases, of all shards together, the opening of a store on a backend has.
#[must_use]
pub fn opening(store: &str, backend: &str) -> u64 {
    backends::default_cases(store, backend)
}

/// What makes cases of a store with a corpus, whatever its operations are.
pub trait Explorer {
    /// Takes over an entry that was saved, under the name that it was given. They come in
    /// the order of their names. What it reached counts as reached if the same version of
    /// storeproof says so.
    ///
    /// # Errors
    /// When it is not an entry of this store.
    fn load(&mut self, name: &str, text: &str) -> Result<(), EntryError>;

    /// Takes over what a campaign reached, in its openings as well: the text of
    /// [`Self::reached_keys`]. It counts if the same version of storeproof says so.
    ///
    /// # Errors
    /// When it is not what was reached of this store.
    fn load_reached(&mut self, text: &str) -> Result<(), EntryError>;

    /// Runs cases, and keeps those that reach something new. What fails is left as large as
    /// it is: making it small may take minutes.
    fn explore(&mut self, exploration: &Exploration<'_>) -> Explored;

    /// Makes what failed small, unless `stop` is set.
    ///
    /// # Errors
    /// When its replay file is not one of this store that can be run on this backend.
    fn make_small(
        &self,
        found: &Found,
        backend: &dyn BackendUnderTest,
        stop: &AtomicBool,
    ) -> Result<Found, ReplayError>;

    /// How many entries there are.
    fn entries(&self) -> usize;

    /// How many keys were reached on this backend.
    fn reached(&self, backend: &str) -> usize;

    /// Which keys were reached on this backend, as a text to save.
    fn reached_keys(&self, backend: &str) -> String;
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
    pub known: &'a KnownWays,
    /// How many others are to be looked at.
    pub most_ways: usize,
    /// Who watches.
    pub progress: &'a Progress,
}

/// Ways of failing that have been looked at.
#[derive(Debug, Default)]
pub struct KnownWays {
    /// Those of which there is a scenario that surely fails again.
    pub sure: BTreeSet<Signature>,
    /// Those that were seen once, on threads or in processes.
    pub uncertain: BTreeSet<Signature>,
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
    /// The new entries: the name of each, without an ending, and its text. A name of a
    /// later entry is greater.
    pub entries: Vec<(String, String)>,
    /// The names of those that are none any more.
    pub dropped: Vec<String>,
}

/// The corpus of a store.
pub struct Corpus<S: Subject> {
    open: Box<Opener<S>>,
    /// The entries' names and scenarios, oldest first.
    parents: VecDeque<(String, Scenario<S::Op>)>,
    /// The number of the next entry.
    next: u64,
    /// By backend.
    reached: BTreeMap<String, Coverage>,
}

impl<S: Subject> Corpus<S> {
    /// An empty one. `open` opens the store that is under proof.
    #[must_use]
    pub fn new(open: Box<Opener<S>>) -> Self {
        Self { open, parents: VecDeque::new(), next: 0, reached: BTreeMap::new() }
    }

    fn add_reached(&mut self, backend: String, keys: Vec<u32>) {
        let reached = self.reached.entry(backend).or_default();
        keys.into_iter().for_each(|key| _ = reached.insert(key));
    }

    /// Adds an entry; what it is called.
    fn add(&mut self, backend: &str, scenario: Scenario<S::Op>) -> String {
        let name = format!("{:08}-{backend}", self.next);
        self.next = self.next.saturating_add(1);
        self.parents.push_back((name.clone(), scenario));
        name
    }

    /// Makes room where there are too many; the names of those that are gone.
    fn drop_oldest(&mut self) -> Vec<String> {
        let surplus = self.parents.len().saturating_sub(MOST_ENTRIES);
        self.parents.drain(..surplus).map(|(name, _)| name).collect()
    }
}

impl<S: Subject> Explorer for Corpus<S> {
    fn load(&mut self, name: &str, text: &str) -> Result<(), EntryError> {
        let entry = Entry::<S::Op>::read(text, S::NAME)?;
        if let Some(problem) = limits::problem::<S>(&entry.scenario) {
            return Err(EntryError::Scenario(problem));
        }
        if entry.version == env!("CARGO_PKG_VERSION") {
            self.add_reached(entry.backend, entry.keys);
        }
        // Whoever put a file there may have called it anything.
        let number = name.split('-').next().and_then(|digits| digits.parse::<u64>().ok());
        self.next = self.next.max(number.map_or(0, |number| number.saturating_add(1)));
        self.parents.push_back((name.to_owned(), entry.scenario));
        Ok(())
    }

    fn load_reached(&mut self, text: &str) -> Result<(), EntryError> {
        let saved = ReachedKeys::read(text, S::NAME)?;
        if saved.version == env!("CARGO_PKG_VERSION") {
            self.add_reached(saved.backend, saved.keys);
        }
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
            opening: opening(S::NAME, name),
            before: reached.clone(),
            found: Mutex::new(News { reached, entries: Vec::new() }),
        };
        let divergences = exploration.divergences.with(S::DECLARED);
        let target = Target::<S> {
            backend: exploration.backend,
            open: &*self.open,
            divergences: &divergences,
            crashes: CrashCheck::default(),
        };
        let findings = run_these(&target, &exploration.effort, exploration.progress, &cases);
        let News { reached, entries } =
            cases.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut findings = CellFindings::of(&target, findings);
        let new_keys = reached.len() - before;
        self.reached.insert(name.to_owned(), reached);
        let mut texts = Vec::new();
        for (keys, scenario) in entries {
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
                texts.push((self.add(name, entry.scenario), text));
            }
        }
        let dropped = self.drop_oldest();
        texts.retain(|(name, _)| !dropped.contains(name));
        let is_mutated = exploration.origin == Origin::Mutated;
        findings.ways.iter_mut().for_each(|way| way.mutated = is_mutated);
        findings.counterexamples.iter_mut().for_each(|found| found.mutated = is_mutated);
        if is_mutated {
            // The hash is of what the seed decides: so that one can tell, whatever else
            // was run, that no case was left out or done twice.
            findings.trace_hash = 0;
        }
        Explored { findings, new_keys, entries: texts, dropped }
    }

    fn make_small(
        &self,
        found: &Found,
        backend: &dyn BackendUnderTest,
        stop: &AtomicBool,
    ) -> Result<Found, ReplayError> {
        let (replay, divergences) = limits::runnable::<S>(&found.replay, backend)?;
        let crashes = CrashCheck::default();
        let target = Target::<S> { backend, open: &*self.open, divergences: &divergences, crashes };
        let small = shrink_or_keep(&target, replay.scenario, replay.violation, stop);
        // What was read from a replay file can be written to one.
        let small = saved(&target, found.case, small).unwrap_or_else(|| found.clone());
        Ok(Found { mutated: found.mutated, ..small })
    }

    fn entries(&self) -> usize {
        self.parents.len()
    }

    fn reached(&self, backend: &str) -> usize {
        self.reached.get(backend).map_or(0, Coverage::len)
    }

    fn reached_keys(&self, backend: &str) -> String {
        let reached = self.reached.get(backend).cloned().unwrap_or_default();
        ReachedKeys::of(S::NAME, backend, &reached).to_text()
    }
}

/// The cases of one exploration.
struct Exploring<'a, S: Subject> {
    exploration: &'a Exploration<'a>,
    capabilities: Capabilities,
    parents: &'a VecDeque<(String, Scenario<S::Op>)>,
    /// Fresh cases below this number make no entries.
    opening: u64,
    /// What was reached before.
    before: Coverage,
    found: Mutex<News<S::Op>>,
}

/// What was reached by now.
struct News<Op> {
    reached: Coverage,
    /// What each was the first to reach.
    entries: Vec<(Vec<u32>, Scenario<Op>)>,
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
        self.parents.iter().rev().nth(back).map(|(_, scenario)| scenario)
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
        let is_opening = self.exploration.origin == Origin::Fresh && number < self.opening;
        if !new.is_empty() && !is_opening {
            found.entries.push((new, scenario.clone()));
        }
    }

    fn is_known(&self, signature: &Signature, uncertain: bool) -> bool {
        let KnownWays { sure, uncertain: seen_once } = self.exploration.known;
        sure.contains(signature) || (uncertain && seen_once.contains(signature))
    }

    fn makes_small(&self) -> bool {
        false
    }

    fn most_ways(&self) -> usize {
        self.exploration.most_ways
    }
}
