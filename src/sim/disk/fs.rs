//! The simulated disk as a file system for clients.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use rustix::io::Errno;

use super::{
    SimDisk, faults,
    openings::{Asked, OpeningId, Openings, Ticket},
    trace::NodeId,
};
use crate::{
    fs::{Access, DirEntry, EntryKind, FileTime, Fs, HEAD_BYTES, Metadata},
    sim::{executor::Sim, faults::Fault},
};

/// A [`Fs`] over a simulated disk. All copies share the disk.
///
/// Each call passes a scheduling point of the simulation first, and then
/// happens at once, or fails where the simulation has a fault for it (`faults`
/// says how). [`lock`](Fs::lock) is given in order of arrival; a call
/// that is dropped while it waits leaves the queue.
#[derive(Clone, Debug)]
pub struct SimFs {
    disk: Shared,
    sim: Sim,
    /// Nothing fails here, whatever the simulation's faults are.
    is_sound: bool,
}

/// An open directory of a [`SimFs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimDir(NodeId);

/// An open file of a [`SimFs`]. Dropping it closes it, which releases its lock.
#[derive(Debug)]
pub struct SimFile {
    disk: Shared,
    node: NodeId,
    opening: OpeningId,
    access: Access,
}

#[derive(Clone, Debug)]
struct Shared(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    disk: SimDisk,
    openings: Openings,
}

impl Shared {
    fn with<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        action(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    /// Frees a file that has lost its last name, unless it is open.
    fn release(&mut self, node: Option<NodeId>) {
        if let Some(node) = node.filter(|node| !self.openings.is_open(*node)) {
            self.disk.release(node);
        }
    }
}

fn wake(wakers: Vec<Waker>) {
    wakers.into_iter().for_each(Waker::wake);
}

impl SimFs {
    /// Gives `disk` to clients that `sim` schedules. What the disk holds is
    /// durable, unless it is what a killed process left; from here on every step
    /// is traced.
    #[must_use]
    pub fn new(mut disk: SimDisk, sim: Sim) -> Self {
        disk.begin_trace();
        let state = State { disk, openings: Openings::default() };
        Self { disk: Shared(Arc::new(Mutex::new(state))), sim, is_sound: false }
    }

    /// A copy of the disk as it is now, trace included, without open files.
    #[must_use]
    pub fn disk(&self) -> SimDisk {
        self.with_disk(SimDisk::clone)
    }

    /// Looks at the disk as it is now. `action` must not use this file system,
    /// nor drop files of it.
    pub fn with_disk<T>(&self, action: impl FnOnce(&SimDisk) -> T) -> T {
        self.disk.with(|state| action(&state.disk))
    }

    /// The same for somebody else: nothing of theirs fails.
    #[must_use]
    pub fn without_faults(&self) -> Self {
        Self { is_sound: true, ..self.clone() }
    }

    pub(super) fn sim(&self) -> &Sim {
        &self.sim
    }

    /// Passes a scheduling point, and says what goes wrong there.
    async fn reach(&self, step: &'static str) -> Option<Fault> {
        self.sim.step(step).await;
        if self.is_sound {
            return None;
        }
        let fault = self.sim.fault(step)?;
        if fault.kind.is_cancel() {
            self.sim.give_up().await;
            return None;
        }
        Some(fault)
    }

    /// As [`Self::reach`], for a call that has no effect when it fails.
    async fn enter(&self, step: &'static str) -> io::Result<()> {
        match self.reach(step).await {
            None => Ok(()),
            Some(fault) => Err(fault.error()),
        }
    }

    fn opened(&self, state: &mut State, node: NodeId, access: Access) -> SimFile {
        let opening = state.openings.open(node);
        SimFile { disk: self.disk.clone(), node, opening, access }
    }
}

impl SimFile {
    /// Writing nothing always works.
    fn check_writable(&self, bytes: &[u8]) -> io::Result<()> {
        match self.access {
            Access::Read if !bytes.is_empty() => Err(Errno::BADF.into()),
            _ => Ok(()),
        }
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        let wakers = self.disk.with(|state| {
            let closed = state.openings.close(self.node, self.opening);
            if closed.unlocked {
                state.disk.note_unlock(self.node);
            }
            if closed.last {
                state.disk.release(self.node);
            }
            closed.wake
        });
        wake(wakers);
    }
}

impl Fs for SimFs {
    type Dir = SimDir;
    type File = SimFile;

    fn root(&self) -> SimDir {
        SimDir(NodeId::ROOT)
    }

    fn now(&self) -> FileTime {
        self.with_disk(SimDisk::now)
    }

    async fn run<T: Send + 'static>(
        &self,
        operation: impl Future<Output = T> + Send + 'static,
    ) -> T {
        if self.sim.has_faults() {
            return faults::Detachable::new(operation, self).await;
        }
        operation.await
    }

    async fn open_dir(&self, parent: &SimDir, name: &str) -> io::Result<SimDir> {
        self.enter("open_dir").await?;
        self.with_disk(|disk| disk.open_dir(parent.0, name)).map(SimDir)
    }

    async fn create_dir(&self, parent: &SimDir, name: &str) -> io::Result<()> {
        self.enter("create_dir").await?;
        self.disk.with(|state| state.disk.create(parent.0, name, EntryKind::Directory)).map(drop)
    }

    async fn remove_dir(&self, parent: &SimDir, name: &str) -> io::Result<()> {
        self.enter("remove_dir").await?;
        self.disk.with(|state| state.disk.remove_dir(parent.0, name))
    }

