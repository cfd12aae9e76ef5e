//! Commits: judged and done under the database's write lock.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rusqlite::params;

use super::{
    connection::Tx,
    declared::{Declared, keep, name_of},
    errors::Step,
    query::{holders, load},
    remove::{remove, set_aside},
    row::Stored,
};
use crate::{
    backend::judge::{Seen, judge_write},
    seam::{
        Action, CollectionSpec, Error, Instant, KeySpec, KeyValue, Record, RecordId, Site, Write,
    },
};

/// A write that may happen, as far as it alone decides.
struct Decided {
    id: RecordId,
    change: Change,
    /// Whether what is stored is to be set aside before it is changed.
    sets_aside: bool,
}

enum Change {
    Keep,
    Put {
        record: Record,
        /// The values that it has for the spec's keys.
        given: Box<[Option<KeyValue>]>,
        /// Those that it held before.
        held: Box<[Option<KeyValue>]>,
    },
    Remove,
}

impl Change {
    /// The value that it gives the record for a key.
    fn gives(&self, place: usize, now: Instant) -> Option<&KeyValue> {
        match self {
            Self::Put { record, given, .. } if !record.is_expired(now) => {
                given.get(place)?.as_ref()
            }
            Self::Put { .. } | Self::Keep | Self::Remove => None,
        }
    }

    /// The value that the record held before, where it stays.
    fn held(&self, place: usize) -> Option<&KeyValue> {
        match self {
            Self::Put { held, .. } => held.get(place)?.as_ref(),
            Self::Keep | Self::Remove => None,
        }
    }
}

/// Does all the writes, or none.
pub(super) fn commit(
    tx: &Tx<'_>,
    declared: &Declared,
    spec: &CollectionSpec,
    writes: Vec<Write>,
    now: Instant,
) -> Step<()> {
    let mut decided = Vec::with_capacity(writes.len());
    for write in writes {
        let stored = load(tx, write.id())?;
        let seen = stored.as_ref().map_or(Seen::Absent, |stored| stored.seen(now));
        judge_write(spec, &write, seen)?;
        decided.push(decide(spec, write, stored.as_ref(), now));
    }
    judge_keys(tx, spec, &decided, now)?;
    for Decided { id, change, sets_aside } in decided {
        let is_changed = !matches!(change, Change::Keep);
        if sets_aside && is_changed {
            set_aside(tx, &id, now)?;
        }
        match change {
            Change::Keep => {}
            Change::Remove => remove(tx, &id)?,
            Change::Put { record, .. } => {
                write_record(tx, &record)?;
                keep(tx, declared, &record.id, &record.data)?;
            }
        }
    }
    Ok(())
}

/// What becomes of the record of a write that may happen.
fn decide(spec: &CollectionSpec, write: Write, stored: Option<&Stored>, now: Instant) -> Decided {
    let id = write.id().clone();
    let before = match stored.map(|stored| stored.seen(now)) {
        Some(Seen::Good(record)) if !write.sets_aside() => Some(record),
        _ => None,
    };
    let is_damaged = stored.is_some_and(|stored| stored.content.is_err());
    let sets_aside = is_damaged || write.sets_aside();
    let record = match (write.action, before) {
        (Action::Put(record), None) => Some(record),
        (Action::Put(record), Some(before)) => Some(Record {
            created_at: before.created_at,
            updated_at: record.updated_at.max(before.updated_at),
            ..record
        }),
        (Action::Replace { data, .. }, Some(before)) => {
            Some(Record { data, updated_at: before.updated_at.max(now), ..before.clone() })
        }
        // One without a record was refused before.
        (Action::Replace { .. } | Action::Check(_), _) => None,
        (Action::Delete(_), _) => return Decided { id, change: Change::Remove, sets_aside },
    };
    let change = record.map_or(Change::Keep, |record| Change::Put {
        given: KeySpec::values_in(spec.keys.iter(), &record.data),
        held: match before {
            Some(before) => KeySpec::values_in(spec.keys.iter(), &before.data),
            None => Box::default(),
        },
        record,
    });
    Decided { id, change, sets_aside }
}

/// Whether the commit gives a record a unique value that another one would hold
/// afterwards. One that is expired as it is written is given nothing.
fn judge_keys(tx: &Tx<'_>, spec: &CollectionSpec, decided: &[Decided], now: Instant) -> Step<()> {
    let is_changed = |write: &&Decided| !matches!(write.change, Change::Keep);
    let changed: BTreeSet<&RecordId> = decided.iter().filter(is_changed).map(|w| &w.id).collect();
    for (place, key) in spec.keys.iter().enumerate().filter(|(_, key)| key.unique) {
        let given: Vec<Option<&KeyValue>> =
            decided.iter().map(|write| write.change.gives(place, now)).collect();
        let mut givers: BTreeMap<&KeyValue, usize> = BTreeMap::new();
        for value in given.iter().copied().flatten() {
            *givers.entry(value).or_default() += 1;
        }
        let name = name_of(key);
        for (write, value) in decided.iter().zip(given) {
            let Some(value) = value else { continue };
            if write.change.held(place) == Some(value) {
                continue;
            }
            let is_given_twice = givers.get(value).is_some_and(|givers| *givers > 1);
            let stays = |holder: &Record| !changed.contains(&holder.id);
            if is_given_twice || holders(tx, (&name, key), value, now)?.iter().any(stays) {
                let site = Site::new("commit", &spec.name, Some(&write.id));
                return Err(Error::KeyTaken { site, key: Arc::clone(&key.name) }.into());
            }
        }
    }
    Ok(())
}

fn write_record(tx: &Tx<'_>, record: &Record) -> Step<()> {
    tx.connection
        .prepare_cached(
            "INSERT INTO records (
                 collection, id, data, encoding, created_at_seconds, created_at_nanoseconds,
                 updated_at_seconds, updated_at_nanoseconds, expires_at_seconds,
                 expires_at_nanoseconds
             ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (collection, id) DO UPDATE SET
                 data = excluded.data,
                 encoding = excluded.encoding,
                 created_at_seconds = excluded.created_at_seconds,
                 created_at_nanoseconds = excluded.created_at_nanoseconds,
                 updated_at_seconds = excluded.updated_at_seconds,
                 updated_at_nanoseconds = excluded.updated_at_nanoseconds,
                 expires_at_seconds = excluded.expires_at_seconds,
                 expires_at_nanoseconds = excluded.expires_at_nanoseconds",
        )?
        .execute(params![
            tx.collection,
            record.id.as_str(),
            record.data.bytes(),
            record.encoding.as_str(),
            record.created_at.seconds(),
            record.created_at.nanoseconds(),
            record.updated_at.seconds(),
            record.updated_at.nanoseconds(),
            record.expires_at.map(Instant::seconds),
            record.expires_at.map(Instant::nanoseconds),
        ])?;
    Ok(())
}
