//! A48: create overwrites an existing id.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{CreatesOverExisting, Flawed},
        plant::InCalls,
    },
    model::webhooks::WebhooksSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A48",
    title: "create overwrites an existing id",
    class: "duplicate id",
    needs: Needs::Sequence,
    description: "Only the DAG is checked: the existing webhook's token is lost.",
    planted: &InCalls::<WebhooksSubject>::new(&["create"], |collection| {
        Flawed::over(collection, CreatesOverExisting)
    }),
};
