//! What older software may have left, as plain data.

use serde::{Deserialize, Serialize};

use crate::seam::Instant;

/// A flat file of older software: the payload itself, under its raw id.
///
/// Plain data of the scenario: the writer of the files and the model's initial
/// state are both made from it, and neither uses the code that reads files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyDocument {
    /// The record's id; the file is `<id>.json` below the collection's
    /// directory, nothing in it encoded.
    pub id: String,
    /// The file's content, byte for byte.
    pub text: String,
    /// The file's time of modification, which stands for times that the
    /// payload does not have.
    pub modified: Instant,
}
