//! Where collections really live.

mod judge;

pub mod file;
pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;
