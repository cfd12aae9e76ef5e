//! Runs a scenario and says whether what came of it is allowed.

use std::{
    cell::Cell,
    hash::Hasher,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{
    backends::BackendUnderTest,
    crash::{self, CrashCheck},
    exhaustive::{self, Scopes},
    explain, faults,
    history::{Call, Deed, Phase, older_step},
    run::{Place, Run},
    scenario::{Action, Mode, Scenario},
    statistics::{Event, Reached},
    trace_hash::TraceHasher,
    untouched::Untouched,
    violation::{Kind, Signature, Violation},
};
use crate::{
    model::{
        divergence::Divergences,
        subject::{Moment, Operation, Overlap, Subject, Surroundings, Verdict},
    },
    seam::{Collection, Error},
    sim::{
        disk::ImageKind,
        executor::End,
        faults::Fault,
        schedule::{Decider, Preemption, Schedule},
    },
};

/// Opens a store on a collection.
pub type Opener<S> =
    dyn Fn(Arc<dyn Collection>, &Surroundings) -> Arc<<S as Subject>::Store> + Send + Sync;

/// What is under proof: a store on a backend.
pub struct Target<'a, S: Subject> {
    /// The backend.
    pub backend: &'a dyn BackendUnderTest,
    /// Opens the store: our own, a foreign or a broken one.
    pub open: &'a Opener<S>,
    /// What it may do differently.
    pub divergences: &'a Divergences,
    /// How its crashes are checked.
    pub crashes: CrashCheck,
}

/// What came of a scenario.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// The first broken promise, if any.
    pub violation: Option<Violation>,
    /// The crashes that broke it: after so many I/O steps each, with what was
    /// left.
    pub crashed: Vec<(usize, ImageKind)>,
    /// The schedule that was followed; none on threads.
    pub preemptions: Option<Vec<Preemption>>,
    /// The faults that there were.
    pub faults: Vec<Fault>,
    /// How many listed preemptions and faults were never reached.
    pub stale: usize,
    /// How many calls were made.
    pub operations: u64,
    /// How many interleavings were run.
    pub schedules: u64,
    /// How many crash images were made, opened and checked.
    pub crash_images: u64,
    /// How many calls were killed before they returned.
    pub killed_calls: u64,
    /// What was covered, where every interleaving was run.
    pub scopes: Scopes,
    /// A hash of everything that must be the same in a repeated run.
    pub digest: u64,
}

/// Runs `scenario` on `target`; what it reached is counted in `reached`.
///
/// A pure function of its arguments, but for [`Mode::Threads`].
pub fn verify<S: Subject>(
    target: &Target<'_, S>,
    scenario: &Scenario<S::Op>,
    reached: &mut Reached,
) -> Verified {
    let attempt = || {
        if let Mode::Exhaustive(bounds) = scenario.mode {
            return exhaustive::check(target, scenario, bounds, reached);
        }
        let run = Run::new(target, scenario)?;
        let is_plain = scenario.crash.is_none() && scenario.faults.is_none();
        let is_alone = scenario.clients.len() == 1 && !is_in_processes(&run);
        if is_alone && is_plain && scenario.skews.is_empty() {
            or_endless(&run, sequential(&run, reached))
        } else {
            or_endless(&run, concurrent(&run, reached))
        }
    };
    match catching_panics(|| catch_unwind(AssertUnwindSafe(attempt))) {
        Ok(Ok(verified)) => verified,
        Ok(Err(error)) => broken(Kind::Opening, error.to_string(), scenario),
        Err(panic) => broken(Kind::Panic, panic_message(panic.as_ref()).to_owned(), scenario),
    }
}

/// The same, but for a run that failed because a call went on for ever.
pub(super) fn or_endless<S: Subject>(
    run: &Run<'_, S>,
    verified: Result<Verified, Error>,
) -> Result<Verified, Error> {
    match verified {
        Err(_) if run.is_endless() => Ok(broken(Kind::NoEnd, NO_END.to_owned(), run.scenario)),
        verified => verified,
    }
}

/// "A call comes to its end", however many steps that takes.
pub(super) const NO_END: &str = "every call comes to an end";

/// Does something, a panic of which is expected.
pub(super) fn catching_panics<T>(action: impl FnOnce() -> T) -> T {
    let before = CATCHING_PANICS.replace(true);
    let done = action();
    CATCHING_PANICS.set(before);
    done
}

thread_local! {
    static CATCHING_PANICS: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic on this thread would become a [`Violation`].
#[must_use]
pub fn is_catching_panics() -> bool {
    CATCHING_PANICS.get()
}

pub(super) fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message")
}

