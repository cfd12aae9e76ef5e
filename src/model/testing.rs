//! Sequential runs of a model beside a real store in memory, for the models'
//! own tests.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use arbitrary::Unstructured;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{
    divergence::{Divergence, Divergences},
    legacy::LegacyDocument,
    source::{Focus, INSTANTS, Source},
    subject::{Moment, Operation, Reach, Subject, Surroundings, Verdict},
};
use crate::{
    backend::memory::MemoryBackend,
    seam::{
        Backend, Clock, CollectionExt, CollectionSpec, Encoding, Entropy, Instant, LegacySpec,
        Payload, Record, RecordId,
    },
};

/// A clock that shows what it is told.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<Mutex<Instant>>);

impl TestClock {
    pub(crate) fn new(now: Instant) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    fn advance(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap();
        *now = now.saturating_add_seconds(seconds);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        *self.0.lock().unwrap()
    }
}

/// Randomness for which no test cares.
struct Zeroes;

impl Entropy for Zeroes {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        bytes.fill(0);
        Ok(())
    }
}

/// What a store is opened with in variant 0.
pub(crate) fn surroundings(clock: &TestClock) -> Surroundings {
    in_variant(clock, 0)
}

fn in_variant(clock: &TestClock, variant: u8) -> Surroundings {
    Surroundings {
        clock: Arc::new(clock.clone()),
        entropy: Arc::new(Zeroes),
        variant,
        further: Vec::new(),
    }
}

/// A moment of a sequential run.
pub(crate) fn moment(divergences: &Divergences) -> Moment<'_> {
    Moment::alone(INSTANTS[0], divergences)
}

/// Memory never waits: every future is ready at once.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("memory waited"),
    }
}

/// The bytes that case number `case` is made from.
pub(crate) fn bytes_of(case: u64) -> Vec<u8> {
    let mut bytes = vec![0; 4_096];
    Xoshiro256PlusPlus::seed_from_u64(case).fill_bytes(&mut bytes);
    bytes
}

/// Puts what older software may have left into a memory backend, and checks in
/// every variant that all observations agree with the model. Returns how many
/// documents that were.
pub(crate) fn legacy_agrees<S: Subject>(cases: u64) -> usize {
    let mut documents_read = 0;
    for case in 0..cases {
        let bytes = bytes_of(case);
        let mut bytes = Unstructured::new(&bytes);
        let focus = Focus::generate(&mut bytes, S::OPERATIONS.len()).unwrap();
        let mut documents = S::generate_legacy(&mut Source::new(&mut bytes, &focus)).unwrap();
        documents.retain(has_record::<S>);
        let clock = TestClock::new(INSTANTS[0]);
        let backend = MemoryBackend::new(Arc::new(clock.clone()));
        // Without keys: older software did not enforce any.
        let collection = ready(backend.open(CollectionSpec::new(S::spec().name))).unwrap();
        for document in &documents {
            ready(collection.put(as_record(document, &S::spec().legacy))).unwrap();
            documents_read += 1;
        }
        let collection = ready(backend.open(S::spec())).unwrap();
        for variant in 0..S::VARIANTS {
            let store = S::open(Arc::clone(&collection), &in_variant(&clock, variant));
            let mut model = S::model_of_legacy(&documents);
            let divergences = Divergences::default();
            let moment = Moment { variant, ..Moment::alone(clock.now(), &divergences) };
            for mut op in S::observations(std::iter::empty()) {
                let seen = ready(S::execute(&store, &mut op, &mut S::Memory::default()));
                if let Err(broken) = S::step(&mut model, &op, &seen, &moment) {
                    let (seen, expected) = (seen.describe(), broken.expected.describe());
                    panic!("case {case}: {seen}\nexpected: {expected}\n{documents:#?}");
                }
            }
        }
    }
    documents_read
}

/// Whether the document is a record: no more than that is in memory.
fn has_record<S: Subject>(document: &LegacyDocument) -> bool {
    let payload = Payload::json(document.text.as_bytes());
    let rule = S::spec().legacy.id;
    let has_id = |payload| rule.is_none_or(|rule| (rule.ids_of)(payload).contains(&document.id));
    payload.as_ref().is_some_and(has_id)
}

/// The record that a backend makes of an older document.
fn as_record(document: &LegacyDocument, spec: &LegacySpec) -> Record {
    let json: Option<serde_json::Value> = serde_json::from_str(&document.text).ok();
    let at = |pointer: Option<&str>| {
        let text = json.as_ref()?.pointer(pointer?)?.as_str()?;
        Instant::parse(text)
    };
    Record {
        id: RecordId::new(&*document.id).unwrap(),
        data: Payload::json(document.text.as_bytes()).expect("JSON"),
        encoding: Encoding::JSON,
        created_at: at(spec.created_at).unwrap_or(document.modified),
        updated_at: at(spec.updated_at).unwrap_or(document.modified),
        expires_at: None,
    }
}

/// How often each operation had each outcome.
pub(crate) type Reached = BTreeMap<(&'static str, &'static str), u64>;

/// One step of a case.
struct Step<Op> {
    /// By how much the clock moves before.
    seconds: i64,
    /// The variant in which the store is opened before, if it is.
    reopen: Option<u8>,
    op: Op,
}

