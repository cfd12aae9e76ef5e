//! A24: `delete_stale` removes a worker that was refreshed.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flawed, Unguarded},
        plant::InCalls,
    },
    model::worker_heartbeats::WorkerHeartbeatsSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A24",
    title: "delete_stale removes a worker that was refreshed",
    class: "check to use",
    needs: Needs::Interleaving,
    description: "It lists the workers and deletes the stale ones, whatever they have become meanwhile.",
    planted: &InCalls::<WorkerHeartbeatsSubject>::new(&["delete_stale"], |collection| {
        Flawed::over(collection, Unguarded::against_anything())
    }),
};