/// A run that ended before it had a history.
fn broken<Op: Operation>(kind: Kind, rule: String, scenario: &Scenario<Op>) -> Verified {
    let violation = explain::without_history(kind, rule, scenario);
    Verified { violation: Some(violation), ..Verified::default() }
}

/// One client, one call after the other: each outcome is compared as it comes,
/// and no history is kept.
fn sequential<S: Subject>(run: &Run<'_, S>, reached: &mut Reached) -> Result<Verified, Error> {
    let mut seat = run.seat(&*run.storage)?;
    let mut model = run.initial.clone();
    let mut untouched = Untouched::<S>::of(run.scenario);
    let mut digest = TraceHasher::default();
    let mut verified = Verified { preemptions: Some(Vec::new()), ..Verified::default() };
    for (place, action) in run.scenario.actions().enumerate() {
        let op = match action {
            Action::Call(op) => op,
            Action::Older(action) => {
                if run.alone(run.older(Place::ALONE, action))?? {
                    reached.count_older(action);
                    older_step::<S>(&mut model, action);
                    untouched.changed(action);
                }
                continue;
            }
            Action::AdvanceClock(seconds) => {
                run.clock.advance(*seconds);
                continue;
            }
            Action::Reopen { variant } => {
                // Nobody else has anything open: it is as if the process began anew.
                run.storage.restart();
                let opened = run.open(&*run.storage, *variant);
                (seat.store, seat.handle) = run.alone(opened)??;
                seat.variant = *variant;
                continue;
            }
        };
        let mut op = op.clone();
        let io_steps = run.storage.io_steps();
        let invoked = run.tick();
        let seen = run.alone(S::execute(&seat.store, &mut op, &mut seat.memory))?;
        let returned = run.tick();
        verified.operations += 1;
        reached.count(&op, &seen);
        reached.note_steps(&op, &seen, run.storage.io_steps().saturating_sub(io_steps));
        seen.digest(&mut digest);
        untouched.called(&op, Some(&seen));
        let moment = Moment {
            now: run.clock.peek(),
            variant: seat.variant,
            handle: seat.handle,
            invoked,
            returned,
            divergences: run.target.divergences,
            overlap: Overlap::Ids(&[]),
        };
        if let Err(broken) = S::step(&mut model, &op, &seen, &moment) {
            return with_a_history(run, explain::alone(run.scenario, place, &broken, &seen));
        }
    }
    if let Some(violation) = untouched.violation(&*run.storage) {
        let steps = explain::steps_of(run.scenario).collect();
        return with_a_history(run, Violation { steps, ..violation });
    }
    reached.note_state(&model);
    digest.write_usize(run.storage.io_steps());
    verified.digest = digest.finish();
    Ok(verified)
}

/// The same again, this time with a history to show. The rule that broke first is
/// what the failure is known by, whatever comes after it. A store that does not fail
/// again has failed all the same: then it is `seen` that is shown.
fn with_a_history<S: Subject>(run: &Run<'_, S>, seen: Violation) -> Result<Verified, Error> {
    let again = Run::new(run.target, run.scenario)?;
    let mut verified = or_endless(&again, concurrent(&again, &mut Reached::new::<S>()))?;
    match &mut verified.violation {
        Some(Violation { signature, .. }) => {
            if signature.kind == Kind::Outcome && seen.signature.kind == Kind::Outcome {
                *signature = seen.signature;
            }
        }
        none => *none = Some(seen),
    }
    Ok(verified)
}

fn concurrent<S: Subject>(run: &Run<'_, S>, reached: &mut Reached) -> Result<Verified, Error> {
    match &run.scenario.mode {
        Mode::Threads => {
            run.on_threads(run.prepared_seats()?);
            judged(run, End::Finished, reached)
        }
        Mode::Processes { kills } => {
            reached.count_events(Event::Killed, run.in_processes(kills)?);
            judged(run, End::Finished, reached)
        }
        Mode::Exhaustive(_) => interleaved(run, &mut Decider::new(&Schedule::default()), reached),
        Mode::Simulated(schedule) => {
            let mut decider = Decider::new(schedule);
            let verified = interleaved(run, &mut decider, reached)?;
            let stale = verified.stale + decider.stale();
            Ok(Verified { stale, preemptions: Some(decider.into_taken()), ..verified })
        }
    }
}

/// Runs the clients as `decider` says.
pub(super) fn interleaved<S: Subject>(
    run: &Run<'_, S>,
    decider: &mut Decider,
    reached: &mut Reached,
) -> Result<Verified, Error> {
    let end = run.simulated(run.prepared_seats()?, decider);
    judged(run, end, reached)
}

