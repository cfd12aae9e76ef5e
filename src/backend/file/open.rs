//! Opening a collection: its directories, its lock file, what the file system
//! must be able to do, and what writers that died have left.

use std::{io, sync::Arc};

use crate::{
    fs::{Access, EntryKind, Fs},
    seam::{Clock, CollectionSpec, Entropy, Error, Outcome, Result, Site},
};

use super::{
    FileOptions,
    apply::not_done,
    aside,
    atomic::is_temporary,
    catalog::join,
    intent::INTENT_NAME,
    lock::{self, LOCK_NAME, Purpose, open_lock_file},
    quarantine::QUARANTINE_NAME,
    storage::{Call, Place, Storage, levels_of},
    walk::may_hold_records,
};

/// What a handle is made of.
pub(super) struct Parts<F: Fs> {
    pub(super) fs: F,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) options: FileOptions,
    pub(super) spec: CollectionSpec,
}

/// Opens the collection, creating it where there is none.
pub(super) async fn open<F: Fs>(parts: Parts<F>) -> Result<Storage<F>> {
    let failed = |doing: &str, path: &str, source: io::Error| Error::Io {
        site: Site::new("open", &parts.spec.name, None),
        doing: format!("{doing} {path:?}"),
        outcome: Outcome::NotDone,
        source,
    };
    let root = make_root(&parts, failed).await?;
    let (file, is_new) = open_lock_file(&parts.fs, &root, Access::ReadWrite)
        .await
        .map_err(|error| failed("opening", LOCK_NAME, error))?;
    let head = parts
        .fs
        .open_file(&root, LOCK_NAME, Access::Read)
        .await
        .map_err(|error| failed("opening", LOCK_NAME, error))?;
    let storage = Storage::new(parts, root, head);
    let call = Call::new(&storage, "open", None);
    let mut held = lock::hold(&call, file).await?;
    check_names(&call, is_new).await?;
    // After a loss of power there may be an intent whatever the generation
    // says; and an odd one has to be settled.
    let pending = exists(&call, INTENT_NAME).await?;
    if pending || held.is_unsettled() {
        held.settle(&call, Purpose::Write).await?;
    }
    sweep(&call).await?;
    drop(held);
    Ok(storage)
}

/// The collection's directory. The names of all its levels are durable
/// afterwards, also when somebody else made them and died.
async fn make_root<F: Fs>(
    parts: &Parts<F>,
    failed: impl Fn(&str, &str, io::Error) -> Error + Send + Copy,
) -> Result<F::Dir> {
    let fs = &parts.fs;
    let mut dir = fs.root();
    for level in parts.spec.directories() {
        let mut opened = fs.open_dir(&dir, level).await;
        if matches!(&opened, Err(error) if error.kind() == io::ErrorKind::NotFound) {
            match fs.create_dir(&dir, level).await {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(failed("making the directory", level, error));
                }
                _ => opened = fs.open_dir(&dir, level).await,
            }
        }
        let opened = opened.map_err(|error| failed("opening the directory", level, error))?;
        let synced = fs.sync_dir(&dir).await;
        synced.map_err(|error| failed("syncing the directory above", level, error))?;
        dir = opened;
    }
    Ok(dir)
}

/// Whether anything in the collection's directory has this name.
async fn exists<F: Fs>(call: &Call<'_, F>, name: &str) -> Result<bool> {
    match call.storage.fs.metadata(&call.storage.root, name).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(call.not_done("looking for", name, error)),
    }
}

/// In a composed form that normalising file systems take for another one's.
pub(super) const PROBE_NAME: &str = ".storeproof.probe-\u{e9}";
const PROBE_DECOMPOSED: &str = ".storeproof.probe-e\u{301}";

