//! A36: list returns one page.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{FirstPage, Flawed},
        plant::InCalls,
    },
    model::users::UsersSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A36",
    title: "list returns one page",
    class: "pagination truncation",
    needs: Needs::SmallPages,
    description: "The cursor of the next page is ignored.",
    planted: &InCalls::<UsersSubject>::new(&["list"], |collection| {
        Flawed::over(collection, FirstPage)
    }),
};
