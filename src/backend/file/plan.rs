//! From the writes of a commit to changes of files.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    fs::Fs,
    seam::{Record, Result},
};

use super::{
    catalog::{Entry, KeyValues, directory_of, parent_of},
    envelope::encode,
    judge::{Change, Decided},
    load::{Current, FileState},
    make_way::MakeWay,
    path::RecordPath,
    storage::{Call, Place},
};

/// What is to be done to files.
#[derive(Default)]
pub(super) struct Plan {
    /// Bytes to be set aside before anything else.
    pub(super) quarantine: Vec<(RecordPath, Vec<u8>)>,
    /// The changes, in the order in which they are to be made: what makes way
    /// first, then what is written, then what goes. So a reader that looks for
    /// one record at several places always finds it.
    pub(super) steps: Vec<Step>,
}

/// One change.
pub(super) enum Step {
    /// Of a file.
    File(FileStep),
    /// A directory of older software, by its path, is removed; the steps before
    /// have emptied it. Comes before all that changes any record.
    RemoveDirectory(Box<str>),
}

/// A change of one file.
pub(super) struct FileStep {
    pub(super) path: RecordPath,
    /// Its content before; none: there is no file.
    pub(super) before: Option<Vec<u8>>,
    /// Its content afterwards; none: it is removed.
    pub(super) after: Option<Vec<u8>>,
    /// What the catalog is to know of the file afterwards.
    pub(super) entry: Option<Entry>,
}

impl Step {
    /// The path of the directory in which a name changes.
    pub(super) fn directory(&self) -> &str {
        match self {
            Self::File(step) => directory_of(&step.path),
            Self::RemoveDirectory(path) => parent_of(path),
        }
    }
}

/// Plans a commit.
///
/// # Errors
/// When a place that is needed is taken by what is not ours to replace.
pub(super) async fn plan<F: Fs>(call: &Call<'_, F>, decided: Vec<Decided>) -> Result<Plan> {
    let mut way = MakeWay::default();
    for Decided { current, change, .. } in &decided {
        if matches!(change, Change::Put { .. }) {
            way.free(call, current).await?;
        }
    }
    let mut draft = Draft::default();
    for Decided { current, change, sets_aside } in decided {
        let current = way.afterwards(current);
        if sets_aside {
            draft.set_aside(current.files());
        }
        match change {
            Change::Keep => {}
            Change::Remove => draft.remove(&current),
            Change::Put { record, keys, .. } => draft.put(call, &current, &record, keys)?,
        }
    }
    Ok(draft.finish(way))
}

/// Plans the removal of one record, whatever state it is in.
pub(super) fn plan_removal(current: &Current) -> Plan {
    let mut draft = Draft::default();
    draft.remove(current);
    draft.finish(MakeWay::default())
}

#[derive(Default)]
struct Draft {
    quarantine: BTreeMap<RecordPath, Vec<u8>>,
    written: Vec<FileStep>,
    removed: Vec<FileStep>,
}

impl Draft {
    fn set_aside<'a>(&mut self, files: impl Iterator<Item = &'a FileState>) {
        self.quarantine.extend(files.map(|file| (file.path.clone(), file.bytes.clone())));
    }

    fn remove(&mut self, current: &Current) {
        self.set_aside(current.files().filter(is_damaged));
        // The older of two files first: the one that counts must not uncover
        // it.
        let files = current.own_canonical().into_iter().chain(&current.raw);
        self.removed.extend(files.map(FileStep::removal));
    }

    fn put<F: Fs>(
        &mut self,
        call: &Call<'_, F>,
        current: &Current,
        record: &Record,
        keys: KeyValues,
    ) -> Result<()> {
        self.set_aside(current.files().filter(is_damaged));
        if let Some(raw) = &current.raw {
            self.removed.push(FileStep::removal(raw));
        }
        self.written.push(writing(call, record, keys, before(&current.canonical))?);
        Ok(())
    }

    fn finish(self, way: MakeWay) -> Plan {
        let mut quarantine = way.quarantine;
        quarantine.extend(self.quarantine);
        let Self { written, mut removed, .. } = self;
        if !removed.is_empty() {
            // Should other software have put a file of a removed record where
            // another one is written, in this very moment: that replaces it.
            let taken: BTreeSet<&RecordPath> = written.iter().map(|step| &step.path).collect();
            removed.retain(|step| !taken.contains(&step.path));
        }
        let mut steps = way.steps;
        steps.reserve(written.len() + removed.len());
        steps.extend(written.into_iter().chain(removed).map(Step::File));
        Plan { quarantine: quarantine.into_iter().collect(), steps }
    }
}

fn is_damaged(file: &&FileState) -> bool {
    file.stored.content.is_err()
}

pub(super) fn before(place: &Place<FileState>) -> Option<&FileState> {
    match place {
        Place::Found(file) => Some(file),
        Place::Absent | Place::Foreign => None,
    }
}

impl FileStep {
    pub(super) fn removal(file: &FileState) -> Self {
        let before = Some(file.bytes.clone());
        Self { path: file.path.clone(), before, after: None, entry: None }
    }
}

pub(super) fn writing<F: Fs>(
    call: &Call<'_, F>,
    record: &Record,
    keys: KeyValues,
    before: Option<&FileState>,
) -> Result<FileStep> {
    let path = RecordPath::of(&record.id);
    let bytes = encode(record)?;
    // It is looked at again soon.
    call.remember(&path, &bytes, record, Some(&keys));
    let after = Some(bytes);
    let before = before.map(|file| file.bytes.clone());
    let entry = Some(Entry::written(path.clone(), record, keys));
    Ok(FileStep { path, before, after, entry })
}
