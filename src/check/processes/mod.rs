//! Real processes: clients of a scenario each in a process of its own, on one
//! directory of the real file system, some of them killed while they call.
//!
//! The parent sends each process its client's operations, one after the other,
//! and notes when it sent one and when the outcome came: a call lies within that
//! time. So the calls of all processes are one history, which is judged as any
//! other. Who is killed (SIGKILL) has a call without an outcome: it may have had
//! its effect or not, until the storage was opened anew; then a new process goes
//! on in its place. The clock is the scenario's: each call is sent with the time
//! that it is to read.

pub mod child;
mod clients;
mod crew;
mod process;
mod protocol;

use serde::{Deserialize, Serialize};

pub(super) use clients::run_clients;
pub use crew::{Crew, Program};
pub use protocol::Opening;

/// A process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kill {
    /// Which client's.
    pub client: usize,
    /// During which of its actions, which is a call.
    pub operation: usize,
    /// So many microseconds after the call was sent, if it takes so long;
    /// otherwise when it has returned.
    pub after_microseconds: u32,
}
