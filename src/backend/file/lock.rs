//! The lock file: who may write, and a generation that tells readers whether
//! anything changed.
//!
//! Head of the file: the generation as 8 bytes, little-endian, then one byte
//! that is 1 while a commit of several files is being applied. A writer makes
//! the generation odd before its first visible change, and even again once all
//! of it is durable. An odd one without a writer tells that one died, or could
//! not make its change durable: whoever takes the lock then settles that first.
//!
//! The generation itself is never synced: nobody who has read it outlives the
//! power.

use std::io;

use crate::{
    fs::{Access, Fs},
    seam::Result,
};

use super::{
    apply::not_done,
    intent,
    open::{settle_asides, sync_all_directories},
    storage::{Call, Storage},
};

/// The name of the lock file.
pub(super) const LOCK_NAME: &str = ".storeproof.lock";

/// What the head of the lock file says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) generation: u64,
    /// Several files are being changed as one.
    pub(super) several: bool,
}

impl Head {
    /// Whether a change is under way, or was left unsettled.
    pub(super) fn is_changing(self) -> bool {
        self.generation % 2 == 1
    }

    /// Whether a change of several files is.
    pub(super) fn is_unsettled(self) -> bool {
        self.is_changing() && self.several
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let Some((generation, rest)) = bytes.split_first_chunk() else { return Self::default() };
        Self {
            generation: u64::from_le_bytes(*generation),
            several: rest.first().is_some_and(|byte| *byte == 1),
        }
    }

    pub(super) fn to_bytes(self) -> [u8; 9] {
        let mut bytes = [0; 9];
        for (slot, byte) in bytes.iter_mut().zip(self.generation.to_le_bytes()) {
            *slot = byte;
        }
        if let Some(last) = bytes.last_mut() {
            *last = u8::from(self.several);
        }
        bytes
    }
}

/// What the lock is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To read what others must not change meanwhile.
    Read,
    /// To write.
    Write,
}

/// The lock, until dropped.
pub(super) struct Held<F: Fs> {
    file: F::File,
    head: Head,
}

/// Reads the head without the lock.
pub(super) async fn read_head<F: Fs>(call: &Call<'_, F>) -> Result<Head> {
    match call.storage.fs.read_head(&call.storage.head).await {
        Ok(bytes) => Ok(Head::from_bytes(&bytes)),
        Err(error) => Err(call.not_done("reading", LOCK_NAME, error)),
    }
}

/// Opens the lock file, making it where it is missing, and says whether it did.
pub(super) async fn open_lock_file<F: Fs>(
    fs: &F,
    root: &F::Dir,
    access: Access,
) -> io::Result<(F::File, bool)> {
    loop {
        match fs.open_file(root, LOCK_NAME, access).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return Ok((opened?, false)),
        }
        match fs.create_file(root, LOCK_NAME).await {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return Ok((made?, true)),
        }
    }
}

/// Waits for the lock, then settles what a writer left that died.
///
/// For reading it is enough that the visible state is whole; that it could not
/// be made durable is then the next writer's trouble.
pub(super) async fn acquire<F: Fs>(call: &Call<'_, F>, purpose: Purpose) -> Result<Held<F>> {
    let Storage { fs, root, .. } = call.storage;
    let (file, _) = open_lock_file(fs, root, Access::ReadWrite)
        .await
        .map_err(|error| call.not_done("opening", LOCK_NAME, error))?;
    let mut held = hold(call, file).await?;
    if held.head.is_changing() {
        Box::pin(held.settle(call, purpose)).await?;
    }
    Ok(held)
}

/// Waits for the lock on the open lock file, and settles nothing.
pub(super) async fn hold<F: Fs>(call: &Call<'_, F>, file: F::File) -> Result<Held<F>> {
    let fs = &call.storage.fs;
    fs.lock(&file).await.map_err(|error| call.not_done("locking", LOCK_NAME, error))?;
    let head = match fs.read_head(&file).await {
        Ok(bytes) => Head::from_bytes(&bytes),
        Err(error) => return Err(call.not_done("reading", LOCK_NAME, error)),
    };
    Ok(Held { file, head })
}

impl<F: Fs> Held<F> {
    /// Whether a writer left something unsettled.
    pub(super) fn is_unsettled(&self) -> bool {
        self.head.is_changing()
    }

    /// Settles what a writer that died left aside, completes its intent, if there
    /// is one, and makes
    /// durable whatever it may have made visible: what others read from now on
    /// must not be lost before what they write.
    pub(super) async fn settle(&mut self, call: &Call<'_, F>, purpose: Purpose) -> Result<()> {
        // Whatever fails here, the operation itself has not begun.
        settle_asides(call).await.map_err(not_done)?;
        let settled = match intent::complete(call).await.map_err(not_done)? {
            intent::Completed::Durably => Ok(()),
            intent::Completed::Visibly(error) => Err(error),
            intent::Completed::Nothing => sync_all_directories(call).await,
        };
        match (settled, purpose) {
            (Ok(()), _) => {
                if self.is_unsettled() {
                    self.finish(call).await;
                }
                Ok(())
            }
            (Err(_), Purpose::Read) => Ok(()),
            (Err(error), Purpose::Write) => Err(not_done(error)),
        }
    }

    /// Tells readers that a change begins; `several`: of more than one file.
    pub(super) async fn begin(&mut self, call: &Call<'_, F>, several: bool) -> Result<()> {
        let head = Head { generation: self.head.generation | 1, several };
        match call.storage.fs.write_head(&self.file, &head.to_bytes()).await {
            Ok(()) => {
                self.head = head;
                Ok(())
            }
            Err(error) => Err(call.not_done("writing", LOCK_NAME, error)),
        }
    }

    /// Tells readers that the change is over and durable.
    pub(super) async fn finish(&mut self, call: &Call<'_, F>) {
        let generation = self.head.generation.wrapping_add(1);
        let head = Head { generation, several: false };
        // A failure undoes nothing: the generation stays odd, and whoever
        // takes the lock next finds that there is nothing to settle.
        if call.storage.fs.write_head(&self.file, &head.to_bytes()).await.is_ok() {
            self.head = head;
        }
    }

    /// The generation: odd while a change is under way.
    pub(super) fn generation(&self) -> u64 {
        self.head.generation
    }
}

#[cfg(test)]
mod tests {
    use super::Head;

    #[test]
    fn a_head_gives_back_what_was_written() {
        for head in [
            Head::default(),
            Head { generation: 7, several: true },
            Head { generation: u64::MAX, several: false },
        ] {
            assert_eq!(Head::from_bytes(&head.to_bytes()), head);
        }
    }

    #[test]
    fn a_new_or_torn_lock_file_begins_at_zero() {
        assert_eq!(Head::from_bytes(b""), Head::default());
        assert_eq!(Head::from_bytes(b"1234567"), Head::default());
    }
}
