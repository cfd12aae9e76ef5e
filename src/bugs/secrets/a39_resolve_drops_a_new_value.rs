//! A39: resolve drops a concurrent `write_value`.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flawed, Unguarded},
        plant::InCalls,
    },
    model::secrets::SecretsSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A39",
    title: "resolve drops a concurrent write_value",
    class: "lost update",
    needs: Needs::Interleaving,
    description: "It writes the whole secret back, its values included, to note when it was resolved.",
    planted: &InCalls::<SecretsSubject>::new(&["resolve"], |collection| {
        Flawed::over(collection, Unguarded::against_changes())
    }),
};
