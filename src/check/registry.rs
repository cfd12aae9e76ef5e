//! The stores that can be checked, by name. A new store is one line here.

use std::{collections::BTreeMap, marker::PhantomData, sync::Arc};

use super::{
    backends::{BackendUnderTest, comes_by_all, comes_by_all_faults},
    campaign::{self, Effort, Progress},
    corpus::{
        Corpus, Explorer,
        entry::{self, EntryError},
    },
    crash::CrashCheck,
    findings::{CellFindings, Found},
    input::{Input, TakesInput},
    limits,
    processes::child::{self, Seat},
    replay::{self, Replay, ReplayError},
    scenario::Mode,
    shrink::repeats,
    statistics::{Event, Reached},
    verify::{Target, Verified, verify},
    violation::{Kind, Signature, Violation},
};
use crate::{
    model::{
        api_keys::ApiKeysSubject,
        collection::CollectionSubject,
        divergence::Divergences,
        secrets::SecretsSubject,
        sessions::SessionsSubject,
        subject::{Subject, Surroundings},
        users::UsersSubject,
        watermark::WatermarkSubject,
        webhooks::WebhooksSubject,
        worker_heartbeats::WorkerHeartbeatsSubject,
        working_sets::WorkingSetsSubject,
        workspace::WorkspaceSubject,
    },
    seam::{Collection, CollectionSpec},
    sim::{faults::FaultKind, schedule::Schedule},
};

/// Every store.
pub const STORES: &[&dyn StoreUnderTest] = &[
    &Entry::<CollectionSubject>(PhantomData),
    &Entry::<UsersSubject>(PhantomData),
    &Entry::<ApiKeysSubject>(PhantomData),
    &Entry::<WebhooksSubject>(PhantomData),
    &Entry::<SecretsSubject>(PhantomData),
    &Entry::<SessionsSubject>(PhantomData),
    &Entry::<WatermarkSubject>(PhantomData),
    &Entry::<WorkerHeartbeatsSubject>(PhantomData),
    &Entry::<WorkspaceSubject>(PhantomData),
    &Entry::<WorkingSetsSubject>(PhantomData),
];

/// The store of that name.
#[must_use]
pub fn store_named(name: &str) -> Option<&'static dyn StoreUnderTest> {
    STORES.iter().copied().find(|store| store.name() == name)
}

/// A store that can be checked, whatever its operations are.
pub trait StoreUnderTest: TakesInput + Send {
    /// Its name on the command line and in reports.
    fn name(&self) -> &'static str;

    /// The names of its operations, as replay files have them.
    fn operations(&self) -> &'static [&'static str];

    /// The spec of the collection that it lives in.
    fn spec(&self) -> CollectionSpec;

    /// The spec of a further collection of that name; none: it has none.
    fn further_spec(&self, name: &str) -> Option<CollectionSpec>;

    /// A seat at our own store on a collection, for a process of its own.
    fn seat(&self, collection: Arc<dyn Collection>, surroundings: &Surroundings) -> Box<dyn Seat>;

    /// Runs cases on a backend.
    fn check(&self, request: &Request<'_>) -> CellFindings;

    /// Runs cases with a corpus, which is empty at first.
    fn explorer(&self) -> Box<dyn Explorer>;

    /// What a campaign has reached that has not begun.
    fn nothing_reached(&self) -> Reached;

    /// Runs a saved scenario again.
    ///
    /// # Errors
    /// When the text is not a replay file of this store.
    fn replay(&self, text: &str, backend: &dyn BackendUnderTest) -> Result<Replayed, ReplayError>;

    /// Runs a saved scenario once, as it is saved, with so many crashes. What it breaks.
    ///
    /// # Errors
    /// As [`Self::replay`].
    fn run_once(
        &self,
        text: &str,
        backend: &dyn BackendUnderTest,
        crashes: CrashCheck,
    ) -> Result<Option<Violation>, ReplayError>;

    /// The replay file of the scenario that the input is, as if it broke something.
    fn file_of(&self, input: &Input<'_>, backend: &dyn BackendUnderTest) -> Option<String>;

    /// Finds out whether a saved scenario can be run on that backend.
    ///
    /// # Errors
    /// When the text is not a replay file of this store, or nobody can run what it says.
    fn must_run(&self, text: &str, backend: &dyn BackendUnderTest) -> Result<(), ReplayError>;

    /// Reads a replay file and writes it again.
    ///
    /// # Errors
    /// When the text is not a replay file of this store.
    fn rewrite(&self, text: &str) -> Result<String, ReplayError>;

    /// Reads an entry of a corpus and writes it again.
    ///
    /// # Errors
    /// When the text is not an entry of this store.
    fn rewrite_entry(&self, text: &str) -> Result<String, EntryError>;

    /// The outcomes that a campaign on `backend` must reach and did not, as
    /// `operation:class`.
    fn missing(&self, backend: &dyn BackendUnderTest, reached: &Reached) -> Vec<String>;
}

/// What is to be run.
pub struct Request<'a> {
    /// On which backend.
    pub backend: &'a dyn BackendUnderTest,
    /// What it may do differently.
    pub divergences: &'a Divergences,
    /// How much of it.
    pub effort: Effort,
    /// Who watches.
    pub progress: &'a Progress,
}

