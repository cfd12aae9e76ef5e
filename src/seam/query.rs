//! What is asked of a collection, and what comes back.

use super::{cursor::Cursor, instant::Instant, record::Record, record_id::RecordId};

/// Which records an operation is about: all that meet every condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The id begins with these bytes. Empty: every id.
    pub prefix: String,
    /// `created_at` is at or after this.
    pub since: Option<Instant>,
    /// `created_at` is before this.
    pub until: Option<Instant>,
}

impl Selection {
    /// Every record.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Whether a record with this id and time of creation is meant.
    #[must_use]
    pub fn contains(&self, id: &str, created_at: Instant) -> bool {
        id.as_bytes().starts_with(self.prefix.as_bytes())
            && self.since.is_none_or(|since| created_at >= since)
            && self.until.is_none_or(|until| created_at < until)
    }

    /// Whether a damaged record with this id is named. Its time of creation is
    /// not known, so that only the prefix counts: nothing is hidden.
    #[must_use]
    pub fn contains_damaged(&self, id: &str) -> bool {
        id.as_bytes().starts_with(self.prefix.as_bytes())
    }
}

/// A request for one page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Which records.
    pub selection: Selection,
    /// Where to go on; none: from the beginning.
    pub cursor: Option<Cursor>,
    /// How many at most, at least 1; none: the backend's default page size.
    pub limit: Option<u32>,
}

/// A record that can't be read, named beside the good ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// The id that its place stands for.
    pub id: RecordId,
    /// What is wrong, and where; without any of its content.
    pub message: String,
}

/// One page of a listing: damaged records first, by id, then the good ones by
/// (`created_at`, id).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The good records.
    pub records: Vec<Record>,
    /// The damaged ones; they count towards the limit.
    pub damaged: Vec<Damaged>,
    /// Where the next page begins; none: this page ends with the last record.
    pub next_cursor: Option<Cursor>,
}

/// What a look-up by key found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The records that have the key, by (`created_at`, id): the first is the
    /// owner of a unique one.
    pub records: Vec<Record>,
    /// Every damaged record of the collection, by id: any of them might have
    /// had the key.
    pub damaged: Vec<Damaged>,
}
