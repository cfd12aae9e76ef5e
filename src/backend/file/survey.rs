//! Looking through a collection's files without changing anything: no lock
//! file is made, nothing is swept, nothing is completed, and it works where
//! nothing may be written.
//!
//! What is seen is one moment's state as far as our own writers go: the
//! generation is read before and after, and where it changes time and again, or
//! was left odd, the lock makes them wait. A commit that was interrupted reads
//! as completed.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
};

use crate::{
    fs::{Access, EntryKind, FileTime, Fs},
    seam::{CollectionSpec, Error, Outcome, Result, Site},
};

use super::{
    aside::{self, Aside},
    atomic::is_temporary,
    catalog::join,
    envelope::{self, Decoded},
    intent::{self, Change, INTENT_NAME, digest},
    lock::{Head, LOCK_NAME},
    open::PROBE_NAME,
    path::RecordPath,
    quarantine::QUARANTINE_NAME,
    storage::levels_of,
    stored::{Form, Stored, read_stored, unreadable},
    walk::may_hold_records,
};

/// What lies in a collection's directory.
#[derive(Debug, Default)]
pub struct Survey {
    /// The records' files, good and damaged, by path.
    pub records: Vec<SurveyedFile>,
    /// Whatever else lies there, by path. Of foreign directories only the name.
    pub others: Vec<OtherFile>,
    /// The commit that was interrupted, if one was.
    pub intent: Option<Intent>,
    /// Whether opening the collection would find something to complete, to make
    /// durable or to sweep.
    pub is_unsettled: bool,
}

/// A record's file.
#[derive(Debug)]
pub struct SurveyedFile {
    /// Where it lies.
    pub path: RecordPath,
    /// How many bytes it has.
    pub length: u64,
    /// How it is written; none where that can't be told.
    pub format: Option<FileFormat>,
    /// What it is.
    pub stored: Stored,
}

/// How a record's file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileFormat {
    /// An envelope with the version that we write.
    Envelope,
    /// An envelope without version.
    OlderEnvelope,
    /// The bare payload.
    Flat,
}

/// Something beside the records.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OtherFile {
    /// Its path below the collection's directory. What is no UTF-8 is replaced.
    pub path: String,
    /// What it is.
    pub kind: OtherKind,
}

impl OtherFile {
    /// Whether it is a record's file that a writer which died has left aside.
    fn is_aside(&self) -> bool {
        let (directory, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        self.kind == OtherKind::Temporary && aside::recognise(directory, name).is_some()
    }
}

/// What lies beside the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OtherKind {
    /// A temporary file of ours: somebody is using it, or died with it.
    Temporary,
    /// Bytes that were set aside.
    Quarantined,
    /// None of ours.
    Foreign(EntryKind),
}

/// A commit that was interrupted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intent {
    /// The records are as they are once it is completed.
    Completed,
    /// It can't be used, so that it may be half done. Why, without its content.
    Unusable(String),
}

/// Is told of each file before it is read, by how many there were; says whether
/// to go on.
pub type Watch = Arc<dyn Fn(u64) -> bool + Send + Sync>;

/// How often a look that writers disturb is taken again before they have to
/// wait.
const ATTEMPTS: usize = 2;

/// What lies in the directory of the collection `spec` at one moment; nothing
/// where there is none. Changes nothing.
///
/// # Errors
/// `InvalidName` or `InvalidArgument` for a spec that breaks its own rules;
/// `Backend` when its directory is none, or when `watch` ended it; `Io`.
pub async fn survey<F: Fs>(fs: &F, spec: CollectionSpec, watch: Watch) -> Result<Survey> {
    spec.validate()?;
    let surveyor = Surveyor { fs: fs.clone(), spec, watch };
    fs.run(async move { surveyor.survey().await }).await
}

struct Surveyor<F: Fs> {
    fs: F,
    spec: CollectionSpec,
    watch: Watch,
}

