//! A34: list and `delete_stale` see one page.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{FirstPage, Flawed},
        plant::InCalls,
    },
    model::worker_heartbeats::WorkerHeartbeatsSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A34",
    title: "list and delete_stale see one page",
    class: "pagination truncation",
    needs: Needs::SmallPages,
    description: "The cursor of the next page is ignored.",
    planted: &InCalls::<WorkerHeartbeatsSubject>::new(&["list", "delete_stale"], |collection| {
        Flawed::over(collection, FirstPage)
    }),
};