/// What came of the clients' calls.
fn judged<S: Subject>(
    run: &Run<'_, S>,
    end: End,
    reached: &mut Reached,
) -> Result<Verified, Error> {
    let mut verified = Verified::default();
    run.end_faults();
    let (faults, stale) = run.faults_taken();
    (verified.faults, verified.stale) = (faults, stale);
    if let Some(error) = run.take_stop() {
        return Err(error);
    }
    let broken = |kind, rule: &str| {
        let violation = explain::without_history(kind, rule.to_owned(), run.scenario);
        Some(violation)
    };
    match end {
        End::Finished => {}
        End::Deadlock => {
            verified.violation = broken(Kind::Deadlock, "every client comes to its end");
            return Ok(verified);
        }
        End::Endless => {
            verified.violation = broken(Kind::NoEnd, NO_END);
            return Ok(verified);
        }
    }
    let io_steps = run.storage.io_steps();
    if run.scenario.crash.is_none() {
        run.observe(&*run.storage)?;
    }
    let mut calls = run.take_calls();
    faults::wait_beside_older(&mut calls);
    verified.schedules = u64::from(run.scenario.clients.len() > 1);
    account(run, &calls, io_steps, reached, &mut verified);
    let is_killed = |call: &&Call<S>| matches!(call.deed, Deed::Call { seen: None, .. });
    verified.killed_calls = calls.iter().filter(is_killed).count() as u64;
    // Who was killed while it read tells nothing, unless a sync failed under it: whoever
    // reads completes what others left half done.
    calls.retain(|call| match &call.deed {
        Deed::Call { op, seen: None } if op.is_read() => {
            call.faults.iter().any(Fault::fails_a_sync)
        }
        _ => true,
    });
    let alone = run.scenario.clients.len() == 1;
    let kind = if alone { Kind::Outcome } else { Kind::NotLinearizable };
    if let Err(unexplained) = faults::linearize(&calls, &run.initial, run.target.divergences) {
        verified.violation = Some(explain::history(kind, &calls, &unexplained));
    } else if let Some(unjustified) = faults::unjustified(&calls) {
        verified.violation = Some(explain::unjustified(Kind::Outcome, &calls, &unjustified));
    } else if let Some(plan) = &run.scenario.crash {
        crash::check(run, plan, &calls, io_steps, &mut verified);
    } else {
        let mut untouched = Untouched::of(run.scenario);
        untouched.followed(&calls);
        let violation = untouched.violation(&*run.storage).or_else(|| left_over(run));
        verified.violation = violation.map(|violation| explain::with_steps(violation, &calls));
    }
    Ok(verified)
}

/// "A sweep at open removes" what was left half done; and an intent is "gone
/// before the lock is released".
fn left_over<S: Subject>(run: &Run<'_, S>) -> Option<Violation> {
    let path = run.leftover()?;
    let mut rule = "nothing of an interrupted call outlives an opening".to_owned();
    // The names of temporary files are random there.
    if !is_in_processes(run) {
        rule += ": ";
        rule += &path;
    }
    let signature = Signature { kind: Kind::Leftover, rule };
    Some(Violation { signature, steps: Vec::new(), crash: None })
}

fn is_in_processes<S: Subject>(run: &Run<'_, S>) -> bool {
    matches!(run.scenario.mode, Mode::Processes { .. })
}

/// Counts what the clients did. What threads happened to see is not the same
/// twice, and is left out of the statistics and of the digest.
fn account<S: Subject>(
    run: &Run<'_, S>,
    calls: &[Call<S>],
    io_steps: usize,
    reached: &mut Reached,
    verified: &mut Verified,
) {
    let by_clients = calls.iter().filter(|call| call.phase != Phase::Afterwards);
    verified.operations += by_clients.count() as u64;
    if run.scenario.mode == Mode::Threads || is_in_processes(run) {
        return;
    }
    reached.count_events(Event::Reopened, run.reopened());
    reached.note_history(calls);
    let mut digest = TraceHasher::default();
    for fault in &verified.faults {
        reached.count_fault(fault);
    }
    for call in calls {
        match &call.deed {
            Deed::Call { op, seen: Some(seen) } => {
                reached.count(op, seen);
                seen.digest(&mut digest);
            }
            Deed::Call { seen: None, .. } | Deed::Undone(_) => {}
            Deed::Older(action) => reached.count_older(action),
        }
        digest.write_usize(call.client);
        digest.write_u64(call.invoked);
        digest.write_u64(call.returned);
        digest.write_usize(call.io_returned);
    }
    digest.write_usize(io_steps);
    verified.digest = digest.finish();
}
