//! Under which records a worker's heartbeat may lie.

use std::fmt::{self, LowerHex};

use sha2::{Digest, Sha256};

/// "The record id is the worker id (one that is itself 64 hex digits, or begins
/// with `id/`, gets `id/` before it)."
pub(super) fn own_name(worker_id: &str) -> String {
    if is_plain(worker_id) { worker_id.to_owned() } else { format!("id/{worker_id}") }
}

/// Whether the record id is the worker id.
pub(super) fn is_plain(worker_id: &str) -> bool {
    let is_hash = worker_id.len() == 64 && worker_id.chars().all(|c| c.is_ascii_hexdigit());
    !is_hash && !worker_id.starts_with("id/")
}

/// "Older layout: the file is named by the hex SHA-256 of the worker id."
pub(super) fn older_name(worker_id: &str) -> String {
    format!("{:x}", Hex(Sha256::digest(worker_id.as_bytes()).as_slice()))
}

struct Hex<'a>(&'a [u8]);

impl LowerHex for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
