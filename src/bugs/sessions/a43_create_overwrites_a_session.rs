//! A43: create overwrites an existing id.

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{CreatesOverExisting, Flawed},
        plant::InCalls,
    },
    model::sessions::SessionsSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A43",
    title: "create overwrites an existing id",
    class: "duplicate id",
    needs: Needs::Sequence,
    description: "The existing session of the same user is replaced, its messages are lost. The seam \
         keeps ids unique among users, so that another user's session is safe.",
    planted: &InCalls::<SessionsSubject>::new(&["create"], |collection| {
        Flawed::over(collection, CreatesOverExisting)
    }),
};
