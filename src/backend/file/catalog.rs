//! The index in memory: what each file stands for, in the orders and by the
//! keys that look-ups need. Derived from the files alone; `walk` keeps it true.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

use crate::{
    fs::{FileTime, Metadata},
    seam::{CollectionSpec, Instant, KeySpec, KeyValue, Record, RecordId},
};

use super::{
    path::RecordPath,
    stored::{Damage, Form},
};

/// What is known of one record's file.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) path: RecordPath,
    pub(super) id: RecordId,
    pub(super) form: Form,
    pub(super) content: Result<Facts, Damage>,
    /// What the file looked like when it was read; none: it is our own, and
    /// was not looked at since it was written.
    pub(super) stamp: Option<Stamp>,
    /// Whether any later change is sure to change the stamp.
    pub(super) is_settled: bool,
}

/// What look-ups need to know of a good record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) created_at: Instant,
    pub(super) expires_at: Option<Instant>,
    /// The values of the spec's keys, in its order.
    pub(super) keys: KeyValues,
}

/// The values that a record has for the spec's keys, in its order.
pub(super) type KeyValues = Box<[Option<Arc<KeyValue>>]>;

/// What tells two states of a file apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    length: u64,
    modified: FileTime,
}

/// What is known of one directory.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    inode: u64,
    /// Its time of modification, if any later change is sure to change it;
    /// none: it must be looked through again.
    modified: Option<FileTime>,
    /// The records' files in it, by name.
    pub(super) files: BTreeMap<Arc<str>, Arc<Entry>>,
    /// The directories in it, by name.
    pub(super) children: BTreeSet<Arc<str>>,
    /// How often we changed it ourselves since it was looked through.
    own_changes: usize,
    /// When the first of these changes was; somebody else's may hide behind.
    in_doubt_since: Option<FileTime>,
}

/// How a directory is to be watched while we change it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Worth {
    /// Whether to stamp it, so that one look at it afterwards is enough.
    pub(super) stamped: bool,
    /// The time of modification that it has if nothing has changed in it since
    /// it was looked through; none: it has to be looked through again anyway,
    /// be it because that was too long ago.
    pub(super) known: Option<FileTime>,
}

/// How long somebody else's change may hide behind our own, in seconds.
const DOUBT_SECONDS: i64 = 2;

/// All directories, by path below the collection's; the collection's own is
/// the empty path.
pub(super) type Directories = BTreeMap<Arc<str>, Arc<Directory>>;

/// The index.
pub(super) struct Catalog {
    directories: Arc<Directories>,
    /// Counts the changes of `directories`.
    revision: u64,
    records: BTreeMap<RecordId, Files>,
    /// The good records in the order of listings.
    order: BTreeSet<(Instant, RecordId)>,
    /// The good records that expire, by when.
    expiries: BTreeSet<(Instant, RecordId)>,
    damaged: BTreeSet<RecordId>,
    /// For each key, who has which value.
    holders: Vec<BTreeSet<(Arc<KeyValue>, Instant, RecordId)>>,
}

/// The files of one record. One without version counts, if there is one:
/// whenever we write a record we remove it, so older software wrote it since.
#[derive(Clone, Debug, Default)]
struct Files {
    unversioned: Option<Arc<Entry>>,
    versioned: Option<Arc<Entry>>,
}

impl Files {
    fn slot(&mut self, form: Form) -> &mut Option<Arc<Entry>> {
        match form {
            Form::Unversioned => &mut self.unversioned,
            Form::Versioned => &mut self.versioned,
        }
    }

    fn counting(&self) -> Option<&Arc<Entry>> {
        self.unversioned.as_ref().or(self.versioned.as_ref())
    }
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        Self { inode: metadata.inode, length: metadata.length, modified: metadata.modified }
    }
}

