//! Whether a commit may happen.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    fs::Fs,
    seam::{
        Action, Condition, Encoding, Error, Instant, KeyValue, Payload, Record, RecordId, Result,
        Write,
    },
};

use super::{
    catalog::{Facts, KeyValues, directory_of},
    load::{Current, Seen, load},
    query::first_id,
    storage::Call,
    walk::refresh,
};

/// What a write makes of its record.
pub(super) enum Change {
    /// Nothing.
    Keep,
    /// The record is written.
    Put {
        record: Record,
        /// The values that it has for the spec's keys.
        keys: KeyValues,
        /// Those that the record had before.
        keys_before: KeyValues,
    },
    /// The record goes.
    Remove,
}

/// A write that may happen, as far as it alone decides.
pub(super) struct Decided {
    pub(super) current: Current,
    pub(super) change: Change,
    /// Whether what is there is to be set aside first, though it may be sound: what is
    /// damaged always is.
    pub(super) sets_aside: bool,
}

/// What is judged without looking at what is stored.
pub(super) fn judge_input<F: Fs>(call: &Call<'_, F>, writes: &[Write]) -> Result<()> {
    let mut named = BTreeSet::new();
    for write in writes {
        let call = call.about(write.id());
        if !named.insert(write.id()) {
            return Err(Error::InvalidArgument {
                site: call.site(),
                problem: "the commit names this id twice; join the writes".to_owned(),
            });
        }
        if let Action::Put(record) = &write.action {
            must_be_valid(&call, &record.encoding, &record.data)?;
        }
    }
    Ok(())
}

fn must_be_valid<F: Fs>(call: &Call<'_, F>, encoding: &Encoding, data: &Payload) -> Result<()> {
    if *encoding == Encoding::JSON && !data.is_json() {
        return Err(Error::InvalidRecord {
            site: call.site(),
            problem: "the encoding is json, but the data are not one JSON text",
        });
    }
    Ok(())
}

/// Judges one write on what is stored, and decides what becomes of its record.
pub(super) fn judge<F: Fs>(
    call: &Call<'_, F>,
    write: Write,
    current: Current,
    now: Instant,
) -> Result<Decided> {
    let id = current.id.clone();
    let call = &call.about(&id);
    // No operation but quarantine writes over what a newer release wrote.
    for file in current.files() {
        if let Some(damage) = file.stored.content.as_ref().err().filter(|damage| damage.is_newer())
        {
            return Err(file.corrupt(call, damage));
        }
    }
    let seen = current.seen(now);
    match (&write.when, &seen) {
        (Condition::Any, _)
        | (Condition::Absent, Seen::Absent)
        | (Condition::Present, Seen::Good(_) | Seen::Damaged(..)) => {}
        (Condition::Absent, _) => return Err(Error::AlreadyExists(call.site())),
        (Condition::Present | Condition::Data(_) | Condition::Stored(_), Seen::Absent) => {
            return Err(Error::NotFound(call.site()));
        }
        (Condition::Data(expected), Seen::Good(record)) => {
            if record.data != *expected {
                return Err(Error::Conflict(call.site()));
            }
        }
        (Condition::Data(_), Seen::Damaged(file, damage)) => {
            return Err(file.corrupt(call, damage));
        }
        (Condition::Stored(expected), Seen::Good(record)) => {
            if record.data.bytes() != expected.bytes() {
                return Err(Error::Conflict(call.site()));
            }
        }
        (Condition::Stored(expected), Seen::Damaged(file, _)) => {
            if file.bytes != expected.bytes() {
                return Err(Error::Conflict(call.site()));
            }
        }
    }
    let sets_aside = write.sets_aside();
    let change = match (write.action, &seen) {
        (Action::Check(_), _) => Change::Keep,
        (Action::Delete(_), _) => Change::Remove,
        (Action::Put(mut record), Seen::Good(stored)) if !sets_aside => {
            record.created_at = stored.created_at;
            record.updated_at = record.updated_at.max(stored.updated_at);
            put(call, record, Some(stored))
        }
        // Writing over an expired or a damaged record is creation.
        (Action::Put(record), _) => put(call, record, None),
        (Action::Replace { data, .. }, Seen::Good(stored)) => {
            must_be_valid(call, &stored.encoding, &data)?;
            let updated_at = stored.updated_at.max(now);
            put(call, Record { data, updated_at, ..(*stored).clone() }, Some(stored))
        }
        (Action::Replace { .. }, Seen::Absent) => return Err(Error::NotFound(call.site())),
        (Action::Replace { .. }, Seen::Damaged(file, damage)) => {
            return Err(file.corrupt(call, damage));
        }
    };
    Ok(Decided { current, change, sets_aside })
}

