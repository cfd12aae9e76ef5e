//! Taking records away: deletes, claims, purges, quarantine.

use rusqlite::{
    params,
    types::{ToSqlOutput, ValueRef},
};

use super::{
    connection::Tx,
    errors::Step,
    query::{Bounds, live, load, selected},
    row::{Stored, columns},
};
use crate::{
    backend::judge::Seen,
    seam::{Error, Instant, RecordId, Selection, Site},
};

/// Removes what is stored for `id`; its keys go with it, by a trigger.
pub(super) fn remove(tx: &Tx<'_>, id: &RecordId) -> Step<()> {
    tx.connection
        .prepare_cached("DELETE FROM records WHERE collection = ?1 AND id = ?2")?
        .execute(params![tx.collection, id.as_str()])?;
    Ok(())
}

/// Copies what is stored for `id` to the quarantine, of whatever types it is.
pub(super) fn set_aside(tx: &Tx<'_>, id: &RecordId, now: Instant) -> Step<()> {
    tx.connection
        .prepare_cached(
            "INSERT INTO quarantine (
                 collection, id, data, encoding, created_at_seconds, created_at_nanoseconds,
                 updated_at_seconds, updated_at_nanoseconds, expires_at_seconds,
                 expires_at_nanoseconds, quarantined_at_seconds, quarantined_at_nanoseconds
             ) SELECT
                 collection, id, data, encoding, created_at_seconds, created_at_nanoseconds,
                 updated_at_seconds, updated_at_nanoseconds, expires_at_seconds,
                 expires_at_nanoseconds, ?3, ?4
             FROM records WHERE collection = ?1 AND id = ?2",
        )?
        .execute(params![tx.collection, id.as_str(), now.seconds(), now.nanoseconds()])?;
    Ok(())
}

/// Removes the selected record with the smallest id after `after`, whatever it
/// is, and says what was stored as its id: a damaged one must be put back, by
/// undoing the transaction.
pub(super) fn take_first(
    tx: &Tx<'_>,
    selection: &Selection,
    after: &[u8],
    now: Instant,
) -> Step<Option<(Stored, Vec<u8>)>> {
    let bounds = Bounds::of(tx, selection, now);
    let after = ToSqlOutput::Borrowed(ValueRef::Text(after));
    let sql = concat!(
        "DELETE FROM records WHERE collection = :collection AND id = (
             SELECT records.id FROM records WHERE ",
        selected!(),
        " AND ",
        live!(),
        " AND records.id > :after AND typeof(records.id) = 'text' ORDER BY records.id LIMIT 1
         ) RETURNING ",
        columns!()
    );
    let mut statement = tx.connection.prepare_cached(sql)?;
    let mut rows = statement.query(&*bounds.and(&[(":after", &after)]))?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let place = row.get_ref(0)?.as_bytes().map_err(rusqlite::Error::from)?.to_vec();
    Ok(Some((Stored::read(row)?, place)))
}

/// Removes what has expired and says how many records that were.
pub(super) fn purge(tx: &Tx<'_>, now: Instant) -> Step<u64> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM records WHERE collection = ?1 AND expires_at_seconds IS NOT NULL \
          AND (expires_at_seconds, expires_at_nanoseconds) <= (?2, ?3)"
    );
    let mut expired = Vec::new();
    {
        let mut statement = tx.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![tx.collection, now.seconds(), now.nanoseconds()])?;
        while let Some(row) = rows.next()? {
            // Damaged bytes are never destroyed.
            expired.extend(Stored::read(row)?.content.ok().map(|record| record.id));
        }
    }
    for id in &expired {
        remove(tx, id)?;
    }
    Ok(u64::try_from(expired.len()).unwrap_or(u64::MAX))
}

/// Sets a record aside if its data, or the bytes of a damaged one, are as
/// expected.
pub(super) fn quarantine(
    tx: &Tx<'_>,
    id: &RecordId,
    expected: &[u8],
    now: Instant,
    site: impl Fn() -> Site,
) -> Step<()> {
    let stored = load(tx, id)?;
    let is_expected = match stored.as_ref().map_or(Seen::Absent, |stored| stored.seen(now)) {
        Seen::Absent => return Err(Error::NotFound(site()).into()),
        Seen::Good(record) => record.data.bytes() == expected,
        Seen::Damaged(damage) => damage.bytes.bytes() == expected,
    };
    if !is_expected {
        return Err(Error::Conflict(site()).into());
    }
    set_aside(tx, id, now)?;
    remove(tx, id)
}
