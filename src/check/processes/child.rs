//! A process: opens stores and calls them, as its parent says.

use std::{
    io::{self, BufRead, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::value::{RawValue, to_raw_value};

use super::protocol::{Answer, GREETING, Opening, Request};
use crate::{
    check::{
        backends::open_shared,
        registry::store_named,
        verify::{catching_panics, panic_message},
    },
    model::subject::{Subject, Surroundings},
    seam::{Backend, Clock, Collection, Entropy, Instant},
    sim::{entropy::SimEntropy, single::run_alone},
};

/// Makes the backend that a process works on.
pub type MakeBackend<'a> =
    dyn Fn(&Opening, Arc<dyn Clock>, Arc<dyn Entropy>) -> Result<Arc<dyn Backend>, String> + 'a;

/// Serves a parent until its input ends, on the backends that processes share.
///
/// # Errors
/// Those of the streams.
pub fn serve(input: impl BufRead, output: impl Write) -> io::Result<()> {
    serve_with(input, output, &|opening, clock, entropy| {
        let directory = Path::new(&opening.directory);
        open_shared(&opening.backend, directory, clock, entropy, opening.page_size)
            .map_err(|error| error.to_string())
    })
}

/// As [`serve`], on a backend of one's own: a broken one, say.
///
/// # Errors
/// Those of the streams.
pub fn serve_with(
    mut input: impl BufRead,
    mut output: impl Write,
    backend: &MakeBackend<'_>,
) -> io::Result<()> {
    // On a line of its own, whatever came before.
    write!(output, "\n{GREETING}\n")?;
    output.flush()?;
    let clock = Arc::new(HandedClock::default());
    let mut seat: Option<Box<dyn Seat>> = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let answer = match serde_json::from_slice(&line) {
            Ok(Request::Open(opening)) => {
                seat = None;
                clock.hand(opening.now);
                match open(&opening, &clock, backend) {
                    Ok(opened) => {
                        seat = Some(opened);
                        Answer::Opened
                    }
                    Err(problem) => Answer::Failed(problem),
                }
            }
            Ok(Request::Call { op, now }) => {
                clock.hand(now);
                match &mut seat {
                    Some(seat) => call(&mut **seat, &op),
                    None => Answer::Failed("nothing is open".to_owned()),
                }
            }
            // Without what the line holds: values are not for error messages.
            Err(error) => Answer::Failed(format!("no request, at column {}", error.column())),
        };
        let mut text = serde_json::to_vec(&answer)?;
        text.push(b'\n');
        output.write_all(&text)?;
        output.flush()?;
    }
}

fn open(
    opening: &Opening,
    clock: &Arc<HandedClock>,
    backend: &MakeBackend<'_>,
) -> Result<Box<dyn Seat>, String> {
    let store = store_named(&opening.store);
    let store = store.ok_or_else(|| format!("there is no store {:?}", opening.store))?;
    let entropy: Arc<dyn Entropy> = Arc::new(SimEntropy::new(opening.seed));
    let clock: Arc<dyn Clock> = Arc::<HandedClock>::clone(clock);
    let backend = backend(opening, Arc::clone(&clock), Arc::clone(&entropy))?;
    let opened = |spec| alone(backend.open(spec))?.map_err(|error| error.to_string());
    let collection = opened(store.spec())?;
    let further = opening.further.iter().map(|name| {
        let spec = store.further_spec(name);
        opened(spec.ok_or_else(|| format!("{} has no collection {name:?}", opening.store))?)
    });
    let further = further.collect::<Result<_, _>>()?;
    let surroundings = Surroundings { clock, entropy, variant: opening.variant, further };
    Ok(store.seat(collection, &surroundings))
}

fn call(seat: &mut dyn Seat, op: &RawValue) -> Answer {
    let done = catching_panics(|| catch_unwind(AssertUnwindSafe(|| seat.call(op))));
    match done {
        Ok(Ok((op, seen))) => Answer::Seen { op, seen },
        Ok(Err(problem)) => Answer::Failed(problem),
        Err(panic) => Answer::Panicked(panic_message(panic.as_ref()).to_owned()),
    }
}

/// On real files nothing waits but by blocking.
fn alone<T>(future: impl Future<Output = T>) -> Result<T, String> {
    run_alone(0, future).ok_or_else(|| "a call waits although nobody else is there".to_owned())
}

/// A store that a process has open, whatever its operations are.
pub trait Seat {
    /// Does an operation, and says what it was, with everything resolved, and
    /// what came of it.
    ///
    /// # Errors
    /// What is wrong with the operation, without its content.
    fn call(&mut self, op: &RawValue) -> Result<(Box<RawValue>, Box<RawValue>), String>;
}

struct StoreSeat<S: Subject> {
    store: Arc<S::Store>,
    memory: S::Memory,
}

/// A seat at our own store on a collection.
pub(crate) fn seat<S: Subject>(
    collection: Arc<dyn Collection>,
    surroundings: &Surroundings,
) -> Box<dyn Seat> {
    let store = S::open(collection, surroundings);
    Box::new(StoreSeat::<S> { store, memory: S::Memory::default() })
}

impl<S: Subject> Seat for StoreSeat<S> {
    fn call(&mut self, op: &RawValue) -> Result<(Box<RawValue>, Box<RawValue>), String> {
        let malformed = |error: serde_json::Error| format!("no operation of {}: {error}", S::NAME);
        let mut op: S::Op = serde_json::from_str(op.get()).map_err(malformed)?;
        let seen = alone(S::execute(&self.store, &mut op, &mut self.memory))?;
        let unspeakable = |_| format!("an outcome of {} is no JSON", S::NAME);
        let op = to_raw_value(&op).map_err(unspeakable)?;
        Ok((op, to_raw_value(&seen).map_err(unspeakable)?))
    }
}

/// A clock that shows what it was handed.
#[derive(Debug, Default)]
struct HandedClock(Mutex<Option<Instant>>);

impl HandedClock {
    fn hand(&self, now: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }
}

impl Clock for HandedClock {
    fn now(&self) -> Instant {
        let now = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        now.unwrap_or(Instant::UNIX_EPOCH)
    }
}
