//! A6: a prefix of list or claim escapes the collection.

use std::sync::Arc;

use crate::{
    bugs::{Bug, Needs, flaws::Escaping, plant::InBackend},
    model::collection::CollectionSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A6",
    title: "a prefix of list or claim escapes the collection",
    class: "path traversal",
    needs: Needs::AdversarialIds,
    description: "The prefix is joined to the collection's path as it is: `../x/` selects the records \
         of the collection beside it.",
    planted: &InBackend::<CollectionSubject>::new(|sound, outside| {
        Arc::new(Escaping { sound, outside, is_inside: |_, _| true })
    }),
};
