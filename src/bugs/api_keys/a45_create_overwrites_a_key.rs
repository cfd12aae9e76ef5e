//! A45: create overwrites an existing id.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{CreatesOverExisting, Flawed},
        plant::InCalls,
    },
    model::api_keys::ApiKeysSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A45",
    title: "create overwrites an existing id",
    class: "duplicate id",
    needs: Needs::Sequence,
    description: "Only the name is checked. The index follows the records, so that the first name is \
         free again.",
    planted: &InCalls::<ApiKeysSubject>::new(&["create"], |collection| {
        Flawed::over(collection, CreatesOverExisting)
    }),
};
