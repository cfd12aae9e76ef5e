//! Random operations on the memory backend, each outcome compared with the
//! model's: generated, executed and judged.

use std::{
    fmt,
    marker::PhantomData,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use arbitrary::Unstructured;
use proptest::{
    prelude::{BoxedStrategy, Just, Strategy},
    test_runner::{Config, TestRunner},
};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use rand_core::Rng;
use storeproof::{
    backend::memory::MemoryBackend,
    check::{
        backends::Memory,
        crash::CrashCheck,
        generate,
        scenario::{Action, Scenario},
        statistics::Reached,
        verify::{Target, verify},
    },
    model::{
        collection::{CollectionMemory, CollectionModel, CollectionOp, CollectionSubject},
        divergence::Divergences,
        source::{Focus, INSTANTS, Source},
        subject::{Moment, Subject},
    },
    seam::{Backend, Collection},
    sim::clock::SimClock,
};

use crate::measure::{Contender, Row};

mod native;

type S = CollectionSubject;

const ACTIONS: usize = 50;

pub fn rows() -> Vec<Row> {
    vec![Row {
        what: "sequential check, 50 operations".into(),
        unit: "cases",
        goal: ">= 150 000, >= 5 x proptest-state-machine",
        ours: Contender::new("storeproof", ours),
        baselines: vec![
            Contender::new("proptest-state-machine 0.9.0", with_proptest::<native::Reference>),
            Contender::new("  the same, our generator", with_proptest::<Ours>),
            Contender::new("bare loop, same operations", bare_loop),
        ],
    }]
}

fn scenario(job: u64, case: u64) -> Scenario<CollectionOp> {
    generate::case_of_size::<S>(7, job << 32 | case, 1, ACTIONS)
}

fn ours(job: u64, cases: u64) {
    let target = Target::<S> {
        backend: &Memory,
        open: &|collection, surroundings| S::open(collection, surroundings),
        divergences: &Divergences::default(),
        crashes: CrashCheck::default(),
    };
    let mut reached = Reached::new::<S>();
    for case in 0..cases {
        let verified = verify(&target, &scenario(job, case), &mut reached);
        assert!(verified.violation.is_none() && verified.operations > 0);
    }
}

/// No harness: a storage, a model, and a loop.
fn bare_loop(job: u64, cases: u64) {
    for case in 0..cases {
        let mut run = Run::new();
        for action in scenario(job, case).clients.into_iter().flatten() {
            run.act(action);
        }
    }
}

struct Run {
    clock: SimClock,
    backend: MemoryBackend,
    store: Arc<dyn Collection>,
    model: CollectionModel,
    memory: CollectionMemory,
    divergences: Divergences,
}

impl Run {
    fn new() -> Self {
        let clock = SimClock::new(INSTANTS[0], 1);
        let backend = MemoryBackend::new(Arc::new(clock.clone()));
        Self {
            store: open(&backend),
            clock,
            backend,
            model: CollectionModel::default(),
            memory: CollectionMemory::default(),
            divergences: Divergences::default(),
        }
    }

    fn act(&mut self, action: Action<CollectionOp>) {
        match action {
            Action::AdvanceClock(seconds) => self.clock.advance(seconds),
            // Memory has none.
            Action::Older(_) => {}
            Action::Reopen { .. } => self.store = open(&self.backend),
            Action::Call(mut op) => {
                let seen = ready(S::execute(&*self.store, &mut op, &mut self.memory));
                let now = self.clock.peek();
                let moment = Moment::alone(now, &self.divergences);
                assert!(S::step(&mut self.model, &op, &seen, &moment).is_ok());
            }
        }
    }
}

fn open(backend: &MemoryBackend) -> Arc<dyn Collection> {
    ready(backend.open(S::spec())).expect("memory opens")
}

/// Memory never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("memory waited"),
    }
}

/// Our generator of operations, fed with proptest's randomness: nothing of an
/// operation can be shrunk.
struct Ours;

/// What a case concentrates on; the model itself is with the system, because
/// it judges outcomes.
#[derive(Clone)]
struct CaseFocus(Arc<Focus>);

impl fmt::Debug for CaseFocus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("focus")
    }
}

impl ReferenceStateMachine for Ours {
    type State = CaseFocus;
    type Transition = Action<CollectionOp>;

    fn init_state() -> BoxedStrategy<CaseFocus> {
        let focus = Just(()).prop_perturb(|(), mut random| {
            let mut bytes = [0; 64];
            random.fill_bytes(&mut bytes);
            let focus = Focus::generate(&mut Unstructured::new(&bytes), S::OPERATIONS.len());
            CaseFocus(Arc::new(focus.expect("bytes give a focus")))
        });
        focus.boxed()
    }

    fn transitions(state: &CaseFocus) -> BoxedStrategy<Action<CollectionOp>> {
        let focus = Arc::clone(&state.0);
        let action = Just(()).prop_perturb(move |(), mut random| {
            // As many bytes as ours has for an operation.
            let mut bytes = [0; 40];
            random.fill_bytes(&mut bytes);
            let mut bytes = Unstructured::new(&bytes);
            let mut source = Source::new(&mut bytes, &focus);
            match source.below(48).expect("bytes give a number") {
                47 => Action::AdvanceClock(1),
                46 => Action::Reopen { variant: 0 },
                _ => Action::Call(S::generate(&mut source).expect("bytes give an operation")),
            }
        });
        action.boxed()
    }

    fn apply(state: CaseFocus, _: &Action<CollectionOp>) -> CaseFocus {
        state
    }
}

/// The storage and the model as the system under test of a reference.
struct Test<R>(PhantomData<R>);

impl<R: ReferenceStateMachine<Transition = Action<CollectionOp>>> StateMachineTest for Test<R> {
    type SystemUnderTest = Run;
    type Reference = R;

    fn init_test(_: &R::State) -> Run {
        Run::new()
    }

    fn apply(mut run: Run, _: &R::State, action: Action<CollectionOp>) -> Run {
        run.act(action);
        run
    }
}

fn with_proptest<R: ReferenceStateMachine<Transition = Action<CollectionOp>>>(_: u64, cases: u64) {
    let config = Config {
        cases: u32::try_from(cases).expect("so many cases"),
        failure_persistence: None,
        ..Config::default()
    };
    let run = TestRunner::new(config.clone()).run(
        &R::sequential_strategy(ACTIONS),
        |(state, actions, seen)| {
            Test::<R>::test_sequential(config.clone(), state, actions, seen);
            Ok(())
        },
    );
    run.expect("the backend keeps the contract");
}
