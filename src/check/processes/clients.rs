//! The clients of a scenario, each in a process of its own.

use std::{
    panic::resume_unwind,
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde_json::value::to_raw_value;

use super::{
    Kill,
    crew::Crew,
    process::{Asked, PATIENCE, Process},
    protocol::{Answer, Opening, Request},
};
use crate::{
    check::{
        history::{Call, Deed, Phase},
        run::Run,
        scenario::Action,
        trace_hash::mix,
    },
    model::subject::{Handle, Subject},
    seam::{Error, Outcome, Site},
};

/// Runs each client of the scenario in a process of its own, all at the same
/// time, and makes their calls part of the run's history. Says how many of them
/// were killed.
///
/// # Errors
/// When a process can't be started or fails otherwise than by a kill.
///
/// # Panics
/// As a process did.
pub(in crate::check) fn run_clients<S: Subject>(
    run: &Run<'_, S>,
    crew: &Crew,
    directory: &Path,
    kills: &[Kill],
) -> Result<u64, Error> {
    let mut seats = Vec::new();
    for number in 0..run.scenario.clients.len() {
        seats.push(Seat::take(run, crew, directory, number).map_err(|stop| stop.tell(run))?);
    }
    let killed = Mutex::new(0);
    let stopped: Mutex<Option<Stop>> = Mutex::new(None);
    #[expect(clippy::disallowed_methods, reason = "a thread for each process that is waited for")]
    std::thread::scope(|scope| {
        for seat in seats {
            scope.spawn(|| match seat.follow(kills) {
                Ok(count) => *locked(&killed) += count,
                Err(stop) => *locked(&stopped) = Some(stop),
            });
        }
    });
    match stopped.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(stop) => Err(stop.tell(run)),
        None => Ok(killed.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a client could not go on.
enum Stop {
    /// It panicked.
    Panic(String),
    /// It went on for ever.
    NoEnd,
    /// Otherwise.
    Failed(String),
}

impl Stop {
    fn tell<S: Subject>(self, run: &Run<'_, S>) -> Error {
        let problem = match self {
            Self::Panic(message) => resume_unwind(Box::new(message)),
            Self::NoEnd => {
                run.spend();
                "a call does not come to an end".to_owned()
            }
            Self::Failed(problem) => problem,
        };
        let collection = S::spec().name;
        let site = Site::new("run", &collection, None);
        Error::Backend { site, problem, outcome: Outcome::Unknown }
    }
}

/// A client's place at its process.
struct Seat<'a, S: Subject> {
    run: &'a Run<'a, S>,
    crew: &'a Crew,
    directory: &'a Path,
    number: usize,
    variant: u8,
    /// The store that it has open.
    handle: Handle,
    /// How often it opened the storage.
    openings: u64,
    /// None while one is being replaced.
    process: Option<Process>,
}

impl<'a, S: Subject> Seat<'a, S> {
    /// A seat at a process that has the store open.
    fn take(
        run: &'a Run<'a, S>,
        crew: &'a Crew,
        directory: &'a Path,
        number: usize,
    ) -> Result<Self, Stop> {
        let (variant, handle, openings) = (0, Handle::default(), 0);
        let mut seat =
            Self { run, crew, directory, number, variant, handle, openings, process: None };
        seat.open()?;
        Ok(seat)
    }

    /// Opens the storage anew, in a new process if there is none.
    fn open(&mut self) -> Result<(), Stop> {
        let mut process = match self.process.take() {
            Some(process) => process,
            None => self.crew.take().map_err(|error| Stop::Failed(error.to_string()))?,
        };
        let place = (self.number as u64) << 32 | self.openings;
        self.openings += 1;
        let opening = Opening {
            store: S::NAME.to_owned(),
            backend: self.run.target.backend.name().to_owned(),
            directory: self.directory.display().to_string(),
            page_size: self.run.scenario.page_size,
            seed: mix(self.run.scenario.seed ^ mix(place + 1)),
            variant: self.variant,
            further: S::further_collections(self.run.scenario.operations()),
            now: self.run.clock.peek(),
        };
        self.handle = self.run.next_handle();
        let asked = process.ask(&Request::Open(opening), PATIENCE);
        self.process = Some(process);
        match asked {
            Asked::Answer(Answer::Opened) => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    /// Does all that the client does; says how often its process was killed.
    fn follow(mut self, kills: &[Kill]) -> Result<u64, Stop> {
        let mut killed = 0;
        let actions = self.run.scenario.clients.get(self.number).map_or(&[][..], Vec::as_slice);
        for (operation, action) in actions.iter().enumerate() {
            match action {
                Action::AdvanceClock(seconds) => self.run.clock.advance(*seconds),
                Action::Reopen { variant } => {
                    self.variant = *variant;
                    self.open()?;
                    self.run.count_reopening();
                }
                // Older software is no process of ours.
                Action::Older(_) => {}
                Action::Call(op) => {
                    let is_here =
                        |kill: &&Kill| (kill.client, kill.operation) == (self.number, operation);
                    let kill = kills.iter().find(is_here);
                    self.call(operation, op, kill)?;
                    killed += u64::from(kill.is_some());
                }
            }
        }
        if let Some(process) = self.process.take() {
            self.crew.give_back(process);
        }
        Ok(killed)
    }

    fn call(&mut self, action: usize, op: &S::Op, kill: Option<&Kill>) -> Result<(), Stop> {
        let Some(mut process) = self.process.take() else {
            return Err(Stop::Failed("the process is gone".to_owned()));
        };
        let now = self.run.clock.peek();
        let given = to_raw_value(op).map_err(|error| Stop::Failed(error.to_string()))?;
        let micros = |kill: &Kill| Duration::from_micros(kill.after_microseconds.into());
        let patience = kill.map_or(PATIENCE, micros);
        let invoked = self.run.tick();
        let mut asked = process.ask(&Request::Call { op: given, now }, patience);
        if kill.is_none() {
            self.process = Some(process);
        } else if let Some(late) = process.kill()
            && matches!(asked, Asked::Silence)
        {
            asked = Asked::Answer(late);
        }
        let mut call = Call {
            phase: Phase::Clients,
            client: self.number,
            action,
            deed: Deed::Call { op: op.clone(), seen: None },
            variant: self.variant,
            handle: self.handle,
            // Nothing fails but the process.
            faults: Vec::new(),
            now,
            invoked,
            returned: self.run.tick(),
            io_invoked: 0,
            io_returned: 0,
        };
        match asked {
            Asked::Answer(Answer::Seen { op, seen }) => {
                let malformed = |_| Stop::Failed("an answer that can't be read".to_owned());
                let op = serde_json::from_str(op.get()).map_err(malformed)?;
                let seen = serde_json::from_str(seen.get()).map_err(malformed)?;
                call.deed = Deed::Call { op, seen: Some(seen) };
                if kill.is_some() {
                    self.open()?;
                }
            }
            Asked::Silence if kill.is_some() => {
                // It may have its effect until the storage is opened anew: then
                // what it left half done is completed.
                self.open()?;
                call.returned = self.run.tick();
            }
            Asked::Silence => return Err(Stop::NoEnd),
            other => return Err(unexpected(other)),
        }
        self.run.record(call);
        Ok(())
    }
}

fn unexpected(asked: Asked) -> Stop {
    match asked {
        Asked::Answer(Answer::Panicked(message)) => Stop::Panic(message),
        Asked::Answer(Answer::Failed(problem)) => Stop::Failed(problem),
        Asked::Answer(Answer::Opened | Answer::Seen { .. }) => {
            Stop::Failed("an answer to another question".to_owned())
        }
        Asked::Silence => Stop::NoEnd,
        Asked::Ended => Stop::Failed("the process ended by itself".to_owned()),
    }
}
