//! The typed stores.
