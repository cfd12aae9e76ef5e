//! The file that a handle read or wrote last, and what its bytes say.
//!
//! One call reads the same file several times: to keep the index true, to look
//! a record up, to judge a change of it. Reading a large record as JSON takes
//! longer than all the rest; whether its bytes are those of before takes one
//! comparison. What bytes at a path say never changes, so that nothing here can
//! grow old.

use std::sync::{Arc, OnceLock};

use crate::{
    fs::{FileTime, Fs},
    seam::Record,
};

use super::{
    catalog::{KeyValues, key_values},
    path::RecordPath,
    storage::Call,
    stored::{Form, Stored, read_stored},
};

/// A file with `version`: its bytes and its path alone tell its record.
pub(super) struct Recent {
    path: RecordPath,
    /// Its bytes up to the record's data, which are the rest but for a brace.
    head: Box<[u8]>,
    record: Record,
    keys: OnceLock<KeyValues>,
}

impl Recent {
    /// None where the data are not in the file as they are.
    fn new(path: &RecordPath, bytes: &[u8], record: &Record) -> Option<Self> {
        let (head, rest) = split_before_data(bytes, record.data.bytes().len())?;
        let holds = rest.strip_suffix(b"}") == Some(record.data.bytes());
        holds.then(|| Self {
            path: path.clone(),
            head: Box::from(head),
            record: record.clone(),
            keys: OnceLock::new(),
        })
    }

    /// Whether the file at `path` with these bytes is this one.
    fn is(&self, path: &RecordPath, bytes: &[u8]) -> bool {
        let data = self.record.data.bytes();
        split_before_data(bytes, data.len()).is_some_and(|(head, rest)| {
            *head == *self.head && rest.strip_suffix(b"}") == Some(data) && *path == self.path
        })
    }
}

fn split_before_data(bytes: &[u8], data_length: usize) -> Option<(&[u8], &[u8])> {
    let head_length = bytes.len().checked_sub(data_length)?.checked_sub(1)?;
    bytes.split_at_checked(head_length)
}

impl<F: Fs> Call<'_, F> {
    /// [`read_stored`] with the collection's spec.
    pub(super) fn read_stored(
        &self,
        path: &RecordPath,
        bytes: &[u8],
        modified: FileTime,
    ) -> Stored {
        if let Some(recent) = self.storage.recent().filter(|recent| recent.is(path, bytes)) {
            let record = recent.record.clone();
            return Stored { id: record.id.clone(), form: Form::Versioned, content: Ok(record) };
        }
        let stored = read_stored(path, bytes, modified, &self.storage.spec.legacy);
        if let Stored { form: Form::Versioned, content: Ok(record), .. } = &stored {
            self.remember(path, bytes, record, None);
        }
        stored
    }

    /// Remembers what the bytes of a file, as they are read or are to be
    /// written, say; and the record's values for the keys, where they are known
    /// already.
    pub(super) fn remember(
        &self,
        path: &RecordPath,
        bytes: &[u8],
        record: &Record,
        keys: Option<&KeyValues>,
    ) {
        if let Some(recent) = Recent::new(path, bytes, record) {
            if let Some(keys) = keys {
                let _ = recent.keys.set(keys.clone());
            }
            self.storage.set_recent(Arc::new(recent));
        }
    }

    /// The values that a record has for the collection's keys.
    pub(super) fn key_values(&self, record: &Record) -> KeyValues {
        let keys = &self.storage.spec.keys;
        match self.storage.recent().filter(|recent| recent.record.data == record.data) {
            Some(recent) => recent.keys.get_or_init(|| key_values(record, keys)).clone(),
            None => key_values(record, keys),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Recent;
    use crate::{
        backend::file::{envelope::encode, path::RecordPath},
        seam::{Encoding, Instant, Payload, Record, RecordId},
    };

    fn record(id: &str, data: &str) -> Record {
        Record::json(RecordId::new(id).unwrap(), Payload::new(data.as_bytes()), Instant::ZERO)
    }

    #[test]
    fn only_the_very_bytes_at_the_very_path_are_known_again() {
        let known = record("a", " {\"a\":1} ");
        let path = RecordPath::of(&known.id);
        let bytes = encode(&known).unwrap();
        let recent = Recent::new(&path, &bytes, &known).expect("its data are in it");
        assert!(recent.is(&path, &bytes));
        assert!(!recent.is(&RecordPath::of(&RecordId::new("b").unwrap()), &bytes));
        for place in 0..bytes.len() {
            let mut other = bytes.clone();
            other[place] ^= 1;
            assert!(!recent.is(&path, &other), "byte {place} differs");
        }
        for other in [&bytes[1..], &bytes[..bytes.len() - 1], &[&bytes[..], b" "].concat(), b""] {
            assert!(!recent.is(&path, other), "{} bytes", other.len());
        }
    }

    #[test]
    fn data_that_are_not_in_the_file_as_they_are_are_not_remembered() {
        let mut known = record("a", "x");
        known.encoding = Encoding::PROTO3;
        let path = RecordPath::of(&known.id);
        assert!(Recent::new(&path, &encode(&known).unwrap(), &known).is_none());
        assert!(Recent::new(&path, b"", &known).is_none());
    }
}
