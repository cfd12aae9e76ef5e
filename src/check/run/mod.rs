//! One run of a scenario: the storage, the clients, and what they saw.

mod seats;

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, Barrier, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

pub(super) use self::seats::Seat;
use super::{
    backends::{OlderSoftware, Storage, World},
    gate::Gate,
    history::{ALONE, Call, Deed, Phase},
    processes::{Kill, run_clients as run_clients_in_processes},
    scenario::{Action, Mode, Scenario},
    verify::Target,
};
use crate::{
    model::{
        legacy::OlderAction,
        subject::{Handle, Subject},
    },
    seam::{CollectionSpec, Entropy, Error, ErrorKind, Outcome, Site},
    sim::{
        clock::{SimClock, enter_client},
        entropy::SimEntropy,
        executor::{Client, End, MOST_STEPS, Sim, run as run_clients},
        faults::Fault,
        schedule::Decider,
        single::{run_alone, run_beside_others},
    },
};

/// How long a thread waits for the others before it is taken to wait for ever.
const PATIENCE: Duration = Duration::from_secs(20);

/// A run of a scenario on a target.
pub(super) struct Run<'a, S: Subject> {
    pub target: &'a Target<'a, S>,
    pub scenario: &'a Scenario<S::Op>,
    /// The model's state at the beginning.
    pub initial: S::Model,
    pub storage: Box<dyn Storage>,
    pub clock: SimClock,
    entropy: Arc<dyn Entropy>,
    pub spec: CollectionSpec,
    /// Of the further collections that the store lives in.
    further: Vec<CollectionSpec>,
    sim: Sim,
    calls: Mutex<Vec<Call<S>>>,
    /// What went on without the clients that had called it.
    left_alone: Mutex<Vec<LeftAlone>>,
    /// How many handles were opened.
    handles: AtomicUsize,
    older: Option<Older>,
    /// How often a client opened the storage anew while others worked on other
    /// handles.
    reopened: AtomicU64,
    /// Why a client could not go on.
    stopped: Mutex<Option<Error>>,
}

/// Older software that goes on writing, and what keeps its changes apart.
struct Older {
    software: Arc<dyn OlderSoftware>,
    gate: Gate,
}

/// A call that went on, or a part of which went on, without its client, who had given it
/// up or been told that nobody knows what comes of it.
#[derive(Clone, Copy)]
struct LeftAlone {
    /// When the call began.
    invoked: u64,
    /// The number among the clients of what went on.
    number: usize,
    /// Whether its readings of the clock do not show: the store had read it, or what
    /// went on is a look.
    read: bool,
}

/// Where an action stands in the scenario.
#[derive(Clone, Copy)]
pub(super) struct Place {
    phase: Phase,
    client: usize,
    action: usize,
}

impl Place {
    /// Of one client that runs alone and keeps no history.
    pub(super) const ALONE: Self = Self { phase: Phase::Clients, client: ALONE, action: 0 };

    /// Of whoever looks at what a crash left, or goes on with it.
    pub(super) const fn after_a_crash(phase: Phase, action: usize) -> Self {
        Self { phase, client: ALONE, action }
    }
}

impl<'a, S: Subject> Run<'a, S> {
    /// A run that is about to begin, on a new storage.
    pub fn new(target: &'a Target<'a, S>, scenario: &'a Scenario<S::Op>) -> Result<Self, Error> {
        let sim = Sim::with_faults(&scenario.faults);
        // An operation that goes on without its client reads it for itself.
        let readers = scenario.clients.len().max(1) + scenario.faults.most();
        let clock = SimClock::new(scenario.start, readers).with_skews(&scenario.skews);
        let spec = S::spec();
        let further = S::further_collections(scenario.operations());
        let world = World {
            sim: &sim,
            clock: &clock,
            seed: scenario.seed,
            page_size: scenario.page_size,
            legacy: &scenario.legacy,
            foreign: &scenario.foreign,
            spec: &spec,
        };
        let storage = target.backend.storage(&world)?;
        let older = storage.older_software().filter(|_| scenario.has_older_software());
        Ok(Self {
            older: older.map(|software| Older { software, gate: Gate::default() }),
            target,
            scenario,
            initial: S::model_of_legacy(&scenario.legacy),
            storage,
            clock,
            entropy: Arc::new(SimEntropy::new(scenario.seed)),
            further: further.iter().filter_map(|name| S::further_spec(name)).collect(),
            spec,
            sim,
            left_alone: Mutex::default(),
            handles: AtomicUsize::new(0),
            // With room for the observations that follow.
            calls: Mutex::new(Vec::with_capacity(scenario.length() + 16)),
            reopened: AtomicU64::new(0),
            stopped: Mutex::new(None),
        })
    }