/// What came of a saved scenario.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// What is broken now, if anything.
    pub violation: Option<Violation>,
    /// What was broken when it was saved.
    pub saved: Violation,
    /// Whether the saved schedule, or a fault, names points that the code no longer comes
    /// by, so that others were searched. (A crash is tried after every step in any case.)
    pub stale: bool,
}

/// A store as the table has it.
pub(crate) struct Entry<S>(PhantomData<fn() -> S>);

impl<S> Entry<S> {
    /// The entry of `S`, for those who need no table.
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

fn open<S: Subject>(collection: Arc<dyn Collection>, surroundings: &Surroundings) -> Arc<S::Store> {
    S::open(collection, surroundings)
}

impl<S: Subject> TakesInput for Entry<S> {
    fn store_name(&self) -> &'static str {
        S::NAME
    }

    fn try_input(&self, input: &Input<'_>, backend: &dyn BackendUnderTest) -> Option<Violation> {
        let divergences = Divergences::default().with(S::DECLARED);
        let crashes = input.crashes;
        input.violation(&Target::<S> {
            backend,
            open: &open::<S>,
            divergences: &divergences,
            crashes,
        })
    }

    fn shrink_input(&self, input: &Input<'_>, backend: &dyn BackendUnderTest) -> Option<Found> {
        let divergences = Divergences::default().with(S::DECLARED);
        let crashes = CrashCheck::default();
        input.counterexample(&Target::<S> {
            backend,
            open: &open::<S>,
            divergences: &divergences,
            crashes,
        })
    }
}

