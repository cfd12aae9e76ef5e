//! Under which records a worker's heartbeat may lie.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::seam::{Error, RecordId};

/// The records of one worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places {
    /// Where we write it.
    pub(super) own: RecordId,
    /// Where older software writes it: the hex SHA-256 of the worker id.
    pub(super) older: RecordId,
}

impl Places {
    /// Those of the worker of that id.
    ///
    /// The record id is the worker id, but for ids that would be taken for
    /// something else: one that is itself 64 hex digits, or begins with `id/`,
    /// gets `id/` before it. Where that makes it too long for a record id, it
    /// is `id/long/` and the SHA-256, which is nobody else's: behind the `id/`
    /// of others stand 64 hex digits or another `id/`.
    ///
    /// # Errors
    /// `InvalidId` when the text can't be a record id.
    pub(super) fn of(worker_id: &str) -> Result<Self, Error> {
        let plain = RecordId::new(worker_id)?;
        let hash = sha256_hex(worker_id);
        let own = if worker_id.starts_with("id/") || is_hash(worker_id) {
            match RecordId::new(format!("id/{worker_id}")) {
                Ok(id) => id,
                Err(_) => RecordId::new(format!("id/long/{hash}"))?,
            }
        } else {
            plain
        };
        Ok(Self { own, older: RecordId::new(hash)? })
    }

    /// Whether a record of that id may be the worker's.
    pub(super) fn contain(&self, id: &RecordId) -> bool {
        *id == self.own || *id == self.older
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn sha256_hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Places;

    fn own(worker_id: &str) -> String {
        Places::of(worker_id).unwrap().own.to_string()
    }

    #[test]
    fn the_record_id_is_the_worker_id_but_where_it_could_be_another_s() {
        for plain in ["w", "a/b", "..", "win\\host", "id", "ID/x", "/id/x", &"x".repeat(1_024)] {
            assert_eq!(own(plain), plain);
        }
        let hash = "0f".repeat(32);
        let upper = "0F".repeat(32);
        for special in ["id/", "id/x", "id/id/x", &hash, &upper] {
            assert_eq!(own(special), format!("id/{special}"));
        }
        assert_eq!(own(&hash[1..]), hash[1..], "63 digits are no hash");
    }

    #[test]
    fn every_worker_id_has_a_record_id_of_its_own() {
        let long = |last: &str| format!("id/{}{last}", "x".repeat(1_020));
        let hash = "0f".repeat(32);
        let workers = [
            "id/x".to_owned(),
            "id/id/x".to_owned(),
            "id/long/x".to_owned(),
            format!("id/long/{hash}"),
            format!("id/{hash}"),
            hash,
            long("a"),
            long("b"),
            own(&long("a")),
        ];
        let places: BTreeSet<String> = workers.iter().map(|worker| own(worker)).collect();
        assert_eq!(places.len(), workers.len(), "{places:?}");
    }

    #[test]
    fn older_software_names_files_by_the_sha_256() {
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Places::of("abc").unwrap().older.as_str(), expected);
    }

    #[test]
    fn what_is_no_record_id_is_no_worker_id() {
        for text in ["", "a\0", &"x".repeat(1_025)] {
            assert!(Places::of(text).is_err(), "{text:?}");
        }
    }
}
