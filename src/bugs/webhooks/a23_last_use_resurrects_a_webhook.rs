//! A23: `update_last_used` resurrects a deleted webhook.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flawed, Unguarded},
        plant::InCalls,
    },
    model::webhooks::WebhooksSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A23",
    title: "update_last_used resurrects a deleted webhook",
    class: "resurrect after delete",
    needs: Needs::Interleaving,
    description: "A get and a put of the whole webhook in place of a compare-and-swap; changes are \
         noticed, a deletion is not.",
    planted: &InCalls::<WebhooksSubject>::new(&["update_last_used"], |collection| {
        Flawed::over(collection, Unguarded::against_deletions())
    }),
};
