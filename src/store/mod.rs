//! The typed stores: a payload type, its keys, and rules that read like their
//! contract. Everything hard about races, crashes and other processes is the
//! seam's.

pub mod api_keys;
pub mod document;
pub mod encryption;
pub(crate) mod entities;
pub mod error;
pub(crate) mod fields;
pub mod instant_text;
pub mod key_file;
mod long_member;
pub mod secrets;
pub mod sessions;
pub mod users;
pub mod watermark;
pub mod webhooks;
pub mod worker_heartbeats;
pub mod workspace_access;
