//! Where collections really live.

pub mod file;
pub mod memory;
