//! Where collections really live.
