//! Ids of entities, of one part or of several, as the ids of records.

use std::fmt;

use super::error::{Error, Result};
use crate::seam::RecordId;

/// The id of an entity: the parts, and the record's id that they are joined to.
///
/// An id of one part is the record's id as it is. Of several, a `%` or `/` in a part is
/// written `%25` or `%2F`, and the parts are joined with `/`: (`a/b`, `c`) and
/// (`a`, `b/c`) are different, and so are all others.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId {
    parts: Box<[Box<str>]>,
    record: RecordId,
}

impl EntityId {
    /// The id with these parts.
    ///
    /// # Errors
    /// `InvalidId` when they make no record id: one part may not be empty, nor all of
    /// several, and together they have at most 1 024 bytes.
    pub fn new(parts: &[&str]) -> Result<Self> {
        let joined = match parts {
            [one] => (*one).to_owned(),
            several if several.iter().all(|part| part.is_empty()) => String::new(),
            several => {
                let escaped =
                    several.iter().map(|part| part.replace('%', "%25").replace('/', "%2F"));
                escaped.collect::<Vec<_>>().join("/")
            }
        };
        let record = RecordId::new(joined).map_err(Error::InvalidId)?;
        Ok(Self { parts: parts.iter().map(|part| Box::from(*part)).collect(), record })
    }

    /// The parts.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(AsRef::as_ref)
    }

    /// The id of the record.
    #[must_use]
    pub fn record(&self) -> &RecordId {
        &self.record
    }
}

/// As the record's id.
impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.record, f)
    }
}

impl fmt::Debug for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntityId({:?})", self.record.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::EntityId;

    #[test]
    fn parts_are_joined_so_that_no_two_ids_are_one_record() {
        let parts = ["", "a", "b", "a/b", "a-b", "/", "%", "%2F", "a%2Fb", "b-c", "c"];
        let mut seen = BTreeSet::new();
        for one in parts {
            for other in parts.iter().filter(|other| !one.is_empty() || !other.is_empty()) {
                let id = EntityId::new(&[one, other]).unwrap();
                assert!(seen.insert(id.record().clone()), "({one:?}, {other:?}) is another's {id}");
                assert_eq!(id.parts().collect::<Vec<_>>(), [one, other]);
            }
        }
    }

    #[test]
    fn it_is_shown_as_the_records_own() {
        let id = EntityId::new(&["a", "b/c"]).unwrap();
        let record = id.record().to_string();
        assert_eq!(id.to_string(), record);
        assert_eq!(format!("{id:?}"), format!("EntityId({record:?})"));
    }

    #[test]
    fn an_id_of_one_part_is_the_records_own() {
        assert_eq!(EntityId::new(&["a/%b"]).unwrap().record().as_str(), "a/%b");
    }

    #[test]
    fn what_is_empty_or_too_long_is_no_id() {
        assert!(EntityId::new(&[""]).is_err());
        assert!(EntityId::new(&["", ""]).is_err());
        assert!(EntityId::new(&["a", &"%".repeat(341)]).is_err());
        assert!(EntityId::new(&["a", "b\0"]).is_err());
    }
}
