//! From the writes of a commit to changes of files.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    fs::Fs,
    seam::{Record, RecordId, Result},
};

use super::{
    catalog::{Entry, Facts, KeyValues},
    envelope::encode,
    judge::{Change, Decided},
    load::{Current, FileState, load},
    path::RecordPath,
    storage::{Call, Place},
};

/// What is to be done to files.
#[derive(Default)]
pub(super) struct Plan {
    /// Bytes to be set aside before anything else.
    pub(super) quarantine: Vec<(RecordPath, Vec<u8>)>,
    /// The changes, in the order in which they are to be made: what moves away
    /// first, then what is written, then what goes. So a reader that looks for
    /// one record at several places always finds it.
    pub(super) steps: Vec<Step>,
}

/// A change of one file.
pub(super) struct Step {
    pub(super) path: RecordPath,
    /// Its content before; none: there is no file.
    pub(super) before: Option<Vec<u8>>,
    /// Its content afterwards; none: it is removed.
    pub(super) after: Option<Vec<u8>>,
    /// What the catalog is to know of the file afterwards.
    pub(super) entry: Option<Entry>,
}

/// Plans a commit.
///
/// # Errors
/// When a place that is needed is taken by what is not ours to replace.
pub(super) async fn plan<F: Fs>(call: &Call<'_, F>, decided: Vec<Decided>) -> Result<Plan> {
    let mut draft = Draft::default();
    for Decided { current, change } in &decided {
        if !matches!(change, Change::Keep) {
            draft.changed.insert(current.id.clone());
        }
    }
    for Decided { current, change } in decided {
        match change {
            Change::Keep => {}
            Change::Remove => draft.remove(&current),
            Change::Put { record, keys, .. } => draft.put(call, current, record, keys).await?,
        }
    }
    Ok(draft.finish())
}

/// Plans the removal of one record, whatever state it is in.
pub(super) fn plan_removal(current: &Current) -> Plan {
    let mut draft = Draft::default();
    draft.remove(current);
    draft.finish()
}

#[derive(Default)]
struct Draft {
    /// The records that the commit puts or deletes.
    changed: BTreeSet<RecordId>,
    quarantine: BTreeMap<RecordPath, Vec<u8>>,
    moved: Vec<Step>,
    written: Vec<Step>,
    removed: Vec<Step>,
}

impl Draft {
    fn set_aside(&mut self, file: &FileState) {
        if file.stored.content.is_err() {
            self.quarantine.insert(file.path.clone(), file.bytes.clone());
        }
    }

    fn remove(&mut self, current: &Current) {
        // The older of two files first: the one that counts must not uncover
        // it.
        for file in current.own_canonical().into_iter().chain(&current.raw) {
            self.set_aside(file);
            self.removed.push(removal(file));
        }
    }

    async fn put<F: Fs>(
        &mut self,
        call: &Call<'_, F>,
        current: Current,
        record: Record,
        keys: KeyValues,
    ) -> Result<()> {
        if matches!(current.canonical, Place::Foreign) {
            return Err(call.about(&current.id).occupied(RecordPath::of(&current.id).as_str()));
        }
        for file in current.files() {
            self.set_aside(file);
        }
        if let Some(raw) = &current.raw {
            self.removed.push(removal(raw));
        }
        self.written.push(writing(&record, keys, before(&current.canonical))?);
        self.make_way(call, current).await
    }

    /// Has a record of older software, whose file lies at the canonical place
    /// of the one that is written, rewritten at its own place first. There may
    /// be another one in turn.
    async fn make_way<F: Fs>(&mut self, call: &Call<'_, F>, current: Current) -> Result<()> {
        let mut next = current.occupant();
        while let Some(file) = next.take() {
            let record = match &file.stored.content {
                // The commit itself says what becomes of it.
                _ if self.changed.contains(&file.stored.id) => return Ok(()),
                Err(_) => {
                    self.set_aside(&file);
                    return Ok(());
                }
                Ok(record) => record,
            };
            let path = RecordPath::of(&record.id);
            let current = load(call, &record.id).await?;
            if matches!(current.canonical, Place::Foreign) {
                return Err(call.about(&record.id).occupied(path.as_str()));
            }
            if let Some(shadowed) = current.own_canonical() {
                if let Err(damage) = &shadowed.stored.content
                    && damage.newer
                {
                    return Err(shadowed.corrupt(&call.about(&record.id), damage));
                }
                self.set_aside(shadowed);
            }
            let keys = Facts::of(record, &call.storage.spec.keys).keys;
            self.moved.push(writing(record, keys, before(&current.canonical))?);
            next = current.occupant();
        }
        Ok(())
    }

    fn finish(self) -> Plan {
        let Self { quarantine, moved, written, removed, .. } = self;
        let mut steps = Vec::with_capacity(moved.len() + written.len() + removed.len());
        // The last in a row of records that make way moves first.
        steps.extend(moved.into_iter().rev());
        steps.extend(written);
        let taken: BTreeSet<RecordPath> = if removed.is_empty() {
            BTreeSet::new()
        } else {
            steps.iter().map(|step| step.path.clone()).collect()
        };
        // What is written to the place of a removed file replaces it.
        steps.extend(removed.into_iter().filter(|step| !taken.contains(&step.path)));
        Plan { quarantine: quarantine.into_iter().collect(), steps }
    }
}

fn before(place: &Place<FileState>) -> Option<&FileState> {
    match place {
        Place::Found(file) => Some(file),
        Place::Absent | Place::Foreign => None,
    }
}

fn removal(file: &FileState) -> Step {
    let before = Some(file.bytes.clone());
    Step { path: file.path.clone(), before, after: None, entry: None }
}

fn writing(record: &Record, keys: KeyValues, before: Option<&FileState>) -> Result<Step> {
    let path = RecordPath::of(&record.id);
    let after = Some(encode(record)?);
    let before = before.map(|file| file.bytes.clone());
    let entry = Some(Entry::written(path.clone(), record, keys));
    Ok(Step { path, before, after, entry })
}