impl Entry {
    /// What a file that we wrote is.
    pub(super) fn written(path: RecordPath, record: &Record, keys: KeyValues) -> Self {
        Self {
            path,
            id: record.id.clone(),
            form: Form::Versioned,
            content: Ok(Facts::of(record, keys)),
            stamp: None,
            is_settled: false,
        }
    }

    /// The message that names a damaged file.
    pub(super) fn message(&self) -> Option<String> {
        let damage = self.content.as_ref().err()?;
        Some(format!("{:?}: {}", self.path.as_str(), damage.problem))
    }
}

impl Facts {
    /// The facts of a record with these values for the keys.
    pub(super) fn of(record: &Record, keys: KeyValues) -> Self {
        Self { created_at: record.created_at, expires_at: record.expires_at, keys }
    }

    pub(super) fn is_expired(&self, now: Instant) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }
}

/// The values that a record has for these keys.
pub(super) fn key_values(record: &Record, keys: &[KeySpec]) -> KeyValues {
    let values = KeySpec::values_in(keys.iter(), &record.data);
    values.into_iter().map(|value| value.map(Arc::new)).collect()
}

impl Directory {
    /// A directory that was looked through; `modified` as in
    /// [`Self::modified`].
    pub(super) fn new(inode: u64, modified: Option<FileTime>) -> Self {
        Self { inode, modified, ..Self::default() }
    }

    /// Whether it is surely as it was when it was looked through.
    pub(super) fn is_unchanged(&self, metadata: &Metadata, now: FileTime) -> bool {
        self.inode == metadata.inode
            && self.modified == Some(metadata.modified)
            && self.in_doubt_since.is_none_or(|since| {
                // A clock that went back tells nothing: look again.
                (0..DOUBT_SECONDS).contains(&now.seconds.saturating_sub(since.seconds))
            })
    }
}

/// The directory part of a path, empty for the collection's own.
pub(super) fn directory_of(path: &RecordPath) -> &str {
    parent_of(path.as_str())
}

/// The path of the directory above, empty for the collection's own.
pub(super) fn parent_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

impl Catalog {
    /// An index that knows nothing yet.
    pub(super) fn new(spec: &CollectionSpec) -> Self {
        Self {
            directories: Arc::default(),
            revision: 0,
            records: BTreeMap::new(),
            order: BTreeSet::new(),
            expiries: BTreeSet::new(),
            damaged: BTreeSet::new(),
            holders: vec![BTreeSet::new(); spec.keys.len()],
        }
    }

    /// What is known of the directories, and its number among all states.
    pub(super) fn directories(&self) -> (u64, Arc<Directories>) {
        (self.revision, Arc::clone(&self.directories))
    }

    /// Takes what was found in these directories, if the index is still the
    /// one that `revision` numbers; says whether it was.
    pub(super) fn apply(
        &mut self,
        revision: u64,
        found: Vec<(Arc<str>, Option<Directory>)>,
    ) -> bool {
        if self.revision != revision {
            return false;
        }
        self.revision = revision.wrapping_add(1);
        for (path, directory) in found {
            match directory {
                Some(directory) => self.replace_directory(path, directory),
                None => self.drop_directory(&path),
            }
        }
        true
    }

    fn replace_directory(&mut self, path: Arc<str>, directory: Directory) {
        let old = self.directories.get(&path).cloned().unwrap_or_default();
        for name in old.children.difference(&directory.children) {
            self.drop_directory(&join(&path, name));
        }
        for (name, entry) in &old.files {
            if !directory.files.get(name).is_some_and(|kept| Arc::ptr_eq(kept, entry)) {
                self.forget(entry);
            }
        }
        for (name, entry) in &directory.files {
            if !old.files.get(name).is_some_and(|kept| Arc::ptr_eq(kept, entry)) {
                self.learn(Arc::clone(entry));
            }
        }
        drop(old);
        Arc::make_mut(&mut self.directories).insert(path, Arc::new(directory));
    }

