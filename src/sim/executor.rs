//! The seeded executor: one thread, one client at a time, and a decision at
//! every scheduling point.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use super::{
    clock::{current_client, enter_client},
    faults::{Fault, FaultPlan, Faults},
    schedule::{Decider, Point},
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
    pub(super) fn is_contended(&self) -> bool {
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
    pub(super) fn fault(&self, step: &'static str) -> Option<Fault> {
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
    pub(super) fn give_up(&self) -> GivingUp<'_> {
        GivingUp { sim: self, waited: false }
    }

    /// Whether the running client has given up what it does; asked once.
    #[must_use]
    pub fn gives_up(&self) -> bool {
        self.has_faults() && self.state(|state| std::mem::take(&mut state.gives_up))
    }

    /// Lets an operation go on by itself that its client no longer waits for.
    pub(super) fn detach(
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

    /// Ends a run that does not come to its end: what clients leave alone now goes
    /// nowhere.
    fn abandon(&self, tasks: Vec<Task<'_>>) {
        drop(tasks);
        drop(self.state(|state| std::mem::take(&mut state.detached)));
    }

    /// Makes tasks of the operations that were left alone.
    fn adopt(&self, tasks: &mut Vec<Task<'_>>) -> usize {
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

    /// Whether all steps that were allowed have been made.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.0.steps_left.load(Ordering::Relaxed) == 0
    }

    /// Counts one step; false: no more are allowed. Threads that count at the
    /// same time may count one step for several: the bound need not be exact.
    fn count(&self) -> bool {
        let left = self.0.steps_left.load(Ordering::Relaxed);
        self.0.steps_left.store(left.saturating_sub(1), Ordering::Relaxed);
        left > 0
    }

    fn state<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        action(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The point that `client` stands at: the one it reached, or `otherwise`.
    fn point(&self, client: usize, otherwise: &'static str) -> Point<'static> {
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
pub(super) struct GivingUp<'a> {
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

/// How a simulated run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Every client came to its end.
    Finished,
    /// Those left wait for each other.
    Deadlock,
    /// [`MOST_STEPS`] were made, and some go on.
    Endless,
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A client's whole life, as a future.
pub type Client<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

struct Task<'a> {
    /// None once it has come to its end.
    future: Option<Client<'a>>,
    /// Waits for its waker.
    blocked: bool,
    woken: Arc<Woken>,
    waker: Waker,
}

/// Runs the clients to their ends, interleaved as `decider` says, or until they
/// have made [`MOST_STEPS`].
///
/// A pure function of the clients and the decider: nothing else decides
/// anything.
pub fn run(sim: &Sim, clients: Vec<Client<'_>>, decider: &mut Decider) -> End {
    sim.allow(MOST_STEPS);
    let end = run_bounded(sim, clients, decider);
    if end != End::Endless {
        sim.allow(UNBOUNDED);
    }
    end
}

fn run_bounded(sim: &Sim, clients: Vec<Client<'_>>, decider: &mut Decider) -> End {
    let mut tasks: Vec<Task<'_>> = clients.into_iter().map(Task::new).collect();
    let mut alive = tasks.len();
    if let Some(faults) = &sim.0.faults {
        faults.start_clients(alive);
    }
    sim.state(|state| {
        state.reached = None;
        state.clients.clear();
        state.clients.resize(tasks.len(), Progress::default());
    });
    sim.0.contended.store(alive > 1, Ordering::Relaxed);
    let mut runnable: Vec<usize> = (0..tasks.len()).collect();
    let start = Point { client: 0, operation: 0, step: "start", occurrence: 0 };
    let mut current = if alive > 1 { decider.decide(start, &runnable) } else { 0 };
    while let Some(task) = tasks.get_mut(current) {
        enter_client(current);
        let otherwise = if task.poll() { "blocked" } else { "end" };
        let adopted = sim.adopt(&mut tasks);
        alive += adopted;
        if otherwise == "end" {
            alive -= 1;
        }
        if otherwise == "end" || adopted > 0 {
            sim.0.contended.store(alive > 1, Ordering::Relaxed);
            if alive == 0 {
                return End::Finished;
            }
        }
        let point = sim.point(current, otherwise);
        if point.step == "blocked"
            && otherwise == "blocked"
            && let Some(task) = tasks.get_mut(current)
        {
            task.blocked = true;
            // It may wake itself for ever.
            sim.count();
        }
        if sim.is_spent() {
            sim.0.contended.store(false, Ordering::Relaxed);
            sim.abandon(tasks);
            return End::Endless;
        }
        runnable.clear();
        runnable
            .extend(tasks.iter_mut().enumerate().filter_map(|(k, t)| t.is_runnable().then_some(k)));
        if runnable.is_empty() {
            sim.0.contended.store(false, Ordering::Relaxed);
            sim.abandon(tasks);
            return End::Deadlock;
        }
        current = decider.decide(point, &runnable);
    }
    End::Finished
}

impl<'a> Task<'a> {
    fn new(future: Client<'a>) -> Self {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        Self { future: Some(future), blocked: false, woken, waker }
    }

    /// Whether it is still alive afterwards.
    fn poll(&mut self) -> bool {
        let Some(future) = &mut self.future else { return false };
        let mut context = Context::from_waker(&self.waker);
        if future.as_mut().poll(&mut context).is_ready() {
            self.future = None;
            return false;
        }
        true
    }

    fn is_runnable(&mut self) -> bool {
        if self.woken.0.swap(false, Ordering::Relaxed) {
            self.blocked = false;
        }
        self.future.is_some() && !self.blocked
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, task::Poll};

    use super::{Client, End, Sim, run};
    use crate::sim::{
        schedule::{Decider, Schedule},
        single::run_alone,
    };

    fn trace(schedule: &Schedule) -> (Vec<(usize, u32)>, Decider) {
        let sim = Sim::default();
        let log = RefCell::new(Vec::new());
        let client = |number: usize| -> Client<'_> {
            let (sim, log) = (&sim, &log);
            Box::pin(async move {
                for step in 0..3 {
                    sim.begin(number, step as usize);
                    sim.step("begin").await;
                    log.borrow_mut().push((number, step));
                }
            })
        };
        let mut decider = Decider::new(schedule);
        let clients = vec![client(0), client(1), client(2)];
        assert_eq!(run(&sim, clients, &mut decider), End::Finished);
        (log.into_inner(), decider)
    }

    #[test]
    fn without_preemptions_clients_run_one_after_the_other() {
        let (log, _) = trace(&Schedule::default());
        let expected: Vec<_> = (0..3).flat_map(|client| (0..3).map(move |n| (client, n))).collect();
        assert_eq!(log, expected);
    }

    #[test]
    fn a_random_schedule_replays_from_its_preemptions() {
        let mut differing = 0;
        for seed in 0..50 {
            let (log, decider) = trace(&Schedule::Random { seed, one_in: 2 });
            let (again, _) = trace(&Schedule::Random { seed, one_in: 2 });
            assert_eq!(log, again, "seed {seed} gave two runs");
            let (replayed, replay) = trace(&Schedule::Preemptions(decider.into_taken()));
            assert_eq!(log, replayed, "seed {seed} did not replay");
            assert_eq!(replay.stale(), 0, "seed {seed} has stale preemptions");
            differing += usize::from(log != trace(&Schedule::default()).0);
        }
        assert!(differing > 40, "only {differing} of 50 random schedules interleaved anything");
    }

    #[test]
    fn clients_that_go_on_for_ever_are_stopped() {
        for clients in [1, 2] {
            for schedule in [Schedule::default(), Schedule::Random { seed: 1, one_in: 2 }] {
                let sim = Sim::default();
                let spinning = || -> Client<'_> {
                    Box::pin(async {
                        loop {
                            sim.step("again").await;
                        }
                    })
                };
                let mut decider = Decider::new(&schedule);
                let all = (0..clients).map(|_| spinning()).collect();
                assert_eq!(run(&sim, all, &mut decider), End::Endless, "{clients} clients");
                assert!(sim.is_spent());
            }
        }
        let sim = Sim::default();
        let waking: Client<'_> = Box::pin(std::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        }));
        let mut decider = Decider::new(&Schedule::default());
        assert_eq!(run(&sim, vec![waking], &mut decider), End::Endless, "it wakes itself");
    }

    #[test]
    fn who_has_made_all_steps_waits_also_when_alone() {
        let sim = Sim::default();
        let sim = &sim;
        let make = |count: u64| async move {
            for _ in 0..count {
                sim.step("again").await;
            }
        };
        assert_eq!(run_alone(0, make(10)), Some(()), "nothing is bounded yet");
        sim.allow(10);
        assert_eq!(run_alone(0, make(10)), Some(()));
        assert_eq!(run_alone(0, make(1)), None);
        assert!(sim.is_spent());
    }

    #[test]
    fn clients_that_wait_for_nobody_are_a_deadlock() {
        let sim = Sim::default();
        let stuck: Client<'_> = Box::pin(std::future::poll_fn(|_| Poll::<()>::Pending));
        let mut decider = Decider::new(&Schedule::default());
        assert_eq!(run(&sim, vec![stuck], &mut decider), End::Deadlock);
    }
}
