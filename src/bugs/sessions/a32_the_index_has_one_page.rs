//! A32: the index is rebuilt from the first page only.

use std::sync::Arc;

use crate::{
    bugs::{Bug, Needs, flaws::FirstPageIndex, plant::InBackend},
    model::sessions::SessionsSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A32",
    title: "the index is rebuilt from the first page only",
    class: "pagination truncation",
    needs: Needs::SmallPages,
    description: "The original store kept an index of users and parents in memory. Ours leaves that to \
         the backend: here, one whose index is built from one page when the collection is \
         opened.",
    planted: &InBackend::<SessionsSubject>::new(|sound, _| {
        Arc::new(FirstPageIndex { sound, keys: &["user_id", "parent_session_id"], counts: false })
    }),
};
