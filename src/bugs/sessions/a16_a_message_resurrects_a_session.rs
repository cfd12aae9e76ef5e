//! A16: `add_message` resurrects a deleted session.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flawed, Unguarded},
        plant::InCalls,
    },
    model::sessions::SessionsSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A16",
    title: "add_message resurrects a deleted session",
    class: "resurrect after delete",
    needs: Needs::Interleaving,
    description: "The put after a concurrent delete makes the session again. It is listed as well: the \
         seam derives its index from the records.",
    planted: &InCalls::<SessionsSubject>::new(&["add_message"], |collection| {
        Flawed::over(collection, Unguarded::against_deletions())
    }),
};