    async fn read_dir(&self, dir: &SimDir) -> io::Result<Vec<DirEntry>> {
        self.enter("read_dir").await?;
        self.with_disk(|disk| disk.read_dir(dir.0))
    }

    async fn metadata(&self, dir: &SimDir, name: &str) -> io::Result<Metadata> {
        self.enter("metadata").await?;
        self.with_disk(|disk| disk.metadata(dir.0, name))
    }

    async fn dir_metadata(&self, dir: &SimDir) -> io::Result<Metadata> {
        self.enter("dir_metadata").await?;
        self.with_disk(|disk| disk.node_metadata(dir.0))
    }

    async fn set_dir_modified(&self, dir: &SimDir, modified: FileTime) -> io::Result<()> {
        self.enter("set_dir_modified").await?;
        self.disk.with(|state| state.disk.set_modified(dir.0, modified))
    }

    async fn read(&self, dir: &SimDir, name: &str) -> io::Result<(Vec<u8>, Metadata)> {
        self.enter("read").await?;
        self.with_disk(|disk| {
            let (_, node, content) = disk.open_file(dir.0, name)?;
            Ok((content.bytes().to_vec(), node.metadata()))
        })
    }

    async fn create_file(&self, dir: &SimDir, name: &str) -> io::Result<SimFile> {
        self.enter("create_file").await?;
        self.disk.with(|state| {
            let node = state.disk.create(dir.0, name, EntryKind::File)?;
            Ok(self.opened(state, node, Access::ReadWrite))
        })
    }

    async fn write(&self, file: &SimFile, bytes: &[u8]) -> io::Result<()> {
        let fault = self.reach("write").await;
        file.check_writable(bytes)?;
        self.disk.with(|state| match fault {
            None => state.disk.append(file.node, bytes),
            Some(fault) => Err(faults::fail_write(&mut state.disk, file.node, bytes, &fault)),
        })
    }

    async fn sync_file(&self, file: &SimFile) -> io::Result<()> {
        let fault = self.reach("sync_file").await;
        self.disk.with(|state| match fault {
            None => {
                state.disk.sync_file(file.node);
                Ok(())
            }
            Some(fault) => Err(faults::fail_sync(&mut state.disk, file.node, &fault)),
        })
    }

    async fn sync_dir(&self, dir: &SimDir) -> io::Result<()> {
        self.enter("sync_dir").await?;
        self.disk.with(|state| state.disk.sync_dir(dir.0));
        Ok(())
    }

    async fn rename(
        &self,
        from_dir: &SimDir,
        from: &str,
        to_dir: &SimDir,
        to: &str,
    ) -> io::Result<()> {
        self.enter("rename").await?;
        self.disk.with(|state| {
            let replaced = state.disk.rename(from_dir.0, from, to_dir.0, to, true)?;
            state.release(replaced);
            Ok(())
        })
    }

    async fn rename_no_replace(
        &self,
        from_dir: &SimDir,
        from: &str,
        to_dir: &SimDir,
        to: &str,
    ) -> io::Result<()> {
        self.enter("rename_no_replace").await?;
        self.disk.with(|state| state.disk.rename(from_dir.0, from, to_dir.0, to, false).map(drop))
    }

    async fn remove_file(&self, dir: &SimDir, name: &str) -> io::Result<()> {
        self.enter("remove_file").await?;
        self.disk.with(|state| {
            let removed = state.disk.remove(dir.0, name)?;
            state.release(removed);
            Ok(())
        })
    }

    async fn open_file(&self, dir: &SimDir, name: &str, access: Access) -> io::Result<SimFile> {
        self.enter("open_file").await?;
        self.disk.with(|state| {
            let (node, ..) = state.disk.open_file(dir.0, name)?;
            Ok(self.opened(state, node, access))
        })
    }

    async fn read_head(&self, file: &SimFile) -> io::Result<Vec<u8>> {
        self.enter("read_head").await?;
        self.with_disk(|disk| disk.read_head(file.node))
    }

    async fn write_head(&self, file: &SimFile, bytes: &[u8]) -> io::Result<()> {
        self.enter("write_head").await?;
        if bytes.len() > HEAD_BYTES {
            return Err(Errno::INVAL.into());
        }
        file.check_writable(bytes)?;
        self.disk.with(|state| state.disk.write_head(file.node, bytes))
    }

    async fn lock(&self, file: &SimFile) -> io::Result<()> {
        self.enter("lock").await?;
        Locking { file, ticket: None }.await;
        Ok(())
    }

    async fn try_lock(&self, file: &SimFile) -> io::Result<bool> {
        self.enter("try_lock").await?;
        Ok(self.disk.with(|state| {
            let asked = state.openings.try_lock(file.node, file.opening);
            if asked == Some(Asked::Taken) {
                state.disk.note_lock(file.node);
            }
            asked.is_some()
        }))
    }
}

/// Waits for the lock on a file.
struct Locking<'file> {
    file: &'file SimFile,
    /// The place in the queue, once there is one.
    ticket: Option<Ticket>,
}

impl Future for Locking<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let (file, ticket) = (self.file, self.ticket.take());
        let asked = file.disk.with(|state| {
            let asked = state.openings.poll_lock(file.node, file.opening, ticket, context.waker());
            if asked == Asked::Taken {
                state.disk.note_lock(file.node);
            }
            asked
        });
        match asked {
            Asked::Taken | Asked::Held => Poll::Ready(()),
            Asked::Waiting(ticket) => {
                self.ticket = Some(ticket);
                Poll::Pending
            }
        }
    }
}

impl Drop for Locking<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            let file = self.file;
            wake(file.disk.with(|state| state.openings.give_up(file.node, file.opening, ticket)));
        }
    }
}