    /// Forgets a directory and all below it.
    fn drop_directory(&mut self, path: &str) {
        let below = format!("{path}/");
        let gone: Vec<Arc<str>> = self
            .directories
            .range::<str, _>((Bound::Included(path), Bound::Unbounded))
            .map(|(path, _)| path)
            .take_while(|name| name.starts_with(path))
            .filter(|name| &***name == path || name.starts_with(&below))
            .cloned()
            .collect();
        for path in gone {
            if let Some(directory) = Arc::make_mut(&mut self.directories).remove(&path) {
                for entry in directory.files.values() {
                    self.forget(entry);
                }
            }
        }
    }

    /// Whether anything was ever looked through.
    pub(super) fn is_loaded(&self) -> bool {
        !self.directories.is_empty()
    }

    /// How a directory is to be watched while we change it. One that costs
    /// little to look through is not: it is looked through after every change.
    pub(super) fn worth_watching(&self, path: &str, walk_budget: usize) -> Worth {
        let Some(directory) = self.directories.get(path) else { return Worth::default() };
        let budget = walk_budget.saturating_mul(directory.own_changes.saturating_add(1));
        Worth {
            stamped: directory.files.len() > walk_budget,
            known: directory.modified.filter(|_| directory.files.len() > budget),
        }
    }

    /// Takes a change that we made ourselves. `directory` is to be looked
    /// through again later on, and at once if its time of modification is not
    /// known.
    pub(super) fn change(
        &mut self,
        path: &RecordPath,
        entry: Option<Entry>,
        modified: Option<FileTime>,
        now: FileTime,
    ) {
        if !self.is_loaded() {
            return;
        }
        let place = directory_of(path);
        let entry = entry.map(Arc::new);
        let Some(directory) = self.changed_by_us(place, modified, now) else {
            // A directory that we made: those above it show it.
            self.distrust_above(place);
            return;
        };
        let old = match &entry {
            Some(entry) => directory.files.insert(Arc::from(path.file_name()), Arc::clone(entry)),
            None => directory.files.remove(path.file_name()),
        };
        if let Some(old) = old {
            self.forget(&old);
        }
        if let Some(entry) = entry {
            self.learn(entry);
        }
    }

    /// Takes the removal of a directory by ourselves; `modified` as in
    /// [`change`](Self::change), of the one above it.
    pub(super) fn directory_removed(
        &mut self,
        path: &str,
        modified: Option<FileTime>,
        now: FileTime,
    ) {
        if !self.is_loaded() {
            return;
        }
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        if let Some(above) = self.changed_by_us(parent_of(path), modified, now) {
            above.children.remove(name);
        }
        self.drop_directory(path);
    }

    /// A directory in which we have changed a name, if it is known.
    fn changed_by_us(
        &mut self,
        path: &str,
        modified: Option<FileTime>,
        now: FileTime,
    ) -> Option<&mut Directory> {
        self.revision = self.revision.wrapping_add(1);
        let directory = Arc::make_mut(Arc::make_mut(&mut self.directories).get_mut(path)?);
        directory.modified = modified;
        directory.own_changes = directory.own_changes.saturating_add(1);
        directory.in_doubt_since.get_or_insert(now);
        Some(directory)
    }

    /// Has the directories above a new one looked through again.
    fn distrust_above(&mut self, place: &str) {
        let mut above = place;
        while let Some((parent, _)) = above.rsplit_once('/') {
            self.distrust(parent);
            above = parent;
        }
        self.distrust("");
    }

    /// Has a directory looked through again, whatever its time says.
    pub(super) fn distrust(&mut self, place: &str) {
        self.revision = self.revision.wrapping_add(1);
        if let Some(known) = Arc::make_mut(&mut self.directories).get_mut(place) {
            Arc::make_mut(known).modified = None;
        }
    }

