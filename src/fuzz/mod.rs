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
//! **To add a target**: one file here that implements [`Check`], one line in [`TARGETS`],
//! one file in `fuzz/fuzz_targets/` with its entry in `fuzz/Cargo.toml`, and a corpus.

mod crypto_decode;
mod cursor_decode;
mod envelope_decode;
mod legacy_detect;
mod operations;
mod path_mapping;
mod planted;
mod scenario_file;
pub mod seeds;

pub use planted::{PLANTED, PlantedBug};

use crate::check::registry::Found;

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
}

/// Every target.
pub static TARGETS: &[FuzzTarget] = &[
    FuzzTarget { name: "path_mapping", check: &path_mapping::SOUND },
    FuzzTarget { name: "envelope_decode", check: &envelope_decode::SOUND },
    FuzzTarget { name: "legacy_detect", check: &legacy_detect::SOUND },
    FuzzTarget { name: "cursor_decode", check: &cursor_decode::SOUND },
    FuzzTarget { name: "crypto_decode", check: &crypto_decode::SOUND },
    FuzzTarget { name: "scenario_file", check: &scenario_file::SOUND },
    FuzzTarget { name: "collection_ops", check: &operations::COLLECTION },
    FuzzTarget { name: "store_ops", check: &operations::STORES },
    FuzzTarget { name: "crash_ops", check: &operations::CRASHES },
    FuzzTarget { name: "workspace_ops", check: &operations::WORKSPACE },
];

/// The target of that name.
#[must_use]
pub fn target_named(name: &str) -> Option<&'static FuzzTarget> {
    TARGETS.iter().find(|target| target.name == name)
}
