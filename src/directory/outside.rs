//! What lies beside the stores' folders.

use std::{collections::BTreeSet, io};

use crate::fs::{DirEntry, EntryKind, Fs};

use super::{
    DirectoryError,
    layout::STORES,
    problem::{Notice, NoticeKind},
};

/// The folder of the key that secret values are encrypted with, and the file.
const KEY_FOLDER: &str = "auth";
const KEY_NAME: &str = "encryption_key";

/// Whether a name is that of a temporary file, ours or other software's.
pub(super) fn is_leftover(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with(".tmp-")
        || name.ends_with(".tmp")
        || name.contains(".json.tmp")
        || name.starts_with(".storeproof.")
}

/// A notice of something that is none of ours.
pub(super) fn foreign(path: String, kind: EntryKind) -> Notice {
    let (kind, message) = match kind {
        EntryKind::File if is_leftover(&path) => {
            (NoticeKind::Leftover, "a temporary file, by its name; left alone")
        }
        EntryKind::File => (NoticeKind::Foreign, "no record's file; left alone"),
        EntryKind::Directory => (NoticeKind::Foreign, "a directory of no store; not looked into"),
        EntryKind::Other => (NoticeKind::Foreign, "a link, a device or a socket; not followed"),
    };
    Notice { path, kind, message: message.to_owned() }
}

/// Looks at what is in the data directory beside the stores' folders.
///
/// # Errors
/// `NotADataDirectory` where something is, and nothing of it ours; `Io`.
pub(super) async fn look<F: Fs>(fs: &F) -> Result<Vec<Notice>, DirectoryError> {
    let own = fs.clone();
    fs.run(async move { look_below(&own).await }).await
}

async fn look_below<F: Fs>(fs: &F) -> Result<Vec<Notice>, DirectoryError> {
    let mut folders: BTreeSet<String> = STORES.iter().map(|store| store.folder()).collect();
    folders.insert(KEY_FOLDER.to_owned());
    let mut notices = Vec::new();
    let mut is_ours = false;
    let mut ahead = vec![(fs.root(), String::new())];
    while let Some((dir, path)) = ahead.pop() {
        for entry in list(fs, &dir, &path).await? {
            let name = entry.name.to_string_lossy();
            let below = if path.is_empty() { name.to_string() } else { format!("{path}/{name}") };
            let leads_on = folders.iter().any(|folder| {
                folder.strip_prefix(&below).is_some_and(|rest| rest.starts_with('/'))
            });
            let is_key_folder = below == KEY_FOLDER;
            if folders.contains(&below) && !is_key_folder {
                is_ours = true;
            } else if entry.kind == EntryKind::Directory && (leads_on || is_key_folder) {
                is_ours |= is_key_folder;
                match fs.open_dir(&dir, &name).await {
                    Ok(opened) => ahead.push((opened, below)),
                    // It has gone since it was listed.
                    Err(error)
                        if matches!(
                            error.kind(),
                            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                        ) => {}
                    Err(source) => {
                        let doing = format!("opening the directory {below:?}");
                        return Err(DirectoryError::Io { doing, source });
                    }
                }
            } else if path == KEY_FOLDER && name == KEY_NAME && entry.kind == EntryKind::File {
                is_ours = true;
            } else if !(path == KEY_FOLDER && name == ".storeproof.lock") {
                let slash = if entry.kind == EntryKind::Directory { "/" } else { "" };
                notices.push(foreign(below + slash, entry.kind));
            }
        }
    }
    if !is_ours && !notices.is_empty() {
        let known = folders.into_iter().collect::<Vec<_>>().join(", ");
        return Err(DirectoryError::NotADataDirectory { known });
    }
    Ok(notices)
}

async fn list<F: Fs>(fs: &F, dir: &F::Dir, path: &str) -> Result<Vec<DirEntry>, DirectoryError> {
    let failed = |source: io::Error| {
        let doing = match path {
            "" => "listing it".to_owned(),
            path => format!("listing the directory {path:?}"),
        };
        DirectoryError::Io { doing, source }
    };
    fs.read_dir(dir).await.map_err(failed)
}