    /// Has everything looked through again.
    pub(super) fn distrust_all(&mut self) {
        self.revision = self.revision.wrapping_add(1);
        for known in Arc::make_mut(&mut self.directories).values_mut() {
            Arc::make_mut(known).modified = None;
        }
    }

    fn learn(&mut self, entry: Arc<Entry>) {
        let id = entry.id.clone();
        self.set(&id, entry.form, Some(entry));
    }

    fn forget(&mut self, entry: &Arc<Entry>) {
        let slot = self.records.get_mut(&entry.id).map(|files| files.slot(entry.form));
        // Another path may have taken the slot since.
        if slot.is_some_and(|slot| slot.as_ref().is_some_and(|held| Arc::ptr_eq(held, entry))) {
            self.set(&entry.id, entry.form, None);
        }
    }

    fn set(&mut self, id: &RecordId, form: Form, entry: Option<Arc<Entry>>) {
        let files = self.records.entry(id.clone()).or_default();
        let before = files.counting().cloned();
        *files.slot(form) = entry;
        let after = files.counting().cloned();
        if after.is_none() {
            self.records.remove(id);
        }
        if let Some(before) = before {
            self.unindex(&before);
        }
        if let Some(after) = after {
            self.index(&after);
        }
    }

    fn index(&mut self, entry: &Entry) {
        let id = &entry.id;
        let Ok(facts) = &entry.content else {
            self.damaged.insert(id.clone());
            return;
        };
        self.order.insert((facts.created_at, id.clone()));
        if let Some(expires_at) = facts.expires_at {
            self.expiries.insert((expires_at, id.clone()));
        }
        for (holders, value) in self.holders.iter_mut().zip(&facts.keys) {
            if let Some(value) = value {
                holders.insert((Arc::clone(value), facts.created_at, id.clone()));
            }
        }
    }

    fn unindex(&mut self, entry: &Entry) {
        let id = &entry.id;
        let Ok(facts) = &entry.content else {
            self.damaged.remove(id);
            return;
        };
        let mut place = (facts.created_at, id.clone());
        self.order.remove(&place);
        for (holders, value) in self.holders.iter_mut().zip(&facts.keys) {
            if let Some(value) = value {
                let holder = (Arc::clone(value), place.0, place.1);
                holders.remove(&holder);
                place.1 = holder.2;
            }
        }
        if let Some(expires_at) = facts.expires_at {
            self.expiries.remove(&(expires_at, place.1));
        }
    }

    /// The file that counts for a record.
    pub(super) fn entry(&self, id: &RecordId) -> Option<&Arc<Entry>> {
        self.records.get(id)?.counting()
    }

    /// The records whose id is at or after `first`, by id.
    pub(super) fn by_id(&self, first: &str) -> impl Iterator<Item = (&RecordId, &Arc<Entry>)> {
        let from = (Bound::Included(first), Bound::Unbounded);
        self.records.range::<str, _>(from).filter_map(|(id, files)| Some((id, files.counting()?)))
    }

    pub(super) fn order(&self) -> &BTreeSet<(Instant, RecordId)> {
        &self.order
    }

    pub(super) fn expiries(&self) -> &BTreeSet<(Instant, RecordId)> {
        &self.expiries
    }

    pub(super) fn damaged(&self) -> &BTreeSet<RecordId> {
        &self.damaged
    }

    /// Who has this value of the key number `place`, by (`created_at`, id);
    /// expired ones included.
    pub(super) fn holders<'a>(
        &'a self,
        place: usize,
        value: &'a Arc<KeyValue>,
        first: &RecordId,
    ) -> impl Iterator<Item = &'a RecordId> + use<'a> {
        let start = (Arc::clone(value), Instant::MIN, first.clone());
        self.holders
            .get(place)
            .map(|holders| holders.range(start..))
            .into_iter()
            .flatten()
            .take_while(move |(held, _, _)| held == value)
            .map(|(_, _, id)| id)
    }
}

/// The path of `name` in the directory `path`.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}
