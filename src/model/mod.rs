//! Reference models: pure, without I/O, small enough to read as the
//! specification. Where two readings of a contract are possible, the model
//! decides.

pub mod collection;
pub mod divergence;
pub mod json;
pub mod legacy;
pub mod payload;
pub mod sessions;
pub mod source;
pub mod subject;
pub mod users;

#[cfg(test)]
pub(crate) mod testing;
