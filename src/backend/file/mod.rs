//! Records as files: one file a record, below the collection's directory.

pub mod envelope;
pub mod path;
pub mod stored;