fn steps<S: Subject>(case: u64) -> Vec<Step<S::Op>> {
    let bytes = bytes_of(case);
    let mut bytes = Unstructured::new(&bytes);
    let focus = Focus::generate(&mut bytes, S::OPERATIONS.len()).unwrap();
    let mut step = || {
        let mut source = Source::new(&mut bytes, &focus);
        let is_later = source.ratio(1, 16).unwrap();
        let seconds = if is_later { [-1, 1, 2][source.below(3).unwrap()] } else { 0 };
        let is_reopened = S::VARIANTS > 1 && source.ratio(1, 8).unwrap();
        let reopen = is_reopened.then(|| source.below(usize::from(S::VARIANTS)).unwrap());
        let reopen = reopen.map(|variant| u8::try_from(variant).unwrap());
        Step { seconds, reopen, op: S::generate(&mut source).unwrap() }
    };
    (0..40).map(|_| step()).collect()
}

/// Runs one case; panics where the model and the store differ. `stored` is the part of
/// the model that calls leave to others.
pub(crate) fn run<S: Subject, K: PartialEq>(
    case: u64,
    stored: impl Fn(&S::Model) -> K,
    reached: &mut Reached,
) {
    let clock = TestClock::new(INSTANTS[0]);
    let backend = MemoryBackend::new(Arc::new(clock.clone())).with_page_size(2);
    let collection = ready(backend.open(S::spec())).unwrap();
    let steps = steps::<S>(case);
    let further = S::further_collections(steps.iter().map(|step| &step.op));
    let further = further.iter().map(|name| S::further_spec(name).unwrap());
    let further: Vec<_> = further.map(|spec| ready(backend.open(spec)).unwrap()).collect();
    let open = |variant| {
        let surroundings = Surroundings { further: further.clone(), ..in_variant(&clock, variant) };
        S::open(Arc::clone(&collection), &surroundings)
    };
    let mut variant = 0;
    let mut store = open(variant);
    let divergences = Divergences::default().with(S::DECLARED);
    let mut model = S::Model::default();
    let mut memory = S::Memory::default();
    let mut log = String::new();
    for (time, Step { seconds, reopen, mut op }) in (0_u64..).zip(steps) {
        clock.advance(if S::CLOCK_MOVES { seconds } else { seconds.abs() });
        if let Some(other) = reopen {
            variant = other;
            store = open(variant);
            log += &format!("(variant {variant})\n");
        }
        let json = serde_json::to_string(&op).unwrap();
        assert_eq!(serde_json::from_str::<S::Op>(&json).unwrap(), op, "a file keeps {json}");
        // Each call takes its time: no two are at the same one.
        let (invoked, returned) = (2 * time, 2 * time + 1);
        let alone = Moment::alone(clock.now(), &divergences);
        let moment = Moment { variant, invoked, returned, ..alone };
        let unseen = S::outcomes_unseen(&model, &op, &moment);
        let seen = ready(S::execute(&store, &mut op, &mut memory));
        log += &format!("{} => {}\n", op.describe(), seen.describe());
        let before = stored(&model);
        if let Err(broken) = S::step(&mut model, &op, &seen, &moment) {
            panic!("case {case}\n{log}expected {}: {}", broken.expected.describe(), broken.rule);
        }
        let after = stored(&model);
        if before == after {
            // What was read may have been stale, and the call not be refused otherwise.
            let is_sure = !divergences.permit(Divergence::StaleReads);
            let none = (is_sure && seen.is_refusal()) || op.is_read();
            assert!(!none || unseen.is_empty(), "case {case}: {log}changes nothing unseen");
        } else {
            assert!(!op.is_read() && !seen.is_refusal(), "case {case}: {log}must not write");
            let is_known = unseen.iter().any(|unseen| stored(unseen) == after);
            assert!(is_known, "case {case}: {log}is no unseen outcome");
            let written = S::writes(&op, Some(&seen));
            assert!(written.is_none_or(|ids| !ids.is_empty()), "case {case}: {log}writes nothing");
        }
        *reached.entry((S::OPERATIONS[op.kind()], S::CLASSES[seen.class()])).or_default() += 1;
    }
    let observations = S::observations(std::iter::empty());
    assert!(!observations.is_empty() && observations.iter().all(Operation::is_read));
}

/// Runs many cases and checks that every required outcome was reached.
pub(crate) fn run_many<S: Subject>(cases: u64) {
    run_many_by::<S, _>(cases, Clone::clone);
}

/// The same of a model of which only what is `stored` shows to other handles.
pub(crate) fn run_many_by<S: Subject, K: PartialEq>(cases: u64, stored: impl Fn(&S::Model) -> K) {
    let mut reached = Reached::new();
    for case in 0..cases {
        run::<S, _>(case, &stored, &mut reached);
    }
    let required = S::required(&Reach { legacy: false, damage: false });
    let missed: Vec<_> = required.iter().filter(|class| !reached.contains_key(class)).collect();
    assert!(missed.is_empty(), "never reached: {missed:?}\nreached: {reached:#?}");
    for (operation, class) in S::required(&Reach { legacy: true, damage: true }) {
        assert!(S::OPERATIONS.contains(&operation) && S::CLASSES.contains(&class), "{class}");
    }
}
