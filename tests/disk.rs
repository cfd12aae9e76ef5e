//! The two file systems: the operating system's and the simulated disk.

mod equivalence;
mod locks;
mod promises;
mod system;

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use storeproof::{
    fs::{Durability, FileTime, OsFs},
    sim::{
        disk::{SimDisk, SimFs},
        executor::Sim,
    },
};
use tempfile::TempDir;

const TIME: FileTime = FileTime { seconds: 1_000_000_000, nanoseconds: 0 };

/// Runs what nobody else can hold up: alone on its file system.
fn alone<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    for _ in 0..10_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
    panic!("it waits for somebody, and there is nobody");
}

/// A simulated disk with nothing on it.
fn simulated() -> SimFs {
    SimFs::new(SimDisk::new(), Sim::default())
}

/// The real file system below a directory that goes with the guard. It does not
/// sync.
fn real() -> (TempDir, OsFs) {
    let dir = TempDir::new().expect("a temporary directory");
    let fs = OsFs::open(dir.path()).expect("it can be opened");
    (dir, fs.with_durability(Durability::Process))
}
