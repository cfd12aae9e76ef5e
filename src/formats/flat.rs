//! Files of older software: the payload itself, without an envelope.

use crate::{
    backend::file::{path::RecordPath, stored::read_stored},
    fs::FileTime,
    seam::{LegacySpec, Record},
};

/// When every such file was last changed: seconds and nanoseconds.
pub(super) const MODIFIED: (i64, u32) = (7, 8);

/// The record that the file `<id>.json` is.
pub(super) fn record(id: &str, bytes: &[u8], legacy: &LegacySpec) -> Result<Record, String> {
    let path = RecordPath::parse(&format!("{id}.json")).ok_or("it has no place")?;
    let (seconds, nanoseconds) = MODIFIED;
    let stored = read_stored(&path, bytes, FileTime { seconds, nanoseconds }, legacy);
    let record = stored.content.map_err(|damage| damage.problem)?;
    if record.data.bytes() != bytes {
        return Err("it is not taken for a flat payload".to_owned());
    }
    Ok(record)
}
