//! Everything in a data directory, read without changing anything.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    backend::file::{
        stored::{Damage, DamageKind, Form},
        survey::{FileFormat, Intent, OtherFile, OtherKind, Survey, SurveyedFile, Watch, survey},
    },
    fs::{EntryKind, Fs},
    seam::{CollectionSpec, Instant, KeyValue, Record, RecordId},
    store::encryption::EncryptionKey,
};

use super::{
    DirectoryError,
    entity::{Entity, Unsound},
    layout::{Layout, STORES},
    outside::{self, foreign},
    problem::{Notice, NoticeKind, Problem, ProblemKind},
};

/// What a data directory holds. Each store's part is of one moment.
pub struct Content {
    /// Every store, in the order of [`STORES`].
    pub stores: Vec<StoreContent>,
    /// What lies beside the stores' folders.
    pub outside: Vec<Notice>,
}

/// What the folder of a store holds.
pub struct StoreContent {
    /// Which store.
    pub layout: &'static Layout,
    /// The records' files, by path.
    pub files: Vec<RecordFile>,
    /// What is wrong with them, by path.
    pub problems: Vec<Problem>,
    /// What is worth knowing, by path.
    pub notices: Vec<Notice>,
    /// Whether a writer that died has left something to complete or to sweep.
    pub is_unsettled: bool,
    /// Whether a commit may be half done, so that nobody may write.
    pub is_stuck: bool,
}

/// A record's file.
pub struct RecordFile {
    /// Its path below the data directory.
    pub path: String,
    /// Which record it is; of a damaged file, by its name.
    pub id: RecordId,
    /// How many bytes it has.
    pub length: u64,
    /// How it is written; none where that can't be told.
    pub format: Option<FileFormat>,
    /// What it holds.
    pub(super) holding: Holding,
}

/// What a record's file holds.
pub(super) enum Holding {
    /// An entity of its store.
    Entity(Entity),
    /// An entity that has expired.
    Expired,
    /// A record that another file holds as well, and that one counts.
    Superseded,
    /// Nothing that can be used.
    Nothing,
}

impl RecordFile {
    /// Whether its record is sound, and counts.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        matches!(self.holding, Holding::Entity(_) | Holding::Expired)
    }

    /// Whether its record is to be brought to the present format.
    #[must_use]
    pub fn is_legacy(&self) -> bool {
        self.is_sound() && self.format != Some(FileFormat::Envelope)
    }
}

impl Content {
    /// All that is wrong, by path.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let problems = self.stores.iter().flat_map(|store| &store.problems);
        let mut problems: Vec<Problem> = problems.cloned().collect();
        problems.sort();
        problems
    }

    /// All that is worth knowing, by path.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        let notices = self.stores.iter().flat_map(|store| &store.notices).chain(&self.outside);
        let mut notices: Vec<Notice> = notices.cloned().collect();
        notices.sort();
        notices
    }
}

/// Is told of the store that is looked at, and of how many of its files were
/// read; says whether to go on.
pub type StoreWatch = Arc<dyn Fn(&'static str, u64) -> bool + Send + Sync>;

/// Reads the data directory that is the root of `fs`. What has expired at `now`
/// is not there; `key` is for secret values, which are null without one.
///
/// # Errors
/// Where it is no data directory, where one of its folders can't be looked at,
/// or when `watch` ended it. Files that can't be read are no error but problems.
pub async fn read<F: Fs>(
    fs: &F,
    key: Option<&EncryptionKey>,
    now: Instant,
    watch: &StoreWatch,
) -> Result<Content, DirectoryError> {
    let outside = outside::look(fs).await?;
    let mut stores = Vec::with_capacity(STORES.len());
    for layout in STORES {
        let watch = Arc::clone(watch);
        let watch: Watch = Arc::new(move |count| watch(layout.name, count));
        let survey = survey(fs, (layout.spec)(), watch).await;
        let survey = survey
            .map_err(|source| DirectoryError::Collection { folder: layout.folder(), source })?;
        stores.push(StoreContent::of(layout, survey, Reading { key, now }));
    }
    Ok(Content { stores, outside })
}

/// With what records are read.
#[derive(Clone, Copy)]
struct Reading<'a> {
    key: Option<&'a EncryptionKey>,
    now: Instant,
}

impl StoreContent {
    fn of(layout: &'static Layout, survey: Survey, reading: Reading<'_>) -> Self {
        let mut content = Self {
            layout,
            files: Vec::with_capacity(survey.records.len()),
            problems: Vec::new(),
            notices: Vec::new(),
            is_unsettled: survey.is_unsettled,
            is_stuck: matches!(survey.intent, Some(Intent::Unusable(_))),
        };
        let spec = (layout.spec)();
        let folder = layout.folder();
        let older = counting_older_files(&survey.records, &folder);
        let mut keys = Keys::new(&spec);
        for file in survey.records {
            let path = format!("{folder}/{}", file.path.as_str());
            if (layout.holds)(&file.stored.id) {
                content.add(&mut keys, &older, path, file, reading);
            } else {
                content.notices.push(foreign(path, EntryKind::File));
            }
        }
        content.problems.extend(keys.duplicates());
        content.notices.extend(survey.others.iter().map(|other| beside(&folder, other)));
        content.add_intent(&folder, survey.intent);
        content.problems.sort();
        content.notices.sort();
        content
    }

