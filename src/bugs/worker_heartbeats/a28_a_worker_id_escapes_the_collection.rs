//! A28: upsert accepts a worker id that escapes the collection.

use crate::{
    bugs::{Bug, Needs, flaws::NaivePaths, plant::InFileSystem},
    model::worker_heartbeats::WorkerHeartbeatsSubject,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A28",
    title: "upsert accepts a worker id that escapes the collection",
    class: "path traversal",
    needs: Needs::AdversarialIds,
    description: "The worker's id is used as a path. Any id is legal in our store, and safe because the \
         file backend encodes it; here, the file system below takes the encoded `..` for the \
         parent.",
    planted: &InFileSystem::<WorkerHeartbeatsSubject, _>::new(NaivePaths::new),
};
