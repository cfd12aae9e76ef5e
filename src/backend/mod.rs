//! Where collections really live.

mod arguments;
mod judge;
pub(crate) mod turns;
mod working_set;

pub mod file;
pub mod hybrid;
pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;
