//! A7: a sibling whose name begins alike counts as inside.

use std::sync::Arc;

use crate::{
    bugs::{Bug, Needs, flaws::Escaping, plant::InBackend},
    model::collection::CollectionSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A7",
    title: "a sibling whose name begins alike counts as inside",
    class: "path traversal / sibling confusion",
    needs: Needs::AdversarialIds,
    description: "Whether a prefix leads outside is asked of the path as a text, so that `/collection2` \
         is inside `/collection`. Our file backend removes no directories by prefix: what is \
         left is that the sibling's record is listed and claimed.",
    planted: &InBackend::<CollectionSubject>::new(|sound, outside| {
        Arc::new(Escaping { sound, outside, is_inside: |own, sibling| sibling.starts_with(own) })
    }),
};