    /// Runs what nobody else can hold up.
    pub fn alone<T>(&self, future: impl Future<Output = T>) -> Result<T, Error> {
        self.sim.allow(MOST_STEPS);
        run_alone(ALONE, future).ok_or_else(|| self.waits())
    }

    /// The error of a call that waits although nothing can hold it up; see
    /// [`Self::is_endless`].
    fn waits(&self) -> Error {
        Error::Backend {
            site: Site::new("run", &self.spec.name, None),
            problem: "a call waits although nobody else is there".into(),
            outcome: Outcome::Unknown,
        }
    }

    /// Whether a call went on until it had made all the steps that were allowed.
    pub fn is_endless(&self) -> bool {
        self.sim.is_spent()
    }

    /// Runs each client in a process of its own, and says how many were killed.
    pub fn in_processes(&self, kills: &[Kill]) -> Result<u64, Error> {
        let needed = self.target.backend.crew().zip(self.storage.directory());
        let (crew, directory) = needed.ok_or_else(|| Error::Backend {
            site: Site::new("run", &self.spec.name, None),
            problem: "the backend has no processes for its clients".into(),
            outcome: Outcome::NotDone,
        })?;
        self.set_up(&mut self.seat(&*self.storage)?)?;
        run_clients_in_processes(self, crew, directory, kills)
    }

