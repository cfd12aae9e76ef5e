//! Where collections really live.

pub mod file;
