//! The records of workers that older software left.

use crate::seam::RecordId;

/// Whether a record is one of older software, by its name: the hex SHA-256 of a
/// worker's id. Our own never are; see `store::worker_heartbeats`.
pub(in crate::bugs) fn is_older_name(id: &RecordId) -> bool {
    let text = id.as_str();
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
