//! The operations that change nothing.
//!
//! They take no lock as long as nobody writes meanwhile: the generation is read
//! before and after (a seqlock), and only if it was odd or has changed, twice,
//! the lock makes writers wait.

use crate::{
    fs::Fs,
    seam::{Error, Instant, Record, RecordId, Result},
};

use super::{
    catalog::directory_of,
    load::{Current, Seen, load},
    lock::{self, Purpose},
    query::{Choice, Query, Wanted, choose},
    storage::{Call, Place},
    walk::refresh,
};

/// How often a read that many writers disturb tries without the lock.
const ATTEMPTS: usize = 2;

/// How often a look-up under the lock begins anew because somebody who does
/// not know it changed files.
const LOCKED_ATTEMPTS: usize = 3;

/// The record of that id.
pub(super) async fn get<F: Fs>(call: &Call<'_, F>, id: &RecordId) -> Result<Record> {
    for _ in 0..ATTEMPTS {
        // A change of one file is there or is not. One of several files must
        // not be seen by halves: what was read while one was under way does
        // not count. Nor what was read before one was completed that had failed:
        // its caller was told already that it may have happened.
        if lock::read_head(call).await?.is_unsettled() {
            continue;
        }
        let current = load(call, id).await?;
        let now = call.storage.clock.now();
        let head = lock::read_head(call).await?;
        if head.is_unsettled() {
            continue;
        }
        // Only what is absent may have been aside, and have its name back: that
        // it is absent must hold while nothing changes.
        if !matches!(current.seen(now), Seen::Absent) {
            return outcome(call, &current, now);
        }
        let current = load(call, id).await?;
        let now = call.storage.clock.now();
        if lock::read_head(call).await? == head {
            return outcome(call, &current, now);
        }
    }
    let held = lock::acquire(call, Purpose::Read).await?;
    let current = load(call, id).await?;
    let now = call.storage.clock.now();
    drop(held);
    outcome(call, &current, now)
}

fn outcome<F: Fs>(call: &Call<'_, F>, current: &Current, now: Instant) -> Result<Record> {
    match current.seen(now) {
        Seen::Absent => Err(Error::NotFound(call.site())),
        Seen::Damaged(file, damage) => Err(file.corrupt(call, damage)),
        Seen::Good(record) => Ok(record.clone()),
    }
}

/// What a look-up found, all of one moment.
pub(super) struct Answer {
    pub(super) choice: Choice,
    pub(super) records: Vec<Record>,
}

/// Answers a look-up.
pub(super) async fn answer<F: Fs>(call: &Call<'_, F>, query: &Query) -> Result<Answer> {
    for _ in 0..ATTEMPTS {
        let before = lock::read_head(call).await?;
        if before.is_changing() {
            continue;
        }
        if let Some(answer) = attempt(call, query).await?
            && lock::read_head(call).await? == before
        {
            return Ok(answer);
        }
    }
    let held = lock::acquire(call, Purpose::Read).await?;
    for _ in 0..LOCKED_ATTEMPTS {
        if let Some(answer) = attempt(call, query).await? {
            return Ok(answer);
        }
    }
    // Software that does not know the lock goes on changing files as we read
    // them. Each of those left out here was gone or another one in between.
    refresh(call).await?;
    let now = call.storage.clock.now();
    let choice = choose(&call.storage.catalog(), query, now);
    let mut records = Vec::with_capacity(choice.wanted.len());
    for wanted in &choice.wanted {
        records.extend(read_wanted(call, query, wanted, None).await?);
    }
    drop(held);
    Ok(Answer { choice, records })
}

/// Chooses from the index and reads the files; none if a file is not what the
/// index says.
async fn attempt<F: Fs>(call: &Call<'_, F>, query: &Query) -> Result<Option<Answer>> {
    refresh(call).await?;
    let now = call.storage.clock.now();
    let choice = choose(&call.storage.catalog(), query, now);
    let mut records = Vec::with_capacity(choice.wanted.len());
    let mut dir: Option<(&str, F::Dir)> = None;
    for wanted in &choice.wanted {
        let place = directory_of(&wanted.path);
        if dir.as_ref().is_none_or(|(open, _)| *open != place) {
            dir = match call.open_directory(wanted.path.directories()).await? {
                Place::Found(opened) => Some((place, opened)),
                Place::Absent | Place::Foreign => None,
            };
        }
        let opened = dir.as_ref().map(|(_, dir)| dir);
        let read = match opened {
            Some(_) => read_wanted(call, query, wanted, opened).await?,
            None => None,
        };
        match read {
            Some(record) => records.push(record),
            None => {
                call.storage.catalog().distrust(place);
                return Ok(None);
            }
        }
    }
    Ok(Some(Answer { choice, records }))
}

/// Reads a record that was chosen; none if the file is not what it was chosen
/// for.
async fn read_wanted<F: Fs>(
    call: &Call<'_, F>,
    query: &Query,
    wanted: &Wanted,
    dir: Option<&F::Dir>,
) -> Result<Option<Record>> {
    let path = &wanted.path;
    let read = match dir {
        Some(dir) => call.read_file(dir, path.file_name(), path.as_str()).await?,
        None => call.read_path(path).await?,
    };
    let Place::Found((bytes, metadata)) = read else { return Ok(None) };
    let stored = call.read_stored(path, &bytes, metadata.modified);
    let Ok(record) = stored.content else { return Ok(None) };
    let same = stored.id == wanted.id
        && record.created_at == wanted.created_at
        && record.expires_at == wanted.expires_at;
    let still_held = match query {
        Query::Holders { place, value } => {
            call.key_values(&record).get(*place).is_some_and(|held| held.as_ref() == Some(value))
        }
        Query::Page { .. } | Query::Count(_) => true,
    };
    Ok((same && still_held).then_some(record))
}
