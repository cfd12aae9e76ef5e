//! A15: update and `add_message` lose messages.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flawed, Unguarded},
        plant::InCalls,
    },
    model::sessions::SessionsSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A15",
    title: "update and add_message lose messages",
    class: "lost update",
    needs: Needs::Interleaving,
    description: "A get and a put of the whole session, messages included, in place of a \
         compare-and-swap.",
    planted: &InCalls::<SessionsSubject>::new(&["update", "add_message"], |collection| {
        Flawed::over(collection, Unguarded::against_changes())
    }),
};