/// Refuses file systems on which two ids could be one file.
async fn check_names<F: Fs>(call: &Call<'_, F>, is_new: bool) -> Result<()> {
    let Storage { fs, root, .. } = call.storage;
    if exists(call, &LOCK_NAME.to_uppercase()).await? {
        return Err(call.backend(
            "the file system does not tell upper from lower case, so that records would \
             overwrite each other; use another one"
                .to_owned(),
        ));
    }
    if !is_new {
        return Ok(());
    }
    match fs.create_file(root, PROBE_NAME).await {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(call.not_done("creating", PROBE_NAME, error));
        }
        _ => {}
    }
    let normalises = exists(call, PROBE_DECOMPOSED).await?;
    fs.remove_file(root, PROBE_NAME)
        .await
        .map_err(|error| call.not_done("removing", PROBE_NAME, error))?;
    if normalises {
        // So that whoever comes next is refused as well. If it can't be, he may not be.
        drop(fs.remove_file(root, LOCK_NAME).await);
        return Err(call.backend(
            "the file system normalises Unicode in names, so that records would overwrite \
             each other; use another one"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Removes temporary files that nobody uses any more. What can't be listed or
/// removed stays: it harms nobody, and the next opening tries again. A loss of
/// power may have left a file aside, too, whatever the generation says.
async fn sweep<F: Fs>(call: &Call<'_, F>) -> Result<()> {
    let fs = &call.storage.fs;
    let mut tour = Tour::new(call);
    while let Some(stop) = tour.next().await {
        let Ok(Stop { dir, names, path }) = stop else { continue };
        for name in names {
            if let Some(aside) = aside::recognise(&path, &name) {
                aside::settle(call, &dir, &aside, &name).await.map_err(not_done)?;
            } else if name == PROBE_NAME {
                let _ = fs.remove_file(&dir, &name).await;
            } else if is_temporary(&name)
                && let Ok(file) = fs.open_file(&dir, &name, Access::ReadWrite).await
                && matches!(fs.try_lock(&file).await, Ok(true))
            {
                let _ = fs.remove_file(&dir, &name).await;
            }
        }
    }
    Ok(())
}

/// Settles every file that lies aside.
pub(super) async fn settle_asides<F: Fs>(call: &Call<'_, F>) -> Result<()> {
    let mut tour = Tour::new(call);
    while let Some(stop) = tour.next().await {
        let Stop { dir, path, names } = stop?;
        for name in names {
            if let Some(aside) = aside::recognise(&path, &name) {
                aside::settle(call, &dir, &aside, &name).await?;
            }
        }
    }
    Ok(())
}

/// Makes every name in the collection durable.
pub(super) async fn sync_all_directories<F: Fs>(call: &Call<'_, F>) -> Result<()> {
    let mut tour = Tour::new(call);
    while let Some(stop) = tour.next().await {
        let Stop { dir, path, .. } = stop?;
        super::atomic::sync(call, &dir, &path).await?;
    }
    Ok(())
}

/// Goes through the collection's directories that may hold files of ours, the
/// quarantine included.
struct Tour<'a, F: Fs> {
    call: Call<'a, F>,
    /// Paths yet to visit.
    ahead: Vec<String>,
}

/// A directory on the tour.
struct Stop<F: Fs> {
    dir: F::Dir,
    path: String,
    /// The regular files in it whose names are UTF-8.
    names: Vec<String>,
}

impl<'a, F: Fs> Tour<'a, F> {
    fn new(call: &Call<'a, F>) -> Self {
        Self { call: *call, ahead: vec![String::new()] }
    }

    async fn next(&mut self) -> Option<Result<Stop<F>>> {
        let path = self.ahead.pop()?;
        Some(self.visit(path).await)
    }

    async fn visit(&mut self, path: String) -> Result<Stop<F>> {
        let dir = match self.call.open_directory(levels_of(&path)).await? {
            Place::Found(dir) => dir,
            // Removed since it was listed: nothing is in it.
            Place::Absent | Place::Foreign => {
                let dir = self.call.storage.root.clone();
                return Ok(Stop { dir, path, names: Vec::new() });
            }
        };
        let fs = &self.call.storage.fs;
        let entries = fs
            .read_dir(&dir)
            .await
            .map_err(|error| self.call.not_done("listing the directory", &path, error))?;
        let mut names = Vec::new();
        for entry in entries {
            let Ok(name) = entry.name.into_string() else { continue };
            match entry.kind {
                EntryKind::File => names.push(name),
                EntryKind::Directory => {
                    let below = join(&path, &name);
                    let is_ours = path.is_empty() && name == QUARANTINE_NAME;
                    if is_ours || !name.starts_with('.') && may_hold_records(&below) {
                        self.ahead.push(below);
                    }
                }
                EntryKind::Other => {}
            }
        }
        Ok(Stop { dir, path, names })
    }
}
