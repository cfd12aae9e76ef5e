//! Bugs that the targets must find: a check that cannot fail shows nothing.
//!
//! One of each kind: a decoder's, a store's, and one that only a crash shows.

use super::{PlantedBug, operations::Operations, path_mapping::PathMapping};
use crate::{
    backend::file::path::RecordPath,
    bugs::{beyond::CONTENT_IS_NOT_SYNCED, catalogue::A_ROTATION_IS_LOST},
};

/// A level that is two dots, below which there are others, is joined as it is.
pub(super) static A_PATH_ESCAPES: PlantedBug = PlantedBug {
    name: "a-path-escapes",
    check: &PathMapping { of: |id| RecordPath::of(id).as_str().replace("%2E%2E/", "../") },
};

/// Two writers of a secret read the same version, and both write the next one.
pub(super) static A_ROTATION_IS_NOT_KEPT: PlantedBug = PlantedBug {
    name: "a-rotation-is-lost",
    check: &Operations { stores: &[A_ROTATION_IS_LOST.planted], crashes: false },
};

/// What is in a record's file is not durable, and its name is.
pub(super) static CONTENT_NOT_SYNCED: PlantedBug = PlantedBug {
    name: "content-is-not-synced",
    check: &Operations { stores: &[CONTENT_IS_NOT_SYNCED.planted], crashes: true },
};
