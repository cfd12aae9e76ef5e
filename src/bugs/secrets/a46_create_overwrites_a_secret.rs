//! A46: create overwrites an existing id.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{CreatesOverExisting, Flawed},
        plant::InCalls,
    },
    model::secrets::SecretsSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A46",
    title: "create overwrites an existing id",
    class: "duplicate id",
    needs: Needs::Sequence,
    description: "Only the reference is checked: the values of the existing secret are gone.",
    planted: &InCalls::<SecretsSubject>::new(&["create"], |collection| {
        Flawed::over(collection, CreatesOverExisting)
    }),
};
