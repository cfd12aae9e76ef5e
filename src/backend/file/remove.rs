//! The operations that remove records but for a commit: claiming, purging,
//! setting aside.

use std::collections::BTreeMap;

use crate::{
    fs::Fs,
    seam::{Error, Outcome, Record, RecordId, Result, Selection},
};

use super::{
    apply::{apply, conclude},
    aside,
    atomic::{self, Watched},
    catalog::directory_of,
    intent::digest,
    load::{Seen, load},
    lock::{self, Held, Purpose},
    plan::{FileStep, Plan, Step, plan_removal},
    quarantine,
    query::{expired, first_by_id},
    storage::{Call, Place},
    walk::refresh,
};

/// Removes the selected record with the smallest id and returns it.
pub(super) async fn claim<F: Fs>(call: &Call<'_, F>, selection: &Selection) -> Result<Record> {
    call.must_take_writes()?;
    let mut held = lock::acquire(call, Purpose::Write).await?;
    refresh(call).await?;
    let now = call.storage.clock.now();
    let mut after: Option<RecordId> = None;
    loop {
        let chosen = first_by_id(&call.storage.catalog(), selection, after.as_ref(), now);
        let Some(id) = chosen else { return Err(Error::NotFound(call.site())) };
        let call = &call.about(&id);
        let current = load(call, &id).await?;
        let claimed = match current.seen(now) {
            Seen::Good(record) if selection.contains(id.as_str(), record.created_at) => {
                Some(record.clone())
            }
            _ => None,
        };
        if let Some(record) = claimed {
            must_not_be_newer(call, &current)?;
            apply(call, &mut held, plan_removal(&current)).await?;
            return Ok(record);
        }
        // Somebody who does not know the lock changed it in this moment.
        let mut catalog = call.storage.catalog();
        if let Some(entry) = catalog.entry(&id).cloned() {
            catalog.distrust(directory_of(&entry.path));
        }
        drop(catalog);
        after = Some(id);
    }
}

/// What a newer release wrote is removed by nothing but quarantine, not even
/// where an older file counts for the record.
fn must_not_be_newer<F: Fs>(call: &Call<'_, F>, current: &super::load::Current) -> Result<()> {
    for file in current.files() {
        if let Some(damage) = file.stored.content.as_ref().err().filter(|damage| damage.is_newer())
        {
            return Err(file.corrupt(call, damage));
        }
    }
    Ok(())
}

/// Removes what has expired and says how many records that were.
///
/// Each removal stands for itself: nobody can tell an expired record from one
/// that is gone, so that only what lies in one directory is synced together.
pub(super) async fn purge_expired<F: Fs>(call: &Call<'_, F>) -> Result<u64> {
    call.must_take_writes()?;
    let mut held = lock::acquire(call, Purpose::Write).await?;
    refresh(call).await?;
    let now = call.storage.clock.now();
    let ids = expired(&call.storage.catalog(), now);
    if ids.is_empty() {
        return Ok(0);
    }
    let mut removed = 0;
    held.begin(call, true).await?;
    let mut touched = BTreeMap::new();
    let mut done = purge(call, &held, &ids, now, &mut touched, &mut removed).await;
    for watched in touched.values() {
        let synced = atomic::sync(call, &watched.dir, &watched.path).await;
        done = done.and(synced);
    }
    // Records that are gone stay so, whatever failed after them.
    if removed > 0 {
        done = done.map_err(|mut error| {
            if let Error::Io { outcome, .. } | Error::Backend { outcome, .. } = &mut error {
                *outcome = Outcome::Unknown;
            }
            error
        });
    }
    conclude(call, &mut held, done).await?;
    Ok(removed)
}

async fn purge<F: Fs>(
    call: &Call<'_, F>,
    held: &Held<F>,
    ids: &[RecordId],
    now: crate::seam::Instant,
    touched: &mut BTreeMap<String, Watched<F>>,
    removed: &mut u64,
) -> Result<()> {
    for id in ids {
        let call = &call.about(id);
        let current = load(call, id).await?;
        // Whatever else lies there was put there in this very moment, or is a
        // newer release's, and then stays.
        let has_expired = current.files().next().is_some_and(|file| {
            file.stored.content.as_ref().is_ok_and(|record| record.is_expired(now))
        });
        if !has_expired || must_not_be_newer(call, &current).is_err() {
            continue;
        }
        let Plan { quarantine, steps } = plan_removal(&current);
        for (path, bytes) in &quarantine {
            quarantine::keep(call, path, bytes).await?;
        }
        for step in &steps {
            let Step::File(FileStep { path, before, .. }) = step else { continue };
            let place = directory_of(path);
            if !touched.contains_key(place) {
                let Place::Found(dir) = call.open_directory(path.directories()).await? else {
                    continue;
                };
                let watched = Watched::new(call, dir, place, held.generation());
                touched.insert(place.to_owned(), watched);
            }
            if let Some(watched) = touched.get_mut(place) {
                let judged = digest(before.as_deref().unwrap_or_default());
                aside::remove(call, watched, path, &judged).await?;
                let fs_now = call.storage.fs.now();
                call.storage.catalog().change(path, None, watched.modified(), fs_now);
            }
        }
        *removed = removed.saturating_add(1);
    }
    Ok(())
}

/// Sets a record aside if its data, or the bytes of a damaged one, are as
/// expected.
pub(super) async fn quarantine<F: Fs>(
    call: &Call<'_, F>,
    id: &RecordId,
    expected: &[u8],
) -> Result<()> {
    call.must_take_writes()?;
    let mut held = lock::acquire(call, Purpose::Write).await?;
    let current = load(call, id).await?;
    let now = call.storage.clock.now();
    let is_expected = match current.seen(now) {
        Seen::Absent => return Err(Error::NotFound(call.site())),
        Seen::Good(record) => record.data.bytes() == expected,
        Seen::Damaged(file, _) => file.bytes == expected,
    };
    if !is_expected {
        return Err(Error::Conflict(call.site()));
    }
    let mut plan = plan_removal(&current);
    plan.quarantine = current.files().map(|file| (file.path.clone(), file.bytes.clone())).collect();
    apply(call, &mut held, plan).await
}
