//! The history that a crash ended.

use crate::{
    check::{
        history::{Call, Deed, PENDING, Phase},
        run::Run,
    },
    model::subject::{Operation, Subject},
};

/// What is known to have happened before a crash, and all crashes before it.
pub(super) struct Past<S: Subject> {
    /// By time of beginning.
    pub(super) calls: Vec<Call<S>>,
    /// Whether the power was ever lost: then all that is left is durable, but
    /// for what was done since.
    pub(super) power_lost: bool,
}

impl<S: Subject> Past<S> {
    /// The past of a crash after `after` steps of a life with these calls, which
    /// began with the past `begun`.
    pub(super) fn new(
        run: &Run<'_, S>,
        begun: Option<&Self>,
        calls: &[Call<S>],
        after: usize,
        power_lost: bool,
    ) -> Self {
        let mut history: Vec<Call<S>> = Vec::new();
        if let Some(begun) = begun {
            let binds = |call: &&Call<S>| !power_lost || !changed_nothing(call);
            history.extend(begun.calls.iter().filter(binds).cloned());
        }
        let earlier = history.len();
        history.extend(before_the_crash(calls, after, power_lost));
        let recovery = run.tick();
        // So do those of which it was never known, if nobody looked before.
        let killed = |call: &&mut Call<S>| {
            matches!(call.deed, Deed::Call { seen: None, .. }) || call.returned == PENDING
        };
        for call in history.iter_mut().skip(earlier).filter(killed) {
            call.returned = recovery;
        }
        let lost_before = begun.is_some_and(|begun| begun.power_lost);
        if power_lost && !lost_before {
            let undone = undo_older(run, &history);
            // Who was killed may have its effect after that: recovery completes
            // it.
            for call in history.iter_mut().skip(earlier).filter(killed) {
                call.returned = run.tick();
            }
            history.extend(undone);
        }
        Self { calls: history, power_lost: power_lost || lost_before }
    }
}

fn changed_nothing<S: Subject>(call: &Call<S>) -> bool {
    match &call.deed {
        Deed::Call { op, seen } => op.is_read() || (seen.is_some() && call.changes_nothing()),
        Deed::Older(_) | Deed::Undone(_) => false,
    }
}

/// The power was lost, and older software syncs no directory: each of its
/// changes may be gone.
fn undo_older<S: Subject>(run: &Run<'_, S>, history: &[Call<S>]) -> Vec<Call<S>> {
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
    undone
}

/// The calls that had begun when `after` I/O steps were made; those that had
/// not returned have no outcome.
///
/// When the power is lost, what was read or refused before binds nothing: it
/// may have been about writes that were never acknowledged.
fn before_the_crash<S: Subject>(
    calls: &[Call<S>],
    after: usize,
    power_lost: bool,
) -> impl Iterator<Item = Call<S>> {
    let calls = calls.iter().filter(|call| call.phase != Phase::Afterwards);
    calls.filter_map(move |call| {
        let returned = call.io_returned <= after;
        let begun = returned || call.io_invoked < after;
        let changed_nothing = match &call.deed {
            Deed::Call { op, .. } => op.is_read() || (returned && call.changes_nothing()),
            Deed::Older(_) | Deed::Undone(_) => false,
        };
        // What failed binds nothing either; it is kept to be shown.
        let is_shown = returned && call.has_failed();
        if !begun || changed_nothing && !is_shown && (power_lost || !returned) {
            return None;
        }
        let mut call = call.clone();
        if let Deed::Call { seen, .. } = &mut call.deed {
            seen.take_if(|_| !returned);
        }
        Some(call)
    })
}
