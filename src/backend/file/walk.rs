//! Keeping the index true: looking at what may have changed since, and reading
//! it again.
//!
//! Older software renames files into the directories without knowing our lock.
//! What tells is the directories' time of modification, and that only once it
//! is older than the file system's clock is coarse: within one tick two changes
//! have the same time. So a directory, and likewise a file, whose time was
//! young when it was looked at is looked at again (the racy entries of git's
//! index have the same cure).

use std::{io, sync::Arc};

use crate::{
    fs::{EntryKind, FileTime, Fs, Metadata},
    seam::Result,
};

use super::{
    catalog::{Directories, Directory, Entry, Facts, Stamp, join},
    path::{MAX_LEVELS, RecordPath},
    storage::{Call, Place, levels_of},
    stored::Stored,
};

/// How coarse the clock of changes may be: a kernel's tick is 10 ms at most.
const TICK_NANOSECONDS: i64 = 20_000_000;

/// The same where times have no part of a second (FAT has two seconds).
const COARSE_SECONDS: i64 = 2;

/// Directories deeper than this are opened anew from the top, so that a deep
/// tree does not use up the process's descriptors.
const MAX_OPEN_LEVELS: usize = 64;

/// Whether any change from `now` on is sure to be stamped with another time.
fn is_past(modified: FileTime, now: FileTime) -> bool {
    let seconds = now.seconds.saturating_sub(modified.seconds);
    if modified.nanoseconds == 0 {
        return seconds > COARSE_SECONDS;
    }
    let nanoseconds = i64::from(now.nanoseconds) - i64::from(modified.nanoseconds);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds) > TICK_NANOSECONDS
}

/// Whether a record's file can lie in this directory: how far to go down.
pub(super) fn may_hold_records(path: &str) -> bool {
    path.len() <= crate::seam::RecordId::MAX_BYTES || path.split('/').count() < MAX_LEVELS
}

/// A directory that is to be looked at.
struct Visit<F: Fs> {
    path: Arc<str>,
    /// The directory above it and its name there; none: it has to be opened
    /// from the top.
    above: Option<(F::Dir, Arc<str>)>,
}

/// Makes the index true to every change that was made before this call.
///
/// Among our own writers the files may change while this runs; who needs one
/// moment's state compares the generation before and after, or holds the lock.
pub(super) async fn refresh<F: Fs>(call: &Call<'_, F>) -> Result<()> {
    loop {
        let (revision, known) = call.storage.catalog().directories();
        let found = changes(call, &known).await?;
        drop(known);
        // Otherwise somebody else refreshed it meanwhile: look again whether
        // that is enough.
        if found.is_empty() || call.storage.catalog().apply(revision, found) {
            return Ok(());
        }
    }
}

/// What is to be put in place of what is known.
async fn changes<F: Fs>(
    call: &Call<'_, F>,
    known: &Directories,
) -> Result<Vec<(Arc<str>, Option<Directory>)>> {
    let fs = &call.storage.fs;
    let mut found = Vec::new();
    let mut ahead: Vec<Visit<F>> = vec![Visit { path: Arc::from(""), above: None }];
    while let Some(Visit { path, above }) = ahead.pop() {
        // The clock first, then the directory's time, then its content: what
        // changes later is stamped later.
        let now = fs.now();
        let old = known.get(&path);
        let (dir, metadata) = match &above {
            None => {
                let Place::Found(dir) = call.open_directory(levels_of(&path)).await? else {
                    found.push((path, None));
                    continue;
                };
                let metadata = fs.dir_metadata(&dir).await;
                (Some(dir), metadata)
            }
            Some((above, name)) => (None, fs.metadata(above, name).await),
        };
        let metadata = match metadata {
            Ok(metadata) if metadata.kind == EntryKind::Directory => metadata,
            Ok(_) => {
                found.push((path, None));
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                found.push((path, None));
                continue;
            }
            Err(error) => return Err(call.not_done("looking at the directory", &path, error)),
        };
        let unchanged = old.filter(|old| old.is_unchanged(&metadata, now));
        if unchanged.is_some_and(|old| old.children.is_empty()) {
            continue;
        }
        let dir = match (dir, &above) {
            (Some(dir), _) => dir,
            (None, None) => continue,
            (None, Some((above, name))) => match fs.open_dir(above, name).await {
                Ok(dir) => dir,
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) =>
                {
                    found.push((path, None));
                    continue;
                }
                Err(error) => return Err(call.not_done("opening the directory", &path, error)),
            },
        };
        let walked = match unchanged {
            Some(_) => None,
            None => Some(walk(call, &dir, &path, &metadata, now, old.map(Arc::as_ref)).await?),
        };
        let children = match (&walked, unchanged) {
            (Some(walked), _) => &walked.children,
            (None, Some(old)) => &old.children,
            (None, None) => continue,
        };
        let depth = path.split('/').count();
        for name in children {
            let above = (depth < MAX_OPEN_LEVELS).then(|| (dir.clone(), Arc::clone(name)));
            ahead.push(Visit { path: Arc::from(join(&path, name)), above });
        }
        if let Some(walked) = walked {
            found.push((path, Some(walked)));
        }
    }
    Ok(found)
}

