//! A5: a record id escapes the collection.

use crate::{
    bugs::{Bug, Needs, flaws::NaivePaths, plant::InFileSystem},
    model::collection::CollectionSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A5",
    title: "a record id escapes the collection",
    class: "path traversal",
    needs: Needs::AdversarialIds,
    description: "Ids are joined to the collection's path as they are: `..` leads up. The file backend \
         encodes that level; here, the file system below it takes the encoded name for the \
         parent.",
    planted: &InFileSystem::<CollectionSubject, _>::new(NaivePaths::new),
};
