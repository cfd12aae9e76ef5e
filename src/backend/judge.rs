//! Whether the writes of a commit may happen, but for their keys: pure, and the
//! same for every backend whose records have one place each.

use std::collections::BTreeSet;

use crate::seam::{
    Action, CollectionSpec, Condition, Encoding, Error, Payload, Record, RecordId, Result, Site,
    StoredBytes, Write,
};

/// How a record appears to a commit.
#[derive(Clone, Copy)]
pub(super) enum Seen<'a> {
    /// There is none, or it has expired.
    Absent,
    Good(&'a Record),
    #[cfg_attr(not(feature = "sqlite"), expect(dead_code, reason = "memory has no damage"))]
    Damaged(&'a Damage),
}

/// What is stored where a record should be.
#[derive(Clone)]
pub(super) struct Damage {
    /// Where it lies.
    pub(super) location: String,
    /// What is wrong with it, without its content.
    pub(super) problem: String,
    pub(super) bytes: StoredBytes,
}

impl Damage {
    /// The error of an operation that needs what can't be read.
    pub(super) fn corrupt(&self, site: Site) -> Error {
        let Self { location, problem, bytes } = self.clone();
        Error::Corrupt { site, location, problem, bytes }
    }
}

fn site(spec: &CollectionSpec, id: &RecordId) -> Site {
    Site::new("commit", &spec.name, Some(id))
}

fn must_be_valid(
    spec: &CollectionSpec,
    id: &RecordId,
    encoding: &Encoding,
    data: &Payload,
) -> Result<()> {
    if *encoding == Encoding::JSON && !data.is_json() {
        return Err(Error::InvalidRecord {
            site: site(spec, id),
            problem: "the encoding is json, but the data are not one JSON text",
        });
    }
    Ok(())
}

/// What is judged without looking at the state.
pub(super) fn judge_input(spec: &CollectionSpec, writes: &[Write]) -> Result<()> {
    // Few writes are compared with each other; many go through a set.
    let mut named = BTreeSet::new();
    for (place, write) in writes.iter().enumerate() {
        let id = write.id();
        let repeated = if writes.len() > 8 {
            !named.insert(id)
        } else {
            writes.iter().take(place).any(|earlier| earlier.id() == id)
        };
        if repeated {
            let problem = "the commit names this id twice; join the writes".to_owned();
            return Err(Error::InvalidArgument { site: site(spec, id), problem });
        }
        if let Action::Put(record) = &write.action {
            must_be_valid(spec, id, &record.encoding, &record.data)?;
        }
    }
    Ok(())
}

/// What is judged of one write on the state before the commit.
pub(super) fn judge_write(spec: &CollectionSpec, write: &Write, seen: Seen<'_>) -> Result<()> {
    let id = write.id();
    match (&write.when, seen) {
        (Condition::Any, _)
        | (Condition::Absent, Seen::Absent)
        | (Condition::Present, Seen::Good(_) | Seen::Damaged(_)) => {}
        (Condition::Absent, _) => return Err(Error::AlreadyExists(site(spec, id))),
        (Condition::Present | Condition::Data(_) | Condition::Stored(_), Seen::Absent) => {
            return Err(Error::NotFound(site(spec, id)));
        }
        (Condition::Data(expected), Seen::Good(record)) => {
            if record.data != *expected {
                return Err(Error::Conflict(site(spec, id)));
            }
        }
        (Condition::Data(_), Seen::Damaged(damage)) => return Err(damage.corrupt(site(spec, id))),
        (Condition::Stored(expected), Seen::Good(Record { data, .. })) => {
            if data.bytes() != expected.bytes() {
                return Err(Error::Conflict(site(spec, id)));
            }
        }
        (Condition::Stored(expected), Seen::Damaged(damage)) => {
            if damage.bytes != *expected {
                return Err(Error::Conflict(site(spec, id)));
            }
        }
    }
    if let Action::Replace { data, .. } = &write.action {
        return match seen {
            Seen::Absent => Err(Error::NotFound(site(spec, id))),
            Seen::Good(record) => must_be_valid(spec, id, &record.encoding, data),
            Seen::Damaged(damage) => Err(damage.corrupt(site(spec, id))),
        };
    }
    Ok(())
}
