//! A29: the index is rebuilt from the first page only.

use std::sync::Arc;

use crate::{
    bugs::{Bug, Needs, flaws::FirstPageIndex, plant::InBackend},
    model::users::UsersSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A29",
    title: "the index is rebuilt from the first page only",
    class: "pagination truncation",
    needs: Needs::SmallPages,
    description: "The original store kept an index of names, identities and the count in memory. Ours \
         leaves that to the backend: here, one whose index is built from one page when the \
         collection is opened.",
    planted: &InBackend::<UsersSubject>::new(|sound, _| {
        Arc::new(FirstPageIndex { sound, keys: &["username", "oidc_identity"], counts: true })
    }),
};