fn put<F: Fs>(call: &Call<'_, F>, record: Record, before: Option<&Record>) -> Change {
    let keys_before = match before {
        Some(before) => call.key_values(before),
        None => call.storage.spec.keys.iter().map(|_| None).collect(),
    };
    Change::Put { keys: call.key_values(&record), keys_before, record }
}

/// Whether the commit gives a record a unique value that another one would
/// hold afterwards.
///
/// # Errors
/// `KeyTaken` for the first such key in the spec's order.
pub(super) async fn judge_keys<F: Fs>(
    call: &Call<'_, F>,
    decided: &[Decided],
    now: Instant,
) -> Result<()> {
    let spec = &call.storage.spec;
    if !spec.keys.iter().any(|key| key.unique) || !decided.iter().any(gives_new_value) {
        return Ok(());
    }
    loop {
        refresh(call).await?;
        if judge_keys_once(call, decided, now).await? == Look::OfOneMoment {
            return Ok(());
        }
    }
}

/// Whether all that was looked at was so at one moment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    OfOneMoment,
    /// Somebody who does not know the lock changed a record meanwhile: what was
    /// judged before may hold no longer.
    Disturbed,
}

async fn judge_keys_once<F: Fs>(
    call: &Call<'_, F>,
    decided: &[Decided],
    now: Instant,
) -> Result<Look> {
    let spec = &call.storage.spec;
    for (place, key) in spec.keys.iter().enumerate().filter(|(_, key)| key.unique) {
        for (at, write) in decided.iter().enumerate() {
            let Some(value) = given(write, place, now) else { continue };
            if value.is_held_before {
                continue;
            }
            let others = decided.iter().enumerate().filter(|(other, _)| *other != at);
            let given_twice = others
                .filter_map(|(_, other)| given(other, place, now))
                .any(|other| other.value == value.value);
            let held = match given_twice {
                true => Some(true),
                false => is_held(call, decided, place, value.value, now).await?,
            };
            match held {
                Some(false) => {}
                None => return Ok(Look::Disturbed),
                Some(true) => {
                    let site = call.about(&write.current.id).site();
                    return Err(Error::KeyTaken { site, key: Arc::clone(&key.name) });
                }
            }
        }
    }
    Ok(Look::OfOneMoment)
}

fn gives_new_value(decided: &Decided) -> bool {
    match &decided.change {
        Change::Put { keys, keys_before, .. } => keys != keys_before,
        Change::Keep | Change::Remove => false,
    }
}

struct Given<'a> {
    value: &'a Arc<KeyValue>,
    is_held_before: bool,
}

/// The value that a write gives its record for a key. One that is expired as
/// it is written is given nothing.
fn given(decided: &Decided, place: usize, now: Instant) -> Option<Given<'_>> {
    let Change::Put { record, keys, keys_before } = &decided.change else { return None };
    let value = keys.get(place)?.as_ref()?;
    let before = keys_before.get(place).and_then(Option::as_ref);
    (!record.is_expired(now)).then_some(Given { value, is_held_before: before == Some(value) })
}

/// Whether a record that the commit leaves as it is has this value; none: one
/// that had it was changed in this very moment, by somebody who does not know
/// the lock. Of a record that the commit checks, what it found then counts: all
/// must be so at one moment.
async fn is_held<F: Fs>(
    call: &Call<'_, F>,
    decided: &[Decided],
    place: usize,
    value: &Arc<KeyValue>,
    now: Instant,
) -> Result<Option<bool>> {
    let has_it = |current: &Current| match current.seen(now) {
        Seen::Good(record) => call.key_values(record).get(place) == Some(&Some(Arc::clone(value))),
        Seen::Absent | Seen::Damaged(..) => false,
    };
    let is_kept = |own: &&Decided| matches!(own.change, Change::Keep);
    if decided.iter().filter(is_kept).any(|own| has_it(&own.current)) {
        return Ok(Some(true));
    }
    let is_own = |id: &RecordId| decided.iter().any(|own| own.current.id == *id);
    let holder = {
        let catalog = call.storage.catalog();
        let mut holders = catalog
            .holders(place, value, first_id())
            .filter(|id| !is_own(id))
            .filter(|id| !expired(catalog.entry(id).and_then(|e| e.content.as_ref().ok()), now));
        holders.next().cloned()
    };
    let Some(id) = holder else { return Ok(Some(false)) };
    // A refusal must be true.
    let current = load(call, &id).await?;
    if has_it(&current) {
        return Ok(Some(true));
    }
    let mut catalog = call.storage.catalog();
    if let Some(entry) = catalog.entry(&id).cloned() {
        catalog.distrust(directory_of(&entry.path));
    }
    Ok(None)
}

fn expired(facts: Option<&Facts>, now: Instant) -> bool {
    facts.is_none_or(|facts| facts.is_expired(now))
}
