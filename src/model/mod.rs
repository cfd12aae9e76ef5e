//! Reference models: pure, without I/O, small enough to read as the
//! specification. Where two readings of a contract are possible, the model
//! decides.

pub mod divergence;
pub mod legacy;
pub mod source;
pub mod subject;
