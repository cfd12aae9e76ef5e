//! The typed stores: a payload type, its keys, and rules that read like their
//! contract. Everything hard about races, crashes and other processes is the
//! seam's.

pub mod document;
pub mod error;
pub mod instant_text;
mod raw_object;
pub mod sessions;
pub mod users;
