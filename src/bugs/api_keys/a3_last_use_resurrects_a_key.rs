//! A3: `update_last_used` resurrects a deleted key.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flawed, Unguarded},
        plant::InCalls,
    },
    model::api_keys::ApiKeysSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A3",
    title: "update_last_used resurrects a deleted key",
    class: "resurrect after delete",
    needs: Needs::Interleaving,
    description: "A get and a put of the whole key in place of a compare-and-swap; changes are noticed, \
         a deletion is not.",
    planted: &InCalls::<ApiKeysSubject>::new(&["update_last_used"], |collection| {
        Flawed::over(collection, Unguarded::against_deletions())
    }),
};