    fn add(
        &mut self,
        keys: &mut Keys<'_>,
        older: &BTreeMap<RecordId, String>,
        path: String,
        file: SurveyedFile,
        reading: Reading<'_>,
    ) {
        let SurveyedFile { length, format, stored, .. } = file;
        let counting = older.get(&stored.id).filter(|counting| **counting != path);
        let holding = match stored.content {
            Err(damage) => {
                self.problems.push(problem_of(&path, damage));
                Holding::Nothing
            }
            Ok(_) if let Some(counting) = counting => {
                let message =
                    format!("out of date: older software has written this record at {counting:?}");
                let kind = NoticeKind::Leftover;
                self.notices.push(Notice { path: path.clone(), kind, message });
                Holding::Superseded
            }
            Ok(record) => match (self.layout.read)(&record, reading.key) {
                Err(Unsound { kind, message }) => {
                    let kind = if is_of_another(keys.spec, &record) {
                        ProblemKind::IdMismatch
                    } else {
                        kind
                    };
                    self.problems.push(Problem { path: path.clone(), kind, message });
                    Holding::Nothing
                }
                Ok(_) if record.is_expired(reading.now) => Holding::Expired,
                Ok(entity) => {
                    keys.add(&record, &path);
                    self.problems.extend(entity.undecryptable.map(|message| Problem {
                        path: path.clone(),
                        kind: ProblemKind::Undecryptable,
                        message: message.to_owned(),
                    }));
                    Holding::Entity(entity)
                }
            },
        };
        let file = RecordFile { path, id: stored.id, length, format, holding };
        self.notices.extend(legacy(&file));
        self.files.push(file);
    }

    fn add_intent(&mut self, folder: &str, intent: Option<Intent>) {
        let path = format!("{folder}/.storeproof.intent");
        match intent {
            None => {}
            Some(Intent::Completed) => self.notices.push(Notice {
                path,
                kind: NoticeKind::Leftover,
                message: "a commit was interrupted; it is read as completed, and whoever writes \
                          next completes it"
                    .to_owned(),
            }),
            Some(Intent::Unusable(problem)) => self.problems.push(Problem {
                path,
                kind: ProblemKind::Damaged,
                message: format!("a commit was interrupted, and may be half done: {problem}"),
            }),
        }
    }
}

/// For each record that older software has in a file of its own, that file's
/// path: such a file counts, whatever else holds the record.
fn counting_older_files(files: &[SurveyedFile], folder: &str) -> BTreeMap<RecordId, String> {
    files
        .iter()
        .filter(|file| file.stored.form == Form::Unversioned)
        .map(|file| (file.stored.id.clone(), format!("{folder}/{}", file.path.as_str())))
        .collect()
}

fn problem_of(path: &str, damage: Damage) -> Problem {
    let kind = match damage.kind {
        DamageKind::Unreadable => ProblemKind::Damaged,
        DamageKind::OtherId => ProblemKind::IdMismatch,
        DamageKind::Newer => ProblemKind::NewerVersion,
    };
    Problem { path: path.to_owned(), kind, message: damage.problem }
}

/// Whether a payload tells an id, and it is not its record's.
fn is_of_another(spec: &CollectionSpec, record: &Record) -> bool {
    spec.legacy.id.is_some_and(|rule| {
        let right = (rule.ids_of)(&record.data);
        !right.is_empty() && !right.iter().any(|id| id == record.id.as_str())
    })
}

fn legacy(file: &RecordFile) -> Option<Notice> {
    let message = match file.format {
        _ if !file.is_legacy() => return None,
        Some(FileFormat::OlderEnvelope) => "an envelope without version",
        _ => "flat: the payload alone",
    };
    let message = format!("{message}, as older software writes it");
    Some(Notice { path: file.path.clone(), kind: NoticeKind::Legacy, message })
}

fn beside(folder: &str, other: &OtherFile) -> Notice {
    let path = format!("{folder}/{}", other.path);
    let message = match other.kind {
        OtherKind::Foreign(EntryKind::Directory) => {
            return foreign(path + "/", EntryKind::Directory);
        }
        OtherKind::Foreign(kind) => return foreign(path, kind),
        OtherKind::Temporary => {
            "a temporary file of ours; unless somebody is using it, it goes when the store is next \
             opened"
        }
        OtherKind::Quarantined => "bytes that were set aside; nothing looks at them any more",
    };
    Notice { path, kind: NoticeKind::Leftover, message: message.to_owned() }
}

/// Who has which value of the unique keys.
struct Keys<'a> {
    spec: &'a CollectionSpec,
    /// By the key's place in the spec.
    holders: BTreeMap<(usize, KeyValue), Vec<Holder>>,
}

/// The oldest comes first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Holder {
    created_at: Instant,
    id: RecordId,
    path: String,
}

impl<'a> Keys<'a> {
    fn new(spec: &'a CollectionSpec) -> Self {
        Self { spec, holders: BTreeMap::new() }
    }

    fn add(&mut self, record: &Record, path: &str) {
        for (place, key) in self.spec.keys.iter().enumerate().filter(|(_, key)| key.unique) {
            if let Some(value) = key.value_in(&record.data) {
                self.holders.entry((place, value)).or_default().push(Holder {
                    created_at: record.created_at,
                    id: record.id.clone(),
                    path: path.to_owned(),
                });
            }
        }
    }

    /// All holders but the owners.
    fn duplicates(self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for ((place, _), mut holders) in self.holders {
            holders.sort();
            let mut holders = holders.into_iter();
            let Some(owner) = holders.next() else { continue };
            let key = self.spec.keys.get(place).map_or("", |key| &key.name);
            problems.extend(holders.map(|holder| Problem {
                path: holder.path,
                kind: ProblemKind::DuplicateKey,
                message: format!(
                    "an older record, {:?}, has the same value of the unique key {key:?}",
                    owner.path
                ),
            }));
        }
        problems
    }
}
