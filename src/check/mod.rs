//! The harness: scenarios, their runs, what the model says of them, and what
//! becomes of those that diverge.

pub mod attention;
pub mod backends;
pub mod calibration;
pub mod campaign;
pub mod campaign_state;
pub mod corpus;
pub mod coverage;
pub mod crash;
pub mod exhaustive;
mod explain;
mod faults;
pub mod findings;
mod gate;
pub mod generate;
pub mod history;
pub mod input;
pub mod jobs;
mod limits;
pub mod linearize;
pub mod one_line;
pub mod processes;
pub mod registry;
pub mod regression;
pub mod replay;
mod run;
pub mod scenario;
pub mod schema;
pub mod shard;
pub mod shrink;
#[cfg(test)]
mod smoke;
pub mod statistics;
pub mod totals;
pub mod trace_hash;
mod untouched;
pub mod verify;
pub mod violation;
