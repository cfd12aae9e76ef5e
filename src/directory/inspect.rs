//! What is said of a data directory: each file's format, what is wrong, and
//! what is worth knowing.

use serde::{Deserialize, Serialize};

use crate::backend::file::survey::FileFormat;

use super::{
    content::{Content, RecordFile, StoreContent},
    problem::{Notice, NoticeKind, Problem},
};

/// The schema of an inspection's JSON.
pub const SCHEMA: u64 = 1;

/// What `inspect` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// [`SCHEMA`].
    pub schema: u64,
    /// Every store, whether its folder is there or not.
    pub stores: Vec<StoreSummary>,
    /// Every record's file, by path.
    pub files: Vec<InspectedFile>,
    /// What is wrong, by path.
    pub problems: Vec<Problem>,
    /// What is no problem, by path.
    pub information: Vec<Notice>,
}

/// How many files of a store are what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreSummary {
    /// Which store.
    pub store: String,
    /// Its folder below the data directory.
    pub folder: String,
    /// Sound records.
    pub records: u64,
    /// Those of them that are in the present format.
    pub current: u64,
    /// Those of them that are envelopes without version.
    pub older_envelopes: u64,
    /// Those of them that are flat.
    pub flat: u64,
    /// Files with a problem.
    pub problems: u64,
    /// Files that an interrupted write has left, or that were set aside.
    pub leftovers: u64,
    /// What is none of ours.
    pub foreign: u64,
}

/// A record's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectedFile {
    /// Its path below the data directory.
    pub path: String,
    /// Which store's it is.
    pub store: String,
    /// Which record it is; of a damaged file, by its name.
    pub id: String,
    /// `envelope` (the present format), `older_envelope`, `flat`, or `unknown`.
    pub format: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// Whether its record is sound.
    pub sound: bool,
}

/// A format's name.
#[must_use]
pub fn format_name(format: Option<FileFormat>) -> &'static str {
    match format {
        Some(FileFormat::Envelope) => "envelope",
        Some(FileFormat::OlderEnvelope) => "older_envelope",
        Some(FileFormat::Flat) => "flat",
        None => "unknown",
    }
}

impl Inspection {
    /// What is to be said of this content.
    #[must_use]
    pub fn of(content: &Content) -> Self {
        let mut files: Vec<InspectedFile> = content
            .stores
            .iter()
            .flat_map(|store| store.files.iter().map(|file| inspected(store, file)))
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self {
            schema: SCHEMA,
            stores: content.stores.iter().map(StoreSummary::of).collect(),
            files,
            problems: content.problems(),
            information: content.notices(),
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.problems.is_empty()
    }

    /// The JSON text, with a final newline.
    ///
    /// # Errors
    /// As `serde_json` reports them.
    pub fn to_text(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

impl StoreSummary {
    fn of(store: &StoreContent) -> Self {
        let sound = || store.files.iter().filter(|file| file.is_sound());
        let of_format =
            |format| count(sound().filter(|file: &&RecordFile| file.format == Some(format)));
        let of_kind = |kind| count(store.notices.iter().filter(|notice| notice.kind == kind));
        let mut problems: Vec<&str> = store.problems.iter().map(|problem| &*problem.path).collect();
        problems.sort_unstable();
        problems.dedup();
        Self {
            store: store.layout.name.to_owned(),
            folder: store.layout.folder(),
            records: count(sound()),
            current: of_format(FileFormat::Envelope),
            older_envelopes: of_format(FileFormat::OlderEnvelope),
            flat: of_format(FileFormat::Flat),
            problems: count(problems.iter()),
            leftovers: of_kind(NoticeKind::Leftover),
            foreign: of_kind(NoticeKind::Foreign),
        }
    }
}

fn count(items: impl Iterator) -> u64 {
    u64::try_from(items.count()).unwrap_or(u64::MAX)
}

fn inspected(store: &StoreContent, file: &RecordFile) -> InspectedFile {
    InspectedFile {
        path: file.path.clone(),
        store: store.layout.name.to_owned(),
        id: file.id.to_string(),
        format: format_name(file.format).to_owned(),
        bytes: file.length,
        sound: file.is_sound(),
    }
}