    /// Runs the clients by the seeded executor.
    pub fn simulated(&self, seats: Vec<Seat<'_, S>>, decider: &mut Decider) -> End {
        let clients = self.scenario.clients.iter().zip(seats).enumerate();
        let clients = clients.map(|(client, (actions, seat))| -> Client<'_> {
            Box::pin(self.client(client, actions, seat))
        });
        run_clients(&self.sim, clients.collect(), decider)
    }

    /// Runs each client on a thread of its own, all at the same time.
    #[expect(clippy::disallowed_methods, reason = "true concurrency is what is being checked")]
    pub fn on_threads(&self, seats: Vec<Seat<'_, S>>) {
        self.sim.allow(MOST_STEPS);
        let barrier = Barrier::new(seats.len());
        std::thread::scope(|scope| {
            for (client, (actions, seat)) in self.scenario.clients.iter().zip(seats).enumerate() {
                let barrier = &barrier;
                scope.spawn(move || {
                    enter_client(client);
                    barrier.wait();
                    let whole = self.client(client, actions, seat);
                    if run_beside_others(client, PATIENCE, whole).is_none() {
                        *lock(&self.stopped) = Some(self.waits());
                    }
                });
            }
        });
    }

    async fn client(&self, client: usize, actions: &[Action<S::Op>], mut seat: Seat<'_, S>) {
        for (action, what) in actions.iter().enumerate() {
            self.sim.begin(client, action);
            self.sim.step("begin").await;
            let place = Place { phase: Phase::Clients, client, action };
            if let Err(error) = self.act(place, what, &mut seat).await {
                *lock(&self.stopped) = Some(error);
                return;
            }
        }
    }

    /// Looks at what `storage` holds, by a new handle, and as a process sees it that
    /// starts now; after faults with a few calls to see that it works again.
    pub fn observe(&self, storage: &dyn Storage) -> Result<(), Error> {
        let asked = || S::observations(self.scenario.operations()).into_iter();
        let trial = if self.sim.has_faults() { S::trial() } else { Vec::new() };
        self.ask(storage, 0, asked().chain(trial))?;
        if storage.restart() {
            self.ask(storage, self.scenario.length(), asked())?;
        }
        Ok(())
    }

    /// Makes calls by a new handle; the first one has the number `first`.
    fn ask(
        &self,
        storage: &dyn Storage,
        first: usize,
        calls: impl Iterator<Item = S::Op>,
    ) -> Result<(), Error> {
        let mut seat = self.seat(storage)?;
        for (action, op) in calls.enumerate() {
            let place = Place { phase: Phase::Afterwards, client: ALONE, action: first + action };
            self.alone(self.act(place, &Action::Call(op), &mut seat))??;
        }
        Ok(())
    }

    /// Does one action of a client.
    pub async fn act(
        &self,
        place: Place,
        action: &Action<S::Op>,
        seat: &mut Seat<'_, S>,
    ) -> Result<(), Error> {
        match action {
            Action::AdvanceClock(seconds) => self.clock.advance(*seconds),
            Action::Reopen { variant } => {
                let opened = self.open(seat.storage, *variant);
                match self.unless_given_up(opened).await {
                    Some(Ok((store, handle))) => {
                        (seat.store, seat.handle) = (store, handle);
                        seat.variant = *variant;
                    }
                    Some(Err(error)) if !self.may_fail(place.client, &error) => return Err(error),
                    // It goes on with the handle that it has.
                    Some(Err(_)) | None => return Ok(()),
                }
                if place.phase == Phase::Clients && self.scenario.handles > 1 {
                    self.count_reopening();
                }
            }
            Action::Call(op) => self.call(place, op.clone(), seat).await,
            Action::Older(action) => return self.older(place, action).await.map(drop),
        }
        Ok(())
    }

    async fn call(&self, place: Place, mut op: S::Op, seat: &mut Seat<'_, S>) {
        let began = (self.tick(), seat.storage.io_steps());
        if let Some(older) = &self.older {
            older.gate.begin(place.client, began.0);
        }
        drop((self.sim.take_met(place.client), self.sim.take_detached(place.client)));
        let call = S::execute(&seat.store, &mut op, &mut seat.memory);
        let seen = self.unless_given_up(call).await;
        let left_alone = self.sim.take_detached(place.client);
        let is_a_look = self.clock.take_given_up_look(place.client);
        let read = self.clock.is_read_by_store(place.client) || is_a_look;
        let note = |number: &usize| LeftAlone { invoked: began.0, number: *number, read };
        lock(&self.left_alone).extend(left_alone.iter().map(note));
        if let Some(older) = &self.older {
            older.gate.leave_alone(place.client, &left_alone);
            older.gate.end(place.client);
        }
        let returned = seat.storage.io_steps();
        let opened = (seat.variant, seat.handle);
        self.note(place, opened, (began, returned), Deed::Call { op, seen });
    }

    /// Does the call to its end, or until the client gives it up: then none.
    async fn unless_given_up<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        let mut call = pin!(Some(call));
        poll_fn(|context| {
            let Some(running) = call.as_mut().as_pin_mut() else { return Poll::Ready(None) };
            match running.poll(context) {
                Poll::Ready(done) => Poll::Ready(Some(done)),
                Poll::Pending if self.sim.gives_up() => {
                    call.set(None);
                    Poll::Ready(None)
                }
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Whether the opening of a handle may fail with this error, because the
    /// storage failed meanwhile.
    fn may_fail(&self, client: usize, error: &Error) -> bool {
        let met = self.sim.take_met(client);
        let is_failure = matches!(error.kind(), ErrorKind::Io | ErrorKind::Backend);
        is_failure && met.iter().any(|fault| !fault.kind.is_cancel())
    }

    /// Lets older software change a file; false: there is none, or it can't.
    pub async fn older(&self, place: Place, action: &OlderAction) -> Result<bool, Error> {
        let Some(older) = &self.older else { return Ok(false) };
        older.gate.quiet(&self.sim).await;
        let acted = older.software.act(action).await.map_err(|source| Error::Io {
            site: Site::new("older_software", &self.spec.name, None),
            doing: action.describe(),
            outcome: Outcome::NotDone,
            source,
        })?;
        if !acted {
            return Ok(false);
        }
        // Its last step was the change.
        let began = (self.tick(), self.storage.io_steps());
        older.gate.changed(began.0);
        let nobodys = Handle { number: usize::MAX, opened: began.0 };
        self.note(place, (0, nobodys), (began, began.1), Deed::Older(action.clone()));
        Ok(true)
    }

    /// Makes what was done part of the history.
    fn note(
        &self,
        place: Place,
        (variant, handle): (u8, Handle),
        ((invoked, io_invoked), io_returned): ((u64, usize), usize),
        deed: Deed<S>,
    ) {
        let reading = self.clock.take_reading(place.client);
        let call = Call {
            phase: place.phase,
            client: place.client,
            action: place.action,
            deed,
            variant,
            handle,
            faults: self.sim.take_met(place.client),
            now: reading.unwrap_or_else(|| self.clock.peek()),
            invoked,
            returned: self.tick(),
            io_invoked,
            io_returned,
        };
        lock(&self.calls).push(call);
    }

    /// Makes a call that another process did part of the history.
    pub fn record(&self, call: Call<S>) {
        lock(&self.calls).push(call);
    }

    /// A call was found to go on for ever.
    pub fn spend(&self) {
        self.sim.allow(0);
    }

    /// Counts that a client opened the storage anew while others worked.
    pub fn count_reopening(&self) {
        self.reopened.fetch_add(1, Ordering::Relaxed);
    }

    /// The next point in time.
    pub fn tick(&self) -> u64 {
        self.sim.tick()
    }

    /// What was called since this was last asked, by time of beginning.
    pub fn take_calls(&self) -> Vec<Call<S>> {
        let mut calls = std::mem::take(&mut *lock(&self.calls));
        calls.sort_unstable_by_key(|call| call.invoked);
        self.follow_those_left_alone(&mut calls);
        calls
    }

    /// What went on without its client: that is when the call returned, and what it met
    /// and read on the way is its own. A call that said how it ended had ended.
    fn follow_those_left_alone(&self, calls: &mut [Call<S>]) {
        let ended = self.sim.take_ended();
        let left_alone = std::mem::take(&mut *lock(&self.left_alone));
        for LeftAlone { invoked, number, read } in left_alone {
            let call = calls.iter_mut().find(|call| call.invoked == invoked);
            let ended = ended.iter().find(|ended| ended.number == number);
            if let (Some(call), Some(ended)) = (call.filter(|call| call.is_optional()), ended) {
                call.returned = call.returned.max(ended.time);
                call.io_returned = call.io_returned.max(ended.io_steps);
                call.faults.extend(self.sim.take_met(number));
                let reading = self.clock.take_reading(number).filter(|_| !read);
                call.now = reading.unwrap_or(call.now);
            }
        }
    }

    /// What our own software left beside the records, although a handle was opened
    /// since; where nothing can fail and nobody be killed, that is not looked for.
    pub fn leftover(&self) -> Option<String> {
        let is_killed = matches!(self.scenario.mode, Mode::Processes { .. });
        self.storage.leftover().filter(|_| is_killed || self.sim.has_faults())
    }

    /// The scenario is over: nothing fails any more.
    pub fn end_faults(&self) {
        self.sim.end_faults();
    }

    /// The faults that there were, and how many listed ones were never reached.
    pub fn faults_taken(&self) -> (Vec<Fault>, usize) {
        self.sim.faults_taken()
    }

    /// How often a client opened the storage anew while others worked on other
    /// handles.
    pub fn reopened(&self) -> u64 {
        self.reopened.load(Ordering::Relaxed)
    }

    /// Why a client could not go on, if one could not.
    pub fn take_stop(&self) -> Option<Error> {
        lock(&self.stopped).take()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
