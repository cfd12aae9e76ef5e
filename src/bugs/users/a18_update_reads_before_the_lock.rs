//! A18: update and delete read the user before the lock.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flawed, Unguarded},
        plant::InCalls,
    },
    model::users::UsersSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A18",
    title: "update and delete read the user before the lock",
    class: "race / stale index",
    needs: Needs::Interleaving,
    description: "Update and delete read the user, and act on it whatever has happened since: an update \
         writes a deleted user again. The seam derives its index from the records, so that \
         none can be stale: what remains is what the two calls do to the record itself.",
    planted: &InCalls::<UsersSubject>::new(&["update", "delete"], |collection| {
        Flawed::over(collection, Unguarded::against_anything())
    }),
};
