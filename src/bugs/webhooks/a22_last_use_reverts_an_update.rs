//! A22: `update_last_used` reverts a concurrent update.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flawed, Unguarded},
        plant::InCalls,
    },
    model::webhooks::WebhooksSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A22",
    title: "update_last_used reverts a concurrent update",
    class: "lost update",
    needs: Needs::Interleaving,
    description: "A get and a put of the whole webhook in place of a compare-and-swap: a token that was \
         replaced is live again.",
    planted: &InCalls::<WebhooksSubject>::new(&["update_last_used"], |collection| {
        Flawed::over(collection, Unguarded::against_changes())
    }),
};
