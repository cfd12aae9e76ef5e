//! A12: a record without a secret panics `write_value`.

use crate::{
    bugs::{
        Bug, Needs, flaws::Flawed, plant::InCalls, secrets::taken_for_granted::TakenForGranted,
    },
    model::secrets::SecretsSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A12",
    title: "a record without a secret panics write_value",
    class: "missing payload / corruption",
    needs: Needs::SeededFiles,
    description: "It takes for granted that what it reads has a member `secret`. (A type without null \
         can't be dereferenced by mistake: the nearest is a panic where the member is \
         missing.)",
    planted: &InCalls::<SecretsSubject>::new(&["write_value"], |collection| {
        Flawed::over(collection, TakenForGranted)
    }),
};
