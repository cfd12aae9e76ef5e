//! A47: create overwrites an existing id.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{CreatesOverExisting, Flawed},
        plant::InCalls,
    },
    model::users::UsersSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A47",
    title: "create overwrites an existing id",
    class: "duplicate id",
    needs: Needs::Sequence,
    description: "Name and identity are checked, the id is not.",
    planted: &InCalls::<UsersSubject>::new(&["create"], |collection| {
        Flawed::over(collection, CreatesOverExisting)
    }),
};
