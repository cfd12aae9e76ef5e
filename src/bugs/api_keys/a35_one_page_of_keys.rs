//! A35: list returns one page.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{FirstPage, Flawed},
        plant::InCalls,
    },
    model::api_keys::ApiKeysSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A35",
    title: "list returns one page",
    class: "pagination truncation",
    needs: Needs::SmallPages,
    description: "The cursor of the next page is ignored.",
    planted: &InCalls::<ApiKeysSubject>::new(&["list"], |collection| {
        Flawed::over(collection, FirstPage)
    }),
};
