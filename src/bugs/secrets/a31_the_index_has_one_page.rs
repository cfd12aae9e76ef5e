//! A31: the index is rebuilt from the first page only.

use std::sync::Arc;

use crate::{
    bugs::{Bug, Needs, flaws::FirstPageIndex, plant::InBackend},
    model::secrets::SecretsSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A31",
    title: "the index is rebuilt from the first page only",
    class: "pagination truncation",
    needs: Needs::SmallPages,
    description: "The original store kept an index of references in memory. Ours leaves that to the \
         backend: here, one whose index is built from one page when the collection is opened.",
    planted: &InBackend::<SecretsSubject>::new(|sound, _| {
        Arc::new(FirstPageIndex { sound, keys: &["ref"], counts: false })
    }),
};
