//! Bugs that the targets must find: a check that cannot fail shows nothing.

use super::{Check, operations::Operations, path_mapping::PathMapping};
use crate::{
    backend::file::path::RecordPath,
    bugs::{beyond::CONTENT_IS_NOT_SYNCED, catalogue::bug_named},
    check::input::TakesInput,
};

/// A bug, and the target that finds it.
pub struct PlantedBug {
    /// What it is called.
    pub name: &'static str,
    /// The name of the target.
    pub target: &'static str,
    /// What the target checks, with the bug in it.
    pub check: &'static dyn Check,
}

/// One of each kind: a decoder's, a store's, and one that only a crash shows.
pub static PLANTED: &[PlantedBug] = &[
    PlantedBug { name: "a-path-escapes", target: "path_mapping", check: &A_PATH_ESCAPES },
    PlantedBug { name: "a-rotation-is-lost", target: "store_ops", check: &A_ROTATION_IS_LOST },
    PlantedBug {
        name: "content-is-not-synced",
        target: "crash_ops",
        check: &CONTENT_NOT_SYNCED,
    },
];

/// A level that is two dots, below which there are others, is joined as it is.
static A_PATH_ESCAPES: PathMapping =
    PathMapping { of: |id| RecordPath::of(id).as_str().replace("%2E%2E/", "../") };

/// A secret that is written twice at the same moment has one version.
static A_ROTATION_IS_LOST: Operations =
    Operations::of_typed_stores().with_bug("secrets", || catalogued("A10"));

static CONTENT_NOT_SYNCED: Operations =
    Operations::of_crashes().with_bug("collection", || CONTENT_IS_NOT_SYNCED.planted);

/// The catalogue has each of its bugs; where not, nothing is planted, and nothing found.
fn catalogued(id: &str) -> &'static dyn TakesInput {
    let bug = bug_named(id).unwrap_or(&CONTENT_IS_NOT_SYNCED);
    bug.planted
}
