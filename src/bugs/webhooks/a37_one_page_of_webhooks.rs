//! A37: list returns one page.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{FirstPage, Flawed},
        plant::InCalls,
    },
    model::webhooks::WebhooksSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A37",
    title: "list returns one page",
    class: "pagination truncation",
    needs: Needs::SmallPages,
    description: "The cursor of the next page is ignored.",
    planted: &InCalls::<WebhooksSubject>::new(&["list"], |collection| {
        Flawed::over(collection, FirstPage)
    }),
};