impl<S: Subject> StoreUnderTest for Entry<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn operations(&self) -> &'static [&'static str] {
        S::OPERATIONS
    }

    fn spec(&self) -> CollectionSpec {
        S::spec()
    }

    fn further_spec(&self, name: &str) -> Option<CollectionSpec> {
        S::further_spec(name)
    }

    fn seat(&self, collection: Arc<dyn Collection>, surroundings: &Surroundings) -> Box<dyn Seat> {
        child::seat::<S>(collection, surroundings)
    }

    fn check(&self, request: &Request<'_>) -> CellFindings {
        let divergences = request.divergences.with(S::DECLARED);
        let target = Target::<S> {
            backend: request.backend,
            open: &open::<S>,
            divergences: &divergences,
            crashes: CrashCheck::default(),
        };
        let findings = campaign::run(&target, &request.effort, request.progress);
        CellFindings::of(&target, findings)
    }

    fn explorer(&self) -> Box<dyn Explorer> {
        Box::new(Corpus::<S>::new(Box::new(open::<S>)))
    }

    fn nothing_reached(&self) -> Reached {
        Reached::new::<S>()
    }

    fn replay(&self, text: &str, backend: &dyn BackendUnderTest) -> Result<Replayed, ReplayError> {
        let (replay, divergences) = limits::runnable::<S>(text, backend)?;
        let crashes = CrashCheck::default();
        let target = Target::<S> { backend, open: &open::<S>, divergences: &divergences, crashes };
        Ok(run_again(&target, &replay))
    }

    fn run_once(
        &self,
        text: &str,
        backend: &dyn BackendUnderTest,
        crashes: CrashCheck,
    ) -> Result<Option<Violation>, ReplayError> {
        let (replay, divergences) = limits::runnable::<S>(text, backend)?;
        let target = Target::<S> { backend, open: &open::<S>, divergences: &divergences, crashes };
        Ok(verify(&target, &replay.scenario, &mut Reached::new::<S>()).violation)
    }

    fn file_of(&self, input: &Input<'_>, backend: &dyn BackendUnderTest) -> Option<String> {
        let signature = Signature { kind: Kind::Outcome, rule: "a file of its own".to_owned() };
        let replay = Replay {
            schema: replay::SCHEMA,
            store: S::NAME.to_owned(),
            backend: backend.name().to_owned(),
            violation: Violation { signature, steps: Vec::new(), crash: None },
            allow: Vec::new(),
            scenario: input.scenario::<S>(&backend.capabilities()),
        };
        replay::write(&replay).ok()
    }

    fn must_run(&self, text: &str, backend: &dyn BackendUnderTest) -> Result<(), ReplayError> {
        limits::runnable::<S>(text, backend).map(drop)
    }

    fn rewrite(&self, text: &str) -> Result<String, ReplayError> {
        replay::write(&replay::read::<S::Op>(text)?)
    }

    fn rewrite_entry(&self, text: &str) -> Result<String, EntryError> {
        entry::Entry::<S::Op>::read(text, S::NAME)?.to_text()
    }

    fn missing(&self, backend: &dyn BackendUnderTest, reached: &Reached) -> Vec<String> {
        let capabilities = backend.capabilities();
        let mut required = S::required(&capabilities.reach);
        if !comes_by_all(S::NAME, backend.name()) {
            required.clear();
        }
        let events = Event::required(&capabilities).filter(|event| reached.events(*event) == 0);
        // A file system's operation goes on by itself, so that it is all the same
        // where its caller gives up; what has no points of its own has those of
        // collections, and fails as databases do.
        let can_be = |kind: FaultKind| match kind {
            FaultKind::Cancel => comes_by_all(S::NAME, backend.name()),
            FaultKind::CancelAfter => {
                !capabilities.has_points && comes_by_all(S::NAME, backend.name())
            }
            _ if !comes_by_all_faults(S::NAME, backend.name()) => false,
            kind => {
                (capabilities.faults && FaultKind::OF_STORAGE.contains(&kind))
                    || (!capabilities.has_points && FaultKind::OF_DATABASE.contains(&kind))
            }
        };
        required
            .into_iter()
            .filter(|(operation, class)| reached.of(operation, class) == 0)
            .map(|(operation, class)| format!("{operation}:{class}"))
            .chain(events.map(|event| event.name().to_owned()))
            .chain(reached.faults_missing(can_be).into_iter().map(str::to_owned))
            .collect()
    }
}

/// How many schedules are searched when the saved one is stale.
const SCHEDULES_SEARCHED: u64 = 200;

fn run_again<S: Subject>(target: &Target<'_, S>, replay: &Replay<S::Op>) -> Replayed {
    let mut scenario = replay.scenario.clone();
    let again = |scenario: &_| -> Verified { verify(target, scenario, &mut Reached::new::<S>()) };
    // What threads and processes do is not the same twice.
    let mut first = again(&scenario);
    for _ in 1..repeats(&scenario.mode) {
        if first.violation.is_some() {
            break;
        }
        first = again(&scenario);
    }
    let stale = first.stale > 0;
    let mut violation = first.violation;
    if scenario.crash.is_some() && violation.is_none() {
        // The steps may have moved: every crash point is tried, with everything
        // that may be left.
        scenario.unpin_crashes();
        violation = again(&scenario).violation;
    }
    if stale && violation.is_none() {
        let faults = scenario.faults.clone();
        violation = (0..SCHEDULES_SEARCHED).find_map(|seed| {
            let one_in = if seed % 2 == 0 { 2 } else { 4 };
            scenario.mode = Mode::Simulated(Schedule::Random { seed, one_in });
            scenario.faults = faults.elsewhere(seed);
            again(&scenario).violation
        });
    }
    Replayed { violation, saved: replay.violation.clone(), stale }
}

/// The reached outcomes of several campaigns, by `store.operation:class`.
pub fn add_reached(table: &mut BTreeMap<String, u64>, store: &str, reached: &Reached) {
    for (name, count) in reached.table() {
        let sum = table.entry(format!("{store}.{name}")).or_insert(0);
        *sum = sum.saturating_add(count);
    }
}
