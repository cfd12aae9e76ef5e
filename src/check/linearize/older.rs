//! What changes by older software may do to calls that run meanwhile, and what
//! a loss of power does to such changes.

use super::Search;
use crate::{
    check::history::{Call, Deed, older_step},
    model::{legacy::OlderAction, subject::Subject},
};

/// How much of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All that is left of it: by then it has written what it writes.
    Whole,
    /// One of the steps before.
    Step,
}

impl<S: Subject> Search<'_, S> {
    /// The states after what `call` does, as `apply` says it, to one in which a
    /// change by older software has not happened that was made meanwhile.
    ///
    /// Older software takes no lock: between a look at the files and their
    /// replacement there is nothing that it can't do. So a write that began
    /// before the change may not have seen it: neither when it replaced the same
    /// record, nor when it looked whether another one has a unique value.
    pub(super) fn beside_older(
        &self,
        call: &Call<S>,
        model: &S::Model,
        part: Part,
        apply: impl Fn(&S::Model) -> Vec<S::Model>,
    ) -> Vec<S::Model> {
        let mut states = Vec::new();
        if call.changes_nothing() {
            return states;
        }
        for (change, action, earlier) in self.changes_by_older() {
            if call.invoked > change.invoked {
                continue;
            }
            let mut without = model.clone();
            S::legacy_undone(&mut without, earlier, action.id());
            for after in apply(&without) {
                let with = |other: &S::Model| {
                    let mut state = after.clone();
                    S::legacy_undone(&mut state, other, action.id());
                    state
                };
                // It replaced what the change made of the record, or left it alone.
                let writes = part == Part::Whole && call.surely_writes(action);
                let replaces = writes || with(&without) != after;
                // Who removes a record removes what he saw: what was written since stays.
                let is_gone = {
                    let mut gone = after.clone();
                    S::legacy_removed(&mut gone, action.id());
                    gone == after
                };
                if is_gone || !replaces {
                    states.push(with(model));
                }
                if replaces {
                    states.push(after);
                }
            }
        }
        states
    }

    /// The state after the undoing that `call` is, if it is one: as before the
    /// change, if the record still is as the change left it.
    pub(super) fn undone(&self, call: &Call<S>, model: &S::Model) -> Option<S::Model> {
        let Deed::Undone(time) = call.deed else { return None };
        let mut changes = self.changes_by_older();
        let (_, action, earlier) = changes.find(|(change, ..)| change.invoked == time)?;
        let mut after = earlier.clone();
        older_step::<S>(&mut after, action);
        let mut as_it_left = model.clone();
        S::legacy_undone(&mut as_it_left, &after, action.id());
        if as_it_left != *model {
            return None;
        }
        S::legacy_undone(&mut as_it_left, earlier, action.id());
        Some(as_it_left)
    }

    /// The changes by older software that are taken, with the state before each.
    fn changes_by_older(&self) -> impl Iterator<Item = (&Call<S>, &OlderAction, &S::Model)> {
        self.before_older.iter().filter_map(|(k, earlier)| {
            let change = self.calls.get(*k)?;
            let Deed::Older(action) = &change.deed else { return None };
            Some((change, action, earlier))
        })
    }
}
