//! What the clients did and saw.

use crate::{model::subject::Subject, seam::Instant};

/// Which client number the setup and the observations after a run have.
pub const ALONE: usize = 0;

/// One call of a store.
#[derive(Debug)]
pub struct Call<S: Subject> {
    /// In which part of the run.
    pub phase: Phase,
    /// By which client.
    pub client: usize,
    /// The number of the client's action, from 0.
    pub action: usize,
    /// What was called, with everything resolved.
    pub op: S::Op,
    /// What came back; none: nothing did, the client was killed.
    pub seen: Option<S::Seen>,
    /// The variant in which the client had opened the store.
    pub variant: u8,
    /// The clock that the call read.
    pub now: Instant,
    /// When it began. All times of a history are distinct.
    pub invoked: u64,
    /// When it returned; [`PENDING`] if it never did.
    pub returned: u64,
    /// How many I/O steps had been made when it began.
    pub io_invoked: usize,
    /// How many when it returned.
    pub io_returned: usize,
}

impl<S: Subject> Clone for Call<S> {
    fn clone(&self) -> Self {
        Self { op: self.op.clone(), seen: self.seen.clone(), ..*self }
    }
}

/// The time of return of a call that never returned.
pub const PENDING: u64 = u64::MAX;

/// The parts of a run, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before the clients.
    Setup,
    /// The clients.
    Clients,
    /// Looking at what the run, or a crash, left.
    Afterwards,
}
