//! What the code of a simulated run calls: its scheduling points, its faults, its time.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use super::{
    super::{
        clock::current_client,
        faults::{Fault, FaultPlan, Faults},
        schedule::Point,
    },
    task::Task,
};

/// A handle on the simulation, for everything that has scheduling points.
#[derive(Clone, Default)]
pub struct Sim(Arc<Shared>);

struct Shared {
    /// Whether more than one client is alive. Alone, there is nothing to
    /// decide, and points cost next to nothing.
    contended: AtomicBool,
    /// The last point in time: every event of a history has its own.
    time: AtomicU64,
    /// None where nothing fails and nobody gives up, which then costs nothing.
    faults: Option<Faults>,
    /// How many steps may still be made; see [`Sim::allow`].
    steps_left: AtomicU64,
    state: Mutex<State>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            contended: AtomicBool::default(),
            time: AtomicU64::default(),
            faults: None,
            steps_left: AtomicU64::new(UNBOUNDED),
            state: Mutex::default(),
        }
    }
}

/// How many steps a run makes at most: what makes more does not come to an end.
///
/// The longest runs of generated scenarios make less than half as many.
pub const MOST_STEPS: u64 = 20_000;

/// So many steps that nobody makes them.
const UNBOUNDED: u64 = u64::MAX;

#[derive(Default)]
struct State {
    /// The point that the running client has just come to.
    reached: Option<&'static str>,
    clients: Vec<Progress>,
    /// Whether the running client gives up what it is doing.
    gives_up: bool,
    /// What was left alone by its client, and not yet taken by the executor.
    detached: Vec<Detached>,
    /// The numbers of the operations that were left alone and not yet asked about, and
    /// whose they were.
    newly_detached: Vec<(usize, usize)>,
    /// When operations that were left alone came to their ends.
    ended: Vec<Ended>,
    /// Who waits for such an end.
    awaiting_end: Vec<Waker>,
}

/// An operation that goes on without its client.
type Detached = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The end of an operation that its client had left alone.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// Its number among the clients: those that are none come after them.
    pub number: usize,
    /// When it was.
    pub time: u64,
    /// How many I/O steps had been made.
    pub io_steps: usize,
}

/// Where a client is.
#[derive(Clone, Default)]
struct Progress {
    operation: usize,
    /// How often each named point was passed in this operation.
    passed: Vec<(&'static str, u32)>,
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").finish_non_exhaustive()
    }
}

impl Sim {
    /// A simulation with these faults.
    #[must_use]
    pub fn with_faults(plan: &FaultPlan) -> Self {
        let faults = (!plan.is_none()).then(|| Faults::new(plan));
        Self(Arc::new(Shared { faults, ..Shared::default() }))
    }

    /// Whether several clients are under way: alone, there is nothing to decide.
    #[must_use]
    pub(in crate::sim) fn is_contended(&self) -> bool {
        self.0.contended.load(Ordering::Relaxed)
    }

    /// A scheduling point: the executor decides who runs next. `name` says
    /// what the client is about to do.
    pub fn step(&self, name: &'static str) -> Step<'_> {
        Step { sim: self, name, waited: false }
    }

    /// Says that `client` now begins its action number `operation`.
    pub fn begin(&self, client: usize, operation: usize) {
        if let Some(faults) = &self.0.faults {
            faults.begin(client, operation);
        }
        if !self.is_contended() {
            return;
        }
        self.state(|state| {
            if let Some(progress) = state.clients.get_mut(client) {
                progress.operation = operation;
                progress.passed.clear();
            }
        });
    }

    /// Says that the setup now begins its action number `operation`.
    pub fn begin_setup(&self, operation: usize) {
        if let Some(faults) = &self.0.faults {
            faults.begin_setup(operation);
        }
    }

    /// Says that the scenario is over: nothing fails any more.
    pub fn end_faults(&self) {
        if let Some(faults) = &self.0.faults {
            faults.end();
        }
    }

    /// What goes wrong at the step that the running client takes now.
    pub(in crate::sim) fn fault(&self, step: &'static str) -> Option<Fault> {
        self.0.faults.as_ref()?.at(step)
    }

    /// Whether anything may go wrong in this run.
    #[must_use]
    pub fn has_faults(&self) -> bool {
        self.0.faults.is_some()
    }

    /// What the client, or the setup, met since this was last asked.
    #[must_use]
    pub fn take_met(&self, client: usize) -> Vec<Fault> {
        self.0.faults.as_ref().map(|faults| faults.take_met(client)).unwrap_or_default()
    }

    /// The faults that there were, and how many listed ones were never reached.
    #[must_use]
    pub fn faults_taken(&self) -> (Vec<Fault>, usize) {
        self.0.faults.as_ref().map(Faults::taken).unwrap_or_default()
    }

    /// Has the running client give up what it does: whoever polls it drops it
    /// when it is pending ([`Self::gives_up`]). Who has gone on without the
    /// client comes back here, and goes on.
    pub(in crate::sim) fn give_up(&self) -> GivingUp<'_> {
        GivingUp { sim: self, waited: false }
    }

    /// Whether the running client has given up what it does; asked once.
    #[must_use]
    pub fn gives_up(&self) -> bool {
        self.has_faults() && self.state(|state| std::mem::take(&mut state.gives_up))
    }

