//! Where collections really live.

pub mod memory;