/// What a look has found so far.
#[derive(Default)]
struct Looked {
    records: BTreeMap<RecordPath, SurveyedFile>,
    others: BTreeSet<OtherFile>,
    /// The records' files that a writer which died has left aside, with the
    /// names that they have so.
    asides: Vec<(Aside, String)>,
    /// The directories that may hold records.
    directories: BTreeSet<String>,
    /// What the files of the intent hold.
    touched: BTreeMap<RecordPath, Vec<u8>>,
    count: u64,
}

impl<F: Fs> Surveyor<F> {
    fn site(&self) -> Site {
        Site::new("survey", &self.spec.name, None)
    }

    fn failed(&self, doing: &str, path: &str, source: io::Error) -> Error {
        let doing = format!("{doing} {path:?}");
        Error::Io { site: self.site(), doing, outcome: Outcome::NotDone, source }
    }

    fn refused(&self, problem: String) -> Error {
        Error::Backend { site: self.site(), problem, outcome: Outcome::NotDone }
    }

    async fn survey(&self) -> Result<Survey> {
        let Some(root) = self.root().await? else { return Ok(Survey::default()) };
        // Without a lock file none of our writers was ever here.
        let Some(lock) = self.open_lock_file(&root).await? else { return self.look(&root).await };
        for _ in 0..ATTEMPTS {
            let before = self.read_head(&lock).await?;
            if before.is_changing() {
                break;
            }
            let survey = self.look(&root).await?;
            if self.read_head(&lock).await? == before {
                return Ok(survey);
            }
        }
        let locked = self.fs.lock(&lock).await;
        locked.map_err(|error| self.failed("locking", LOCK_NAME, error))?;
        let is_odd = self.read_head(&lock).await?.is_changing();
        let survey = self.look(&root).await?;
        Ok(Survey { is_unsettled: survey.is_unsettled || is_odd, ..survey })
    }

    /// The collection's directory.
    async fn root(&self) -> Result<Option<F::Dir>> {
        let mut dir = self.fs.root();
        let mut path = String::new();
        for level in self.spec.directories() {
            path = join(&path, level);
            dir = match self.fs.open_dir(&dir, level).await {
                Ok(opened) => opened,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => {
                    return Err(match self.fs.metadata(&dir, level).await {
                        Ok(other) if other.kind != EntryKind::Directory => self.refused(format!(
                            "{path:?} is a link or a file, where the collection's directory belongs"
                        )),
                        _ => self.failed("opening the directory", &path, error),
                    });
                }
            };
        }
        Ok(Some(dir))
    }