    /// Lets an operation go on by itself that its client no longer waits for.
    pub(in crate::sim) fn detach(
        &self,
        operation: impl Future<Output = ()> + Send + 'static,
        io_steps: impl FnOnce() -> usize + Send + 'static,
    ) {
        let Some(faults) = &self.0.faults else { return };
        let number = faults.detach();
        let sim = self.clone();
        let whole = async move {
            operation.await;
            let ended = Ended { number, time: sim.tick(), io_steps: io_steps() };
            let awaiting = sim.state(|state| {
                state.ended.push(ended);
                std::mem::take(&mut state.awaiting_end)
            });
            awaiting.into_iter().for_each(Waker::wake);
        };
        self.state(|state| {
            state.detached.push(Box::pin(whole));
            state.newly_detached.push((current_client(), number));
        });
        self.0.contended.store(true, Ordering::Relaxed);
    }

    /// The numbers of the operations that `client` left alone since this was last
    /// asked.
    #[must_use]
    pub fn take_detached(&self, client: usize) -> Vec<usize> {
        if !self.has_faults() {
            return Vec::new();
        }
        self.state(|state| {
            let own = |(of, _): &mut (usize, usize)| *of == client;
            state.newly_detached.extract_if(.., own).map(|(_, number)| number).collect()
        })
    }

    /// Whether the operation with this number, which its client had left alone,
    /// has come to its end. If not, whoever asked is woken when one does.
    pub fn has_ended(&self, number: usize, waker: &Waker) -> bool {
        self.state(|state| {
            let has_ended = state.ended.iter().any(|ended| ended.number == number);
            if !has_ended {
                state.awaiting_end.push(waker.clone());
            }
            has_ended
        })
    }

    /// The ends of the operations that their clients had left alone.
    #[must_use]
    pub fn take_ended(&self) -> Vec<Ended> {
        self.state(|state| std::mem::take(&mut state.ended))
    }

    /// The next point in time.
    #[must_use]
    pub fn tick(&self) -> u64 {
        self.0.time.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Begins a run of so many clients.
    pub(super) fn start(&self, clients: usize) {
        if let Some(faults) = &self.0.faults {
            faults.start_clients(clients);
        }
        self.state(|state| {
            state.reached = None;
            state.clients.clear();
            state.clients.resize(clients, Progress::default());
        });
        self.set_alive(clients);
    }

    /// So many clients and operations that were left alone have not come to their ends.
    pub(super) fn set_alive(&self, alive: usize) {
        self.0.contended.store(alive > 1, Ordering::Relaxed);
    }

    /// Ends a run that does not come to its end: what clients leave alone now goes
    /// nowhere.
    pub(super) fn abandon(&self, tasks: Vec<Task<'_>>) {
        self.set_alive(0);
        drop(tasks);
        drop(self.state(|state| std::mem::take(&mut state.detached)));
    }

    /// Makes tasks of the operations that were left alone.
    pub(super) fn adopt(&self, tasks: &mut Vec<Task<'_>>) -> usize {
        if !self.has_faults() {
            return 0;
        }
        self.state(|state| {
            let adopted = std::mem::take(&mut state.detached);
            let count = adopted.len();
            tasks.extend(adopted.into_iter().map(|operation| Task::new(operation)));
            state.clients.resize(tasks.len(), Progress::default());
            count
        })
    }

    /// From here on, this many steps may be made. Who makes one more waits at it
    /// for ever.
    pub fn allow(&self, steps: u64) {
        self.0.steps_left.store(steps, Ordering::Relaxed);
    }

    /// From here on, steps are bounded by nothing.
    pub(super) fn allow_all(&self) {
        self.allow(UNBOUNDED);
    }

    /// Whether all steps that were allowed have been made.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.0.steps_left.load(Ordering::Relaxed) == 0
    }

    /// Counts one step; false: no more are allowed. Threads that count at the
    /// same time may count one step for several: the bound need not be exact.
    pub(super) fn count(&self) -> bool {
        let left = self.0.steps_left.load(Ordering::Relaxed);
        self.0.steps_left.store(left.saturating_sub(1), Ordering::Relaxed);
        left > 0
    }

    fn state<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        action(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The point that `client` stands at: the one it reached, or `otherwise`.
    pub(super) fn point(&self, client: usize, otherwise: &'static str) -> Point<'static> {
        self.state(|state| {
            let step = state.reached.take().unwrap_or(otherwise);
            let Some(progress) = state.clients.get_mut(client) else {
                return Point { client, operation: 0, step, occurrence: 0 };
            };
            let occurrence = match progress.passed.iter_mut().find(|(name, _)| *name == step) {
                Some((_, count)) => {
                    *count += 1;
                    *count
                }
                None => {
                    progress.passed.push((step, 0));
                    0
                }
            };
            Point { client, operation: progress.operation, step, occurrence }
        })
    }
}

/// The future of [`Sim::step`].
#[derive(Debug)]
pub struct Step<'a> {
    sim: &'a Sim,
    name: &'static str,
    waited: bool,
}

impl Future for Step<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.waited {
            return Poll::Ready(());
        }
        if !self.sim.count() {
            return Poll::Pending;
        }
        if !self.sim.is_contended() {
            return Poll::Ready(());
        }
        self.waited = true;
        self.sim.state(|state| state.reached = Some(self.name));
        Poll::Pending
    }
}

/// The future of [`Sim::give_up`].
#[derive(Debug)]
pub(in crate::sim) struct GivingUp<'a> {
    sim: &'a Sim,
    waited: bool,
}

impl Future for GivingUp<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.waited {
            return Poll::Ready(());
        }
        self.waited = true;
        self.sim.state(|state| state.gives_up = true);
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
