//! Where collections really live.

mod arguments;
mod judge;

pub mod file;
pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;
