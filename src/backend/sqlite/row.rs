//! A row as a record, and back.

use rusqlite::{Row, types::ValueRef};

use crate::{
    backend::judge::{Damage, Seen},
    seam::{Encoding, Instant, Payload, Record, RecordId, StoredBytes},
};

/// The columns that [`Stored::read`] reads, in its order.
macro_rules! columns {
    () => {
        "records.id, records.data, records.encoding, \
         records.created_at_seconds, records.created_at_nanoseconds, \
         records.updated_at_seconds, records.updated_at_nanoseconds, \
         records.expires_at_seconds, records.expires_at_nanoseconds"
    };
}
pub(super) use columns;

/// What a row of `records` is.
pub(super) struct Stored {
    /// The record's id; for a row that has none, what comes nearest to it.
    pub(super) id: RecordId,
    /// Whether it is what is stored.
    pub(super) id_is_sound: bool,
    /// When it was created, if that can be read.
    pub(super) created_at: Option<Instant>,
    pub(super) content: Result<Record, Damage>,
}

impl Stored {
    /// Reads a row of [`columns!`].
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let values = Values {
            id: row.get_ref(0)?,
            data: row.get_ref(1)?,
            encoding: row.get_ref(2)?,
            created_at: (row.get_ref(3)?, row.get_ref(4)?),
            updated_at: (row.get_ref(5)?, row.get_ref(6)?),
            expires_at: (row.get_ref(7)?, row.get_ref(8)?),
        };
        let id = text(values.id).and_then(|text| RecordId::new(text).ok());
        let created_at = instant(values.created_at);
        let content = values.record(id.clone());
        let id_is_sound = id.is_some();
        let id = id.unwrap_or_else(|| nearest_id(values.id));
        let content = content.map_err(|problem| Damage {
            location: "its row in the table records".to_owned(),
            problem: problem.to_owned(),
            bytes: StoredBytes::new(bytes(values.data)),
        });
        Ok(Self { id, id_is_sound, created_at, content })
    }

    /// The record, unless it is damaged or has expired.
    pub(super) fn live(self, now: Instant) -> Option<Record> {
        self.content.ok().filter(|record| !record.is_expired(now))
    }

    /// How it appears to a commit that read `now`.
    pub(super) fn seen(&self, now: Instant) -> Seen<'_> {
        match &self.content {
            Ok(record) if record.is_expired(now) => Seen::Absent,
            Ok(record) => Seen::Good(record),
            Err(damage) => Seen::Damaged(damage),
        }
    }
}

struct Values<'r> {
    id: ValueRef<'r>,
    data: ValueRef<'r>,
    encoding: ValueRef<'r>,
    created_at: (ValueRef<'r>, ValueRef<'r>),
    updated_at: (ValueRef<'r>, ValueRef<'r>),
    expires_at: (ValueRef<'r>, ValueRef<'r>),
}

impl Values<'_> {
    fn record(&self, id: Option<RecordId>) -> Result<Record, &'static str> {
        let (ValueRef::Blob(data) | ValueRef::Text(data)) = self.data else {
            return Err("its data are neither bytes nor text");
        };
        let encoding = text(self.encoding).ok_or("its encoding is no text")?;
        let encoding = Encoding::new(encoding);
        let mut data = Payload::new(data);
        if encoding == Encoding::JSON {
            let checked = data.checked_json();
            data = checked.ok_or("its encoding is json, but its data are not one JSON text")?;
        }
        let expires_at = match self.expires_at {
            (ValueRef::Null, ValueRef::Null) => None,
            given => Some(instant(given).ok_or("its expires_at is no instant")?),
        };
        Ok(Record {
            id: id.ok_or("its id is no record id")?,
            data,
            encoding,
            created_at: instant(self.created_at).ok_or("its created_at is no instant")?,
            updated_at: instant(self.updated_at).ok_or("its updated_at is no instant")?,
            expires_at,
        })
    }
}

fn text(value: ValueRef<'_>) -> Option<&str> {
    match value {
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

fn instant(value: (ValueRef<'_>, ValueRef<'_>)) -> Option<Instant> {
    match value {
        (ValueRef::Integer(seconds), ValueRef::Integer(nanoseconds)) => {
            Instant::new(seconds, u32::try_from(nanoseconds).ok()?)
        }
        _ => None,
    }
}

/// The stored bytes of a value; a number's are its text.
fn bytes(value: ValueRef<'_>) -> Vec<u8> {
    match value {
        ValueRef::Null => Vec::new(),
        ValueRef::Integer(number) => number.to_string().into_bytes(),
        ValueRef::Real(number) => number.to_string().into_bytes(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
    }
}

/// A name for a row that has no id, so that it can be listed.
fn nearest_id(value: ValueRef<'_>) -> RecordId {
    let bytes = bytes(value);
    let mut name = String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}");
    name.truncate(name.floor_char_boundary(RecordId::MAX_BYTES));
    #[expect(clippy::expect_used, reason = "the constant is an id")]
    RecordId::new(name).unwrap_or_else(|_| RecordId::new("\u{fffd}").expect("an id"))
}
