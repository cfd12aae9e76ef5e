//! Reference models: pure, without I/O, small enough to read as the
//! specification. Where two readings of a contract are possible, the model
//! decides.

pub mod access;
pub mod api_keys;
pub mod collection;
pub mod divergence;
pub mod failure;
pub mod json;
pub mod legacy;
pub mod listing;
pub mod members;
pub mod payload;
mod sealed;
pub mod secrets;
pub mod sessions;
pub mod source;
pub mod subject;
pub mod users;
pub mod watermark;
pub mod webhooks;
pub mod worker_heartbeats;
pub mod working_sets;
pub mod workspace;

#[cfg(test)]
pub(crate) mod testing;
