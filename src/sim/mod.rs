//! The simulated world: a seeded executor, schedules, a disk that crashes, a
//! clock that does as it is told.

pub mod blocking;
pub mod clock;
mod database_faults;
pub mod disk;
pub mod entropy;
pub mod executor;
mod fault_kind;
pub mod faults;
pub mod schedule;
pub mod scheduled;
pub mod single;
