//! What faults do to a disk.
//!
//! - A **write** that fails may have written a part before (`ENOSPC` "there was
//!   room for" fewer bytes, write(2); a short count and the error at the next
//!   attempt are one call of [`Fs::write`](crate::fs::Fs::write), which goes on
//!   after short counts, as reading does).
//! - An **fsync of a file** that fails leaves its dirty pages marked clean: they
//!   are readable until the crash, and no later fsync of that file writes them,
//!   though it may succeed. So ext4, XFS and btrfs behave (Rebello et al., "Can
//!   Applications Recover from fsync Failures?", USENIX ATC 2020; the kernel
//!   reports such an error once, `Documentation/core-api/errseq.rst`).
//! - An **fsync of a directory** that fails leaves its names as they were: in the
//!   cache, and durable with the next sync that succeeds. Names are metadata,
//!   which go through the file system's journal: where that can't be written, the
//!   file system is aborted or turned read-only (the same paper; ext4(5),
//!   `errors=`), and no later sync succeeds. That is a fault that lasts.
//! - Every **other** call that fails has no effect: a **rename** in particular is
//!   one transaction of the journal, and reports an error only where there was
//!   none (rename(2) names no error after which it may have happened; those of
//!   network file systems are not modelled).
//!
//! A client that **gives up** drops its future. The operation goes on: production
//! runs it on a thread of its own, and nobody can call it back.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use super::{SimDisk, SimFs, trace::NodeId};
use crate::sim::faults::Fault;

/// Appends as much of `bytes` as the fault lets through.
pub(super) fn fail_write(
    disk: &mut SimDisk,
    file: NodeId,
    bytes: &[u8],
    fault: &Fault,
) -> io::Error {
    let most = bytes.len().saturating_sub(1);
    let written = usize::try_from(fault.written).unwrap_or(usize::MAX).min(most);
    match disk.append(file, bytes.get(..written).unwrap_or_default()) {
        Ok(()) => fault.error(),
        Err(error) => error,
    }
}

/// Marks the dirty pages of the file clean.
pub(super) fn fail_sync(disk: &mut SimDisk, file: NodeId, fault: &Fault) -> io::Error {
    disk.fail_sync(file);
    fault.error()
}

/// An operation that goes on by itself when its caller is dropped once it has
/// begun.
pub(super) struct Detachable<'fs, T: 'static> {
    operation: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    has_begun: bool,
    fs: &'fs SimFs,
}

impl<'fs, T: 'static> Detachable<'fs, T> {
    pub(super) fn new(operation: impl Future<Output = T> + Send + 'static, fs: &'fs SimFs) -> Self {
        Self { operation: Some(Box::pin(operation)), has_begun: false, fs }
    }
}

impl<T: 'static> Future for Detachable<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.has_begun = true;
        let Some(operation) = &mut self.operation else { return Poll::Pending };
        let polled = operation.as_mut().poll(context);
        if polled.is_ready() {
            self.operation = None;
        }
        polled
    }
}

impl<T: 'static> Drop for Detachable<'_, T> {
    fn drop(&mut self) {
        let Some(operation) = self.operation.take().filter(|_| self.has_begun) else { return };
        let fs = self.fs.clone();
        let io_steps = move || fs.with_disk(SimDisk::trace_len);
        let operation = async move { drop(operation.await) };
        self.fs.sim().detach(operation, io_steps);
    }
}