/// Looks through one directory. Files that surely are as they were are not read
/// again.
async fn walk<F: Fs>(
    call: &Call<'_, F>,
    dir: &F::Dir,
    path: &str,
    metadata: &Metadata,
    now: FileTime,
    old: Option<&Directory>,
) -> Result<Directory> {
    let fs = &call.storage.fs;
    let entries = fs
        .read_dir(dir)
        .await
        .map_err(|error| call.not_done("listing the directory", path, error))?;
    let modified = Some(metadata.modified).filter(|modified| is_past(*modified, now));
    let mut directory = Directory::new(metadata.inode, modified);
    for entry in entries {
        let Some(name) = entry.name.to_str().filter(|name| !name.starts_with('.')) else {
            continue;
        };
        match entry.kind {
            EntryKind::Other => {}
            EntryKind::Directory => {
                if may_hold_records(&join(path, name)) {
                    directory.children.insert(Arc::from(name));
                }
            }
            EntryKind::File => match old.and_then(|old| old.files.get_key_value(name)) {
                Some((name, known)) => {
                    if let Some(entry) = look_again(call, dir, known).await? {
                        directory.files.insert(Arc::clone(name), entry);
                    }
                }
                None => {
                    let Some(path) = RecordPath::parse(&join(path, name)) else { continue };
                    if let Some(entry) = look_at(call, dir, path).await? {
                        directory.files.insert(Arc::from(name), entry);
                    }
                }
            },
        }
    }
    Ok(directory)
}

/// What a known file is now. It is not read again if it surely is as it was.
async fn look_again<F: Fs>(
    call: &Call<'_, F>,
    dir: &F::Dir,
    known: &Arc<Entry>,
) -> Result<Option<Arc<Entry>>> {
    if known.is_settled
        && let Ok(metadata) = call.storage.fs.metadata(dir, known.path.file_name()).await
        && known.stamp == Some(Stamp::from(&metadata))
    {
        return Ok(Some(Arc::clone(known)));
    }
    look_at(call, dir, known.path.clone()).await
}

/// What a file is; none: it is gone, or no regular file.
async fn look_at<F: Fs>(
    call: &Call<'_, F>,
    dir: &F::Dir,
    path: RecordPath,
) -> Result<Option<Arc<Entry>>> {
    let now = call.storage.fs.now();
    let Place::Found((bytes, metadata)) =
        call.read_file(dir, path.file_name(), path.as_str()).await?
    else {
        return Ok(None);
    };
    let Stored { id, form, content } = call.read_stored(&path, &bytes, metadata.modified);
    let content = content.map(|record| Facts::of(&record, call.key_values(&record)));
    let is_settled = is_past(metadata.modified, now);
    let stamp = Some(Stamp::from(&metadata));
    Ok(Some(Arc::new(Entry { path, id, form, content, stamp, is_settled })))
}

#[cfg(test)]
mod tests {
    use super::is_past;
    use crate::fs::FileTime;

    fn at(seconds: i64, nanoseconds: u32) -> FileTime {
        FileTime { seconds, nanoseconds }
    }

    #[test]
    fn a_time_is_trusted_once_its_tick_is_over() {
        assert!(!is_past(at(10, 5), at(10, 5)));
        assert!(!is_past(at(10, 5), at(10, 20_000_005)));
        assert!(is_past(at(10, 5), at(10, 20_000_006)));
        assert!(is_past(at(9, 999_999_999), at(11, 0)));
        assert!(!is_past(at(11, 1), at(10, 0)), "a time ahead of the clock tells nothing");
    }

    #[test]
    fn a_time_without_parts_of_a_second_is_coarse() {
        assert!(!is_past(at(10, 0), at(12, 999)));
        assert!(is_past(at(10, 0), at(13, 0)));
    }
}
