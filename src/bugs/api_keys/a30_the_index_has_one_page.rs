//! A30: the index is rebuilt from the first page only.

use std::sync::Arc;

use crate::{
    bugs::{Bug, Needs, flaws::FirstPageIndex, plant::InBackend},
    model::api_keys::ApiKeysSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A30",
    title: "the index is rebuilt from the first page only",
    class: "pagination truncation",
    needs: Needs::SmallPages,
    description: "The original store kept an index of names in memory. Ours leaves that to the backend: \
         here, one whose index is built from one page when the collection is opened.",
    planted: &InBackend::<ApiKeysSubject>::new(|sound, _| {
        Arc::new(FirstPageIndex { sound, keys: &["name"], counts: false })
    }),
};