    async fn open_lock_file(&self, root: &F::Dir) -> Result<Option<F::File>> {
        match self.fs.open_file(root, LOCK_NAME, Access::Read).await {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed("opening", LOCK_NAME, error)),
        }
    }

    async fn read_head(&self, lock: &F::File) -> Result<Head> {
        let bytes = self.fs.read_head(lock).await;
        Ok(Head::from_bytes(&bytes.map_err(|error| self.failed("reading", LOCK_NAME, error))?))
    }

    async fn look(&self, root: &F::Dir) -> Result<Survey> {
        let (intent, changes) = self.read_intent(root).await?;
        let named: BTreeSet<&RecordPath> = changes
            .iter()
            .filter_map(|change| match change {
                Change::File(change) => Some(&change.path),
                Change::RemoveDirectory(_) => None,
            })
            .collect();
        let mut looked = Looked::default();
        let mut ahead = vec![String::new()];
        while let Some(path) = ahead.pop() {
            // From the top, so that a deep tree does not use up the process's
            // descriptors.
            let Some(dir) = self.open_directory(root, &path).await? else { continue };
            let listed = self.fs.read_dir(&dir).await;
            let entries =
                listed.map_err(|error| self.failed("listing the directory", &path, error))?;
            for entry in entries {
                let Some(name) = entry.name.to_str() else {
                    looked.note(
                        join(&path, &entry.name.to_string_lossy()),
                        OtherKind::Foreign(entry.kind),
                    );
                    continue;
                };
                let below = join(&path, name);
                match place_of(&path, name, entry.kind) {
                    Entry::Own => {}
                    Entry::Other(kind) => looked.note(below, kind),
                    Entry::Directory => {
                        looked.directories.insert(below.clone());
                        ahead.push(below);
                    }
                    Entry::Record(record_path) => {
                        let name = record_path.file_name();
                        self.read_record(&mut looked, &dir, name, &record_path, |_| false, &named)
                            .await?;
                    }
                    Entry::Aside(original) => {
                        looked.note(below, OtherKind::Temporary);
                        looked.asides.push((original, name.to_owned()));
                    }
                }
            }
            for (aside, name) in std::mem::take(&mut looked.asides) {
                // As recovery does it: what has its name by now replaced it, and what
                // was judged goes.
                if !looked.records.contains_key(&aside.path) {
                    let goes = |bytes: &[u8]| aside.is_judged(bytes);
                    self.read_record(&mut looked, &dir, &name, &aside.path, goes, &named).await?;
                }
            }
        }
        self.complete(&mut looked, changes);
        let is_temporary = |other: &OtherFile| other.kind == OtherKind::Temporary;
        Ok(Survey {
            is_unsettled: intent.is_some() || looked.others.iter().any(is_temporary),
            records: looked.records.into_values().collect(),
            others: looked.others.into_iter().collect(),
            intent,
        })
    }

    async fn read_intent(&self, root: &F::Dir) -> Result<(Option<Intent>, Vec<Change>)> {
        let bytes = match self.fs.read(root, INTENT_NAME).await {
            Ok((bytes, _)) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((None, Vec::new())),
            Err(error) => {
                let problem = format!("it can't be read: {error}");
                return Ok((Some(Intent::Unusable(problem)), Vec::new()));
            }
        };
        Ok(match intent::decode(&bytes) {
            Ok(changes) => (Some(Intent::Completed), changes),
            Err(problem) => (Some(Intent::Unusable(problem)), Vec::new()),
        })
    }

    /// A directory below the collection's; none when it has gone meanwhile.
    async fn open_directory(&self, root: &F::Dir, path: &str) -> Result<Option<F::Dir>> {
        let mut dir = root.clone();
        for level in levels_of(path) {
            dir = match self.fs.open_dir(&dir, level).await {
                Ok(dir) => dir,
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(self.failed("opening the directory", path, error)),
            };
        }
        Ok(Some(dir))
    }

    /// Reads the record of that path from the file of that name, but not where it `goes`.
    async fn read_record(
        &self,
        looked: &mut Looked,
        dir: &F::Dir,
        name: &str,
        path: &RecordPath,
        goes: impl Fn(&[u8]) -> bool,
        named: &BTreeSet<&RecordPath>,
    ) -> Result<()> {
        if !(self.watch)(looked.count) {
            return Err(self.refused("it was interrupted".to_owned()));
        }
        looked.count += 1;
        let file = match self.fs.read(dir, name).await {
            Ok((bytes, _)) if goes(&bytes) => return Ok(()),
            Ok((bytes, metadata)) => {
                let file = self.surveyed(path, &bytes, metadata.modified);
                if named.contains(path) {
                    looked.touched.insert(path.clone(), bytes);
                }
                file
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => match self.fs.metadata(dir, name).await {
                Ok(other) if other.kind != EntryKind::File => {
                    looked.note(path.as_str().to_owned(), OtherKind::Foreign(other.kind));
                    return Ok(());
                }
                Ok(metadata) => SurveyedFile {
                    stored: unreadable(path, format!("it can't be read: {error}")),
                    length: metadata.length,
                    format: None,
                    path: path.clone(),
                },
                Err(_) => return Ok(()),
            },
        };
        looked.records.insert(path.clone(), file);
        Ok(())
    }

    fn surveyed(&self, path: &RecordPath, bytes: &[u8], modified: FileTime) -> SurveyedFile {
        let stored = read_stored(path, bytes, modified, &self.spec.legacy);
        let format = match (&stored.content, stored.form) {
            (Ok(_), Form::Versioned) => Some(FileFormat::Envelope),
            _ => match envelope::decode(bytes) {
                Decoded::Versioned(_) => Some(FileFormat::Envelope),
                Decoded::Unversioned(_) => Some(FileFormat::OlderEnvelope),
                Decoded::Document(_) => Some(FileFormat::Flat),
                Decoded::Damaged { .. } => None,
            },
        };
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        SurveyedFile { path: path.clone(), length, format, stored }
    }

    /// Does to what was found what the intent would do to the files.
    fn complete(&self, looked: &mut Looked, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::File(change) => {
                    let found = looked.touched.get(&change.path);
                    let is_before = found.map(|bytes| digest(bytes)) == change.before;
                    // What is neither as before nor as afterwards is somebody
                    // else's by now.
                    if !is_before || looked.has_foreign(change.path.as_str()) {
                        continue;
                    }
                    match change.after {
                        Some(bytes) => {
                            let file = self.surveyed(&change.path, &bytes, self.fs.now());
                            looked.records.insert(change.path.clone(), file);
                            looked.touched.insert(change.path, bytes);
                        }
                        None => {
                            looked.records.remove(&change.path);
                            looked.touched.remove(&change.path);
                        }
                    }
                }
                Change::RemoveDirectory(path) => {
                    let is_within = |other: &str| {
                        other.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('/'))
                    };
                    let mut records = looked.records.keys().map(RecordPath::as_str);
                    // What is aside goes before the commit is completed, or is a
                    // record again.
                    let mut others = looked.others.iter().filter(|other| !other.is_aside());
                    if records.any(is_within) || others.any(|other| is_within(&other.path)) {
                        return;
                    }
                    looked.directories.retain(|other| *other != path && !is_within(other));
                }
            }
        }
    }
}

