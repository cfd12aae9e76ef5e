//! A19: concurrent deletes count twice.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flawed, Unguarded},
        plant::InCalls,
    },
    model::users::UsersSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A19",
    title: "concurrent deletes count twice",
    class: "race / counter drift",
    needs: Needs::Interleaving,
    description: "Two deletes both find the user, and both say that they removed it. The count is that \
         of the records, and can't drift: what remains is that two deletes of one user \
         succeed.",
    planted: &InCalls::<UsersSubject>::new(&["delete"], |collection| {
        Flawed::over(collection, Unguarded::against_anything())
    }),
};
