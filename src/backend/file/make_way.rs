//! Older records that make way.
//!
//! Files without `version` have the raw id for their name, which may be the
//! canonical place of another record: as the file itself, or as a directory on
//! the way to it (`a.json/b.json` is the older `a.json/b`, where `a` belongs at
//! `a.json`). Before anything is written to such a place, the older records are
//! rewritten at their own, where others may have to make way in turn. As a
//! canonical path has no directory that ends in `.json`, none leads back to
//! what is being cleared, and each file moves once.
//!
//! None of these steps changes a record (a damaged one goes, its bytes are kept).
//! A commit that is given up among them has not happened.

use std::{collections::BTreeMap, ffi::OsStr};

use crate::{
    fs::{EntryKind, Fs},
    seam::Result,
};

use super::{
    catalog::{join, parent_of},
    load::{Current, FileState, load},
    path::RecordPath,
    plan::{FileStep, Step, before, writing},
    storage::{Call, Place},
    stored::{Form, Stored},
    walk::may_hold_records,
};

/// What has to happen before the writes of a commit.
#[derive(Default)]
pub(super) struct MakeWay {
    /// Damaged bytes that are in the way, to be set aside.
    pub(super) quarantine: BTreeMap<RecordPath, Vec<u8>>,
    /// In the order in which they are to be made: a record is at its own place
    /// before it is gone from the older one.
    pub(super) steps: Vec<Step>,
    /// The older files that are dealt with, and where their records are now;
    /// none: set aside.
    moved: BTreeMap<RecordPath, Option<FileState>>,
}

impl MakeWay {
    /// Frees the canonical place of a record that is to be written.
    ///
    /// # Errors
    /// When what is in the way is not ours to move, or a newer release's.
    pub(super) async fn free<F: Fs>(
        &mut self,
        call: &Call<'_, F>,
        current: &Current,
    ) -> Result<()> {
        match &current.canonical {
            Place::Absent => Ok(()),
            Place::Found(file) if file.stored.stands_for(&file.path, &current.id) => Ok(()),
            Place::Found(occupant) => Box::pin(self.relocate(call, occupant)).await,
            Place::Foreign => {
                let call = call.about(&current.id);
                Box::pin(self.clear(&call, &RecordPath::of(&current.id))).await
            }
        }
    }

    /// What is stored for a record of the commit once the steps are made.
    pub(super) fn afterwards(&mut self, mut current: Current) -> Current {
        if let Some(moved) = current.raw.as_ref().and_then(|raw| self.moved.remove(&raw.path)) {
            current.raw = None;
            if let Some(file) = moved {
                current.canonical = Place::Found(file);
            }
        }
        current
    }

    /// Has the record of an older file rewritten at its own place.
    async fn relocate<F: Fs>(&mut self, call: &Call<'_, F>, file: &FileState) -> Result<()> {
        let record = match &file.stored.content {
            Ok(record) => record,
            Err(_) => {
                self.set_aside(call, file)?;
                self.moved.insert(file.path.clone(), None);
                return Ok(());
            }
        };
        let call = &call.about(&record.id);
        let current = load(call, &record.id).await?;
        if let Some(shadowed) = current.own_canonical() {
            self.set_aside(call, shadowed)?;
        }
        self.free(call, &current).await?;
        let step = writing(call, record, call.key_values(record), before(&current.canonical))?;
        let rewritten = FileState {
            path: step.path.clone(),
            bytes: step.after.clone().unwrap_or_default(),
            stored: Stored {
                id: record.id.clone(),
                form: Form::Versioned,
                content: Ok(record.clone()),
            },
        };
        self.moved.insert(file.path.clone(), Some(rewritten));
        self.steps.push(Step::File(step));
        Ok(())
    }

    /// Empties and removes a directory of older software.
    async fn clear<F: Fs>(&mut self, call: &Call<'_, F>, path: &RecordPath) -> Result<()> {
        let Below { files, directories } = look_below(call, path).await?;
        for file in &files {
            self.relocate(call, file).await?;
        }
        self.steps.extend(files.into_iter().map(|file| Step::File(FileStep::removal(&file))));
        self.steps.extend(directories.into_iter().map(Step::RemoveDirectory));
        Ok(())
    }

    /// Keeps the bytes of a file that can't be read.
    fn set_aside<F: Fs>(&mut self, call: &Call<'_, F>, file: &FileState) -> Result<()> {
        if let Err(damage) = &file.stored.content {
            if damage.is_newer() {
                return Err(file.corrupt(&call.about(&file.stored.id), damage));
            }
            self.quarantine.insert(file.path.clone(), file.bytes.clone());
        }
        Ok(())
    }
}

/// What lies in a directory that is to be cleared.
#[derive(Default)]
struct Below {
    files: Vec<FileState>,
    /// The directory and those in it, the deepest first.
    directories: Vec<Box<str>>,
}

/// Looks through the directory at `path`.
///
/// # Errors
/// When anything in it is no record's file, or there is no directory.
async fn look_below<F: Fs>(call: &Call<'_, F>, path: &RecordPath) -> Result<Below> {
    let mut below = Below::default();
    let mut ahead = vec![path.as_str().to_owned()];
    while let Some(directory) = ahead.pop() {
        let dir = match call.open_directory(directory.split('/')).await? {
            Place::Found(dir) => dir,
            // Other software was faster.
            Place::Absent => continue,
            Place::Foreign => {
                // What is on the way to it may be no directory: that is said then.
                call.make_directory(parent_of(&directory)).await?;
                return Err(call.occupied(&directory));
            }
        };
        let listed = call.storage.fs.read_dir(&dir).await;
        let mut entries =
            listed.map_err(|error| call.not_done("listing the directory", &directory, error))?;
        entries.sort();
        for entry in entries {
            let foreign = || in_the_way(call, path, &directory, &entry.name);
            let name = entry.name.to_str().filter(|name| !name.starts_with('.'));
            let place = join(&directory, name.ok_or_else(foreign)?);
            match entry.kind {
                EntryKind::Directory if may_hold_records(&place) => ahead.push(place),
                EntryKind::File => {
                    let record_path = RecordPath::parse(&place).ok_or_else(foreign)?;
                    match FileState::read(call, &dir, record_path).await? {
                        Place::Found(file) => below.files.push(file),
                        Place::Absent => {}
                        Place::Foreign => return Err(foreign()),
                    }
                }
                EntryKind::Directory | EntryKind::Other => return Err(foreign()),
            }
        }
        below.directories.push(directory.into());
    }
    below.directories.reverse();
    Ok(below)
}

fn in_the_way<F: Fs>(
    call: &Call<'_, F>,
    path: &RecordPath,
    directory: &str,
    name: &OsStr,
) -> crate::seam::Error {
    let place = join(directory, &name.to_string_lossy());
    call.backend(format!(
        "the record belongs at {:?}, where older software has a directory, and {place:?} in it is \
         no record that could be moved to its own place; move it away",
        path.as_str()
    ))
}
