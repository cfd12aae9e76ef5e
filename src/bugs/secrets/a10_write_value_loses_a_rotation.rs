//! A10: `write_value` loses a rotation.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flawed, Unguarded},
        plant::InCalls,
    },
    model::secrets::SecretsSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A10",
    title: "write_value loses a rotation",
    class: "lost update / duplicate version number",
    needs: Needs::Interleaving,
    description: "Two writers read the same current version, and both write the next one.",
    planted: &InCalls::<SecretsSubject>::new(&["write_value"], |collection| {
        Flawed::over(collection, Unguarded::against_changes())
    }),
};
