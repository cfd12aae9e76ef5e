//! The operating system's file system.

/// The operating system's file system below one directory.
#[derive(Clone, Debug)]
pub struct OsFs;
