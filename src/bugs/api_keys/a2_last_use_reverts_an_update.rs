//! A2: `update_last_used` reverts a concurrent update.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flawed, Unguarded},
        plant::InCalls,
    },
    model::api_keys::ApiKeysSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A2",
    title: "update_last_used reverts a concurrent update",
    class: "lost update",
    needs: Needs::Interleaving,
    description: "A get and a put of the whole key in place of a compare-and-swap.",
    planted: &InCalls::<ApiKeysSubject>::new(&["update_last_used"], |collection| {
        Flawed::over(collection, Unguarded::against_changes())
    }),
};
