//! Crashes: what a storage holds after losing its process or its power at any
//! I/O step, opened anew and checked.

use std::ops::ControlFlow;

use super::{
    backends::Storage,
    explain, faults,
    history::{Call, Deed, Phase},
    run::Run,
    scenario::Crash,
    untouched::Untouched,
    verify::Verified,
    violation::{Kind, Signature, Violation},
};
use crate::{
    model::subject::{Operation, Subject},
    seam::Error,
    sim::disk::ImageKind,
};

/// Checks the crash points of a run that was recorded: the image of each is
/// made from the trace, opened anew and looked at.
pub(super) fn check<S: Subject>(
    run: &Run<'_, S>,
    plan: Crash,
    calls: &[Call<S>],
    io_steps: usize,
    verified: &mut Verified,
) {
    let points = match plan.after_steps {
        Some(point) => point.min(io_steps)..=point.min(io_steps),
        None => 0..=io_steps,
    };
    run.storage.crash(points, plan.image, &mut |after, storage| {
        verified.crash_images += 1;
        let violation = violation_after(run, plan.image, calls, after, storage);
        if violation.is_none() {
            return ControlFlow::Continue(());
        }
        verified.violation = violation;
        verified.crashed_after = Some(after);
        ControlFlow::Break(())
    });
}

/// What is wrong with the storage that a crash after so many steps left.
fn violation_after<S: Subject>(
    run: &Run<'_, S>,
    image: ImageKind,
    calls: &[Call<S>],
    after: usize,
    storage: &dyn Storage,
) -> Option<Violation> {
    let mut history = before_the_crash(calls, after, image);
    let recovery = run.tick();
    for call in history.iter_mut() {
        if matches!(call.deed, Deed::Call { seen: None, .. }) {
            call.returned = recovery;
        }
    }
    if image != ImageKind::Everything {
        undo_older(run, &mut history);
    }
    let opened = run.observe(storage);
    history.extend(run.take_calls());
    let violation = match opened {
        Err(error) => Some(does_not_open(&error)),
        Ok(()) => faults::linearize(&history, &run.initial, run.target.divergences)
            .err()
            .map(|unexplained| explain::history(Kind::Crash, &history, &unexplained))
            .or_else(|| touched(run, &history, storage)),
    };
    violation.map(|mut violation| {
        violation.crash = Some(format!("{}, after {after} I/O steps", image.describe()));
        violation
    })
}

/// The power was lost, and older software syncs no directory: each of its
/// changes may be gone.
fn undo_older<S: Subject>(run: &Run<'_, S>, history: &mut Vec<Call<S>>) {
    let changes = history.iter().filter(|call| matches!(call.deed, Deed::Older(_)));
    let undoing = |call: &Call<S>| Call {
        deed: Deed::Undone(call.invoked),
        invoked: run.tick(),
        ..call.clone()
    };
    let mut undone: Vec<_> = changes.map(undoing).collect();
    // All at once, so that the last one may go first.
    for undone in &mut undone {
        undone.returned = run.tick();
    }
    // Who was killed may have its effect after that: recovery completes it.
    let killed = |call: &&mut Call<S>| matches!(call.deed, Deed::Call { seen: None, .. });
    for call in history.iter_mut().filter(killed) {
        call.returned = run.tick();
    }
    history.extend(undone);
}

/// What changed on the storage that none of the calls was about.
fn touched<S: Subject>(
    run: &Run<'_, S>,
    history: &[Call<S>],
    storage: &dyn Storage,
) -> Option<Violation> {
    let mut untouched = Untouched::of(run.scenario);
    untouched.followed(history);
    untouched.violation(storage).map(|violation| explain::with_steps(violation, history))
}

fn does_not_open(error: &Error) -> Violation {
    let signature = Signature { kind: Kind::Opening, rule: error.to_string() };
    Violation { signature, steps: Vec::new(), crash: None }
}

/// The calls that had begun when `after` I/O steps were made; those that had
/// not returned have no outcome.
///
/// When the power is lost, what was read or refused before binds nothing: it
/// may have been about writes that were never acknowledged.
fn before_the_crash<S: Subject>(calls: &[Call<S>], after: usize, image: ImageKind) -> Vec<Call<S>> {
    let mut history = Vec::new();
    for call in calls.iter().filter(|call| call.phase != Phase::Afterwards) {
        let returned = call.io_returned <= after;
        let begun = returned || call.io_invoked < after;
        let changed_nothing = match &call.deed {
            Deed::Call { op, .. } => op.is_read() || (returned && call.changes_nothing()),
            Deed::Older(_) | Deed::Undone(_) => false,
        };
        let binds = !changed_nothing || (returned && image == ImageKind::Everything);
        if !begun || !binds {
            continue;
        }
        let mut call = call.clone();
        if let Deed::Call { seen, .. } = &mut call.deed {
            seen.take_if(|_| !returned);
        }
        history.push(call);
    }
    history
}
