//! A1: update and delete read the key outside the lock.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flawed, Unguarded},
        plant::InCalls,
    },
    model::api_keys::ApiKeysSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A1",
    title: "update and delete read the key outside the lock",
    class: "race / stale index",
    needs: Needs::Interleaving,
    description: "Update and delete read the key, and act on it whatever has happened since: an update \
         writes a deleted key again. The seam derives its index from the records, so that none \
         can be stale: what remains is what the two calls do to the record itself.",
    planted: &InCalls::<ApiKeysSubject>::new(&["update", "delete"], |collection| {
        Flawed::over(collection, Unguarded::against_anything())
    }),
};
