//! Fuzz targets: what a coverage-guided fuzzer runs its inputs through, and what must
//! hold of every one of them.
//!
//! | target | input | what must hold |
//! |---|---|---|
//! | `path_mapping` | ids and paths | a reference of the mapping, its inverse, injectivity, containment |
//! | `envelope_decode` | the bytes of a file | the format's definition, round trips |
//! | `legacy_detect` | a path and the bytes of its file | one rule names each file, rewriting keeps records and entities |
//! | `cursor_decode` | a cursor's text | round trips; where a listing goes on |
//! | `crypto_decode` | a key, a stored text | round trips; nothing that was changed opens |
//! | `scenario_file` | a replay file | a clear error, or the same scenario when written again, which runs |
//! | `collection_ops` `store_ops` `workspace_ops` | choices | what `check` proves: the models |
//! | `crash_ops` | choices | the same after a crash |
//!
//! `fuzz/` has a program of libFuzzer's for each; the committed corpora in `fuzz/corpus/`
//! are run by `cargo test` as well. An input is bytes that nobody need understand: what
//! was found by one of the operations is kept as a replay file ([`Check::smallest`]), what
//! was found by a decoder as an input in its corpus.
//!
//! **To add a target**: one file here that implements [`Check`], its [`FuzzTarget`] in [`TARGETS`],
//! one file in `fuzz/fuzz_targets/` with its entry in `fuzz/Cargo.toml`, its options in
//! `fuzz/options/NAME.options`, and a corpus.

mod crypto_decode;
mod cursor_decode;
mod envelope_decode;
mod handed_in;
mod legacy_detect;
mod operations;
mod path_mapping;
mod planted;
mod scenario_file;
pub mod seeds;

use crate::check::findings::Found;

/// What must hold of every input.
pub trait Check: Sync {
    /// What does not hold of this one, if anything. May panic as well: that is never
    /// right.
    fn problem(&self, input: &[u8]) -> Option<String>;

    /// The smallest scenario that fails as this input does, with its replay file; none
    /// where inputs are no scenarios, or where it does not fail.
    fn smallest(&self, input: &[u8]) -> Option<Found> {
        let _ = input;
        None
    }
}

/// A fuzz target.
pub struct FuzzTarget {
    /// Its name: that of its program, and of its corpus.
    pub name: &'static str,
    /// What must hold.
    pub check: &'static dyn Check,
    /// Bugs that it must find.
    pub planted: &'static [&'static PlantedBug],
}

/// What a target checks, with a bug in it.
pub struct PlantedBug {
    /// What the bug is called.
    pub name: &'static str,
    /// What must hold, and does not.
    pub check: &'static dyn Check,
}

impl FuzzTarget {
    const fn new(name: &'static str, check: &'static dyn Check) -> Self {
        Self { name, check, planted: &[] }
    }

    const fn finds(self, planted: &'static [&'static PlantedBug]) -> Self {
        Self { planted, ..self }
    }
}

// Each on its own, so that a program that has one of them has no more code than that one
// needs: a fuzzer looks at all of it after every input.

/// Ids to paths and back.
pub static PATH_MAPPING: FuzzTarget =
    FuzzTarget::new("path_mapping", &path_mapping::SOUND).finds(&[&planted::A_PATH_ESCAPES]);
/// The bytes of a record's file.
pub static ENVELOPE_DECODE: FuzzTarget =
    FuzzTarget::new("envelope_decode", &envelope_decode::SOUND);
/// Files of older software.
pub static LEGACY_DETECT: FuzzTarget = FuzzTarget::new("legacy_detect", &legacy_detect::SOUND);
/// Cursors.
pub static CURSOR_DECODE: FuzzTarget = FuzzTarget::new("cursor_decode", &cursor_decode::SOUND);
/// Secret values at rest.
pub static CRYPTO_DECODE: FuzzTarget = FuzzTarget::new("crypto_decode", &crypto_decode::SOUND);
/// Replay files.
pub static SCENARIO_FILE: FuzzTarget = FuzzTarget::new("scenario_file", &scenario_file::SOUND);
/// The collection.
pub static COLLECTION_OPS: FuzzTarget = FuzzTarget::new("collection_ops", &operations::COLLECTION);
/// All other stores.
pub static STORE_OPS: FuzzTarget = FuzzTarget::new("store_ops", &operations::OTHER_STORES)
    .finds(&[&planted::A_ROTATION_IS_NOT_KEPT]);
/// Crashes of any store.
pub static CRASH_OPS: FuzzTarget =
    FuzzTarget::new("crash_ops", &operations::CRASHES).finds(&[&planted::CONTENT_NOT_SYNCED]);
/// The workspace.
pub static WORKSPACE_OPS: FuzzTarget = FuzzTarget::new("workspace_ops", &operations::WORKSPACE);

/// Every target.
pub static TARGETS: &[&FuzzTarget] = &[
    &PATH_MAPPING,
    &ENVELOPE_DECODE,
    &LEGACY_DETECT,
    &CURSOR_DECODE,
    &CRYPTO_DECODE,
    &SCENARIO_FILE,
    &COLLECTION_OPS,
    &STORE_OPS,
    &CRASH_OPS,
    &WORKSPACE_OPS,
];
