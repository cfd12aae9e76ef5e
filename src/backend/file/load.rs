//! The files that stand for one record, and which of them counts.

use crate::{
    fs::Fs,
    seam::{Error, Instant, Record, RecordId, Result, StoredBytes},
};

use super::{
    path::RecordPath,
    storage::{Call, Place},
    stored::{Damage, Stored},
    walk::refresh,
};

/// A file that was read.
pub(super) struct FileState {
    pub(super) path: RecordPath,
    pub(super) bytes: Vec<u8>,
    pub(super) stored: Stored,
}

/// What is stored for one id.
pub(super) struct Current {
    pub(super) id: RecordId,
    /// The file without version at the raw id's place, where that is not the
    /// canonical one. Where there is one, it counts: whenever we write this
    /// record we remove it, so older software wrote it since.
    pub(super) raw: Option<FileState>,
    /// What lies at the canonical place: perhaps another record's file.
    pub(super) canonical: Place<FileState>,
}

/// How a record appears to an operation.
pub(super) enum Seen<'a> {
    /// There is none, or it has expired.
    Absent,
    Good(&'a Record),
    Damaged(&'a FileState, &'a Damage),
}

impl Current {
    /// The file at the canonical place, if it stands for this record.
    pub(super) fn own_canonical(&self) -> Option<&FileState> {
        self.at_canonical().filter(|file| file.stored.stands_for(&file.path, &self.id))
    }

    fn at_canonical(&self) -> Option<&FileState> {
        match &self.canonical {
            Place::Found(file) => Some(file),
            Place::Absent | Place::Foreign => None,
        }
    }

    /// The files of this record, the one that counts first.
    pub(super) fn files(&self) -> impl Iterator<Item = &FileState> {
        self.raw.iter().chain(self.own_canonical())
    }

    /// How the record appears to an operation that read `now`.
    pub(super) fn seen(&self, now: Instant) -> Seen<'_> {
        match self.files().next() {
            None => Seen::Absent,
            Some(file) => match &file.stored.content {
                Ok(record) if record.is_expired(now) => Seen::Absent,
                Ok(record) => Seen::Good(record),
                Err(damage) => Seen::Damaged(file, damage),
            },
        }
    }
}

impl FileState {
    /// Reads the file at `path`, which lies in `dir`.
    pub(super) async fn read<F: Fs>(
        call: &Call<'_, F>,
        dir: &F::Dir,
        path: RecordPath,
    ) -> Result<Place<Self>> {
        Ok(match call.read_file(dir, path.file_name(), path.as_str()).await? {
            Place::Absent => Place::Absent,
            Place::Foreign => Place::Foreign,
            Place::Found((bytes, metadata)) => {
                let stored = call.read_stored(&path, &bytes, metadata.modified);
                Place::Found(Self { path, bytes, stored })
            }
        })
    }

    /// The error for an operation that needs what this file can't tell.
    pub(super) fn corrupt<F: Fs>(&self, call: &Call<'_, F>, damage: &Damage) -> Error {
        Error::Corrupt {
            site: call.site(),
            location: self.path.as_str().to_owned(),
            problem: damage.problem.clone(),
            bytes: StoredBytes::new(self.bytes.as_slice()),
        }
    }
}

/// Reads what is stored for `id`.
pub(super) async fn load<F: Fs>(call: &Call<'_, F>, id: &RecordId) -> Result<Current> {
    let canonical_path = RecordPath::of(id);
    let mut raw = None;
    // The raw place first: our writers write the canonical one before they
    // remove the raw one, so that a reader finds one of them.
    if let Some(path) = RecordPath::raw(id).filter(|path| *path != canonical_path)
        && let Place::Found(file) = load_file(call, path).await?
        && file.stored.id == *id
    {
        raw = Some(file);
    }
    let canonical = load_file(call, canonical_path).await?;
    if raw.is_none() && RecordPath::may_be_stand_in(id) {
        raw = load_nameless(call, id).await?;
    }
    Ok(Current { id: id.clone(), raw, canonical })
}

/// A damaged file whose place is that of no id is named by a stand-in, and only
/// the catalog knows where it lies.
async fn load_nameless<F: Fs>(call: &Call<'_, F>, id: &RecordId) -> Result<Option<FileState>> {
    Box::pin(refresh(call)).await?;
    let entry = call.storage.catalog().entry(id).cloned();
    let Some(path) = entry.map(|entry| entry.path.clone()) else { return Ok(None) };
    if path == RecordPath::of(id) {
        return Ok(None);
    }
    Ok(match load_file(call, path).await? {
        Place::Found(file) if file.stored.id == *id => Some(file),
        _ => None,
    })
}

async fn load_file<F: Fs>(call: &Call<'_, F>, path: RecordPath) -> Result<Place<FileState>> {
    match call.open_directory(path.directories()).await? {
        Place::Found(dir) => FileState::read(call, &dir, path).await,
        Place::Absent => Ok(Place::Absent),
        Place::Foreign => Ok(Place::Foreign),
    }
}