impl Looked {
    fn note(&mut self, path: String, kind: OtherKind) {
        self.others.insert(OtherFile { path, kind });
    }

    /// Whether something has this path that is no file.
    fn has_foreign(&self, path: &str) -> bool {
        self.directories.contains(path) || self.others.iter().any(|other| other.path == path)
    }
}

/// What a directory's entry is by its name and kind.
enum Entry {
    /// The lock file, the intent, the quarantine: always there, or told apart.
    Own,
    Other(OtherKind),
    /// A record's file that a writer which died has left aside.
    Aside(Aside),
    /// To be looked through.
    Directory,
    Record(RecordPath),
}

fn place_of(directory: &str, name: &str, kind: EntryKind) -> Entry {
    let is_root = directory.is_empty();
    let below = join(directory, name);
    match kind {
        EntryKind::Directory if is_root && name == QUARANTINE_NAME => Entry::Directory,
        EntryKind::Directory if !name.starts_with('.') && may_hold_records(&below) => {
            Entry::Directory
        }
        EntryKind::File if is_temporary(name) || name == PROBE_NAME => {
            Entry::Other(OtherKind::Temporary)
        }
        EntryKind::File if is_root && matches!(name, LOCK_NAME | INTENT_NAME) => Entry::Own,
        EntryKind::File if directory == QUARANTINE_NAME => Entry::Other(OtherKind::Quarantined),
        EntryKind::File => match (RecordPath::parse(&below), aside::recognise(directory, name)) {
            (Some(path), _) => Entry::Record(path),
            (None, Some(original)) => Entry::Aside(original),
            (None, None) => Entry::Other(OtherKind::Foreign(kind)),
        },
        EntryKind::Directory | EntryKind::Other => Entry::Other(OtherKind::Foreign(kind)),
    }
}
