//! A21: update and delete read the webhook before the lock.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flawed, Unguarded},
        plant::InCalls,
    },
    model::webhooks::WebhooksSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A21",
    title: "update and delete read the webhook before the lock",
    class: "race / stale index",
    needs: Needs::Interleaving,
    description: "Update and delete read the webhook, and act on it whatever has happened since: a DAG \
         that was given meanwhile is lost, a deleted webhook is there again. The seam derives \
         its index from the records, so that none can be stale: what remains is what the two \
         calls do to the record itself.",
    planted: &InCalls::<WebhooksSubject>::new(&["update", "delete"], |collection| {
        Flawed::over(collection, Unguarded::against_anything())
    }),
};
