//! Older software: what wrote flat files before there were envelopes, and may
//! go on doing so beside us.
//!
//! It shares no code with what reads such files, takes no lock, and knows of no
//! record but by its raw name. A file is written under a temporary name of its
//! own, synced, and renamed; the directory is not synced.

use std::{
    future::Future,
    io::{ErrorKind, Result},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    fs::Fs,
    model::legacy::{LegacyDocument, OlderAction},
};

/// A process of older software on a storage.
pub trait OlderSoftware: Send + Sync {
    /// Changes a file, and says whether it did: it can't where a directory has
    /// the file's name, or a file that of a directory, and what is not there is
    /// not removed. Its last step is the rename, or the removal: nothing comes
    /// between it and the return.
    ///
    /// # Errors
    /// Those of the file system.
    fn act<'a>(
        &'a self,
        action: &'a OlderAction,
    ) -> Pin<Box<dyn Future<Output = Result<bool>> + Send + 'a>>;
}

/// Older software over a file system.
pub(super) struct FlatFiles<F> {
    fs: F,
    /// The directories that lead to the collection.
    directory: Vec<Arc<str>>,
    /// How many temporary files it has made.
    made: AtomicU64,
}

impl<F: Fs> FlatFiles<F> {
    pub(super) fn new<'a>(fs: F, directory: impl Iterator<Item = &'a str>) -> Self {
        Self { fs, directory: directory.map(Arc::from).collect(), made: AtomicU64::new(0) }
    }

    /// The directory where the file of that raw id lies, and the file's name.
    /// Directories that are missing are made, if `make`.
    async fn place(&self, id: &str, make: bool) -> Result<(F::Dir, String)> {
        let (levels, name) =
            id.rsplit_once('/').map_or((None, id), |(above, name)| (Some(above), name));
        let levels = levels.into_iter().flat_map(|levels| levels.split('/'));
        let mut dir = self.fs.root();
        for level in self.directory.iter().map(AsRef::as_ref).chain(levels) {
            dir = match self.fs.open_dir(&dir, level).await {
                Err(error) if make && error.kind() == ErrorKind::NotFound => {
                    match self.fs.create_dir(&dir, level).await {
                        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                            return Err(error);
                        }
                        _ => self.fs.open_dir(&dir, level).await?,
                    }
                }
                opened => opened?,
            };
        }
        Ok((dir, format!("{name}.json")))
    }

    async fn write(&self, document: &LegacyDocument) -> Result<()> {
        let (dir, name) = self.place(&document.id, true).await?;
        let temporary = format!(".tmp-{}", self.made.fetch_add(1, Ordering::Relaxed));
        let file = self.fs.create_file(&dir, &temporary).await?;
        self.fs.write(&file, document.text.as_bytes()).await?;
        self.fs.sync_file(&file).await?;
        drop(file);
        self.fs.rename(&dir, &temporary, &dir, &name).await
    }

    async fn remove(&self, id: &str) -> Result<()> {
        let (dir, name) = self.place(id, false).await?;
        self.fs.remove_file(&dir, &name).await
    }
}

impl<F: Fs> OlderSoftware for FlatFiles<F> {
    fn act<'a>(
        &'a self,
        action: &'a OlderAction,
    ) -> Pin<Box<dyn Future<Output = Result<bool>> + Send + 'a>> {
        Box::pin(async move {
            let acted = match action {
                OlderAction::Write(document) => self.write(document).await,
                OlderAction::Remove { id } => self.remove(id).await,
            };
            match acted {
                Ok(()) => Ok(true),
                Err(error) => match (error.kind(), action) {
                    (ErrorKind::IsADirectory | ErrorKind::NotADirectory, _)
                    | (ErrorKind::NotFound, OlderAction::Remove { .. }) => Ok(false),
                    _ => Err(error),
                },
            }
        })
    }
}
