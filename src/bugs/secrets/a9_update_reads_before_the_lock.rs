//! A9: update takes the references from before the lock.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flawed, Unguarded},
        plant::InCalls,
    },
    model::secrets::SecretsSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A9",
    title: "update takes the references from before the lock",
    class: "race / stale index",
    needs: Needs::Interleaving,
    description: "Update reads the secret, and writes it back whatever has happened since: a reference \
         that was given meanwhile is lost, a deleted secret is there again. The seam derives \
         its index from the records, so that none can be stale: what remains is what the two \
         calls do to the record itself.",
    planted: &InCalls::<SecretsSubject>::new(&["update"], |collection| {
        Flawed::over(collection, Unguarded::against_anything())
    }),
};
