//! Reading: one record, the holders of a key, pages, counts.

use rusqlite::{ToSql, params, types::Value};

use super::{
    connection::Tx,
    declared::name_of,
    errors::Step,
    row::{Stored, columns},
    schema::suspect,
};
use crate::{
    backend::judge::Damage,
    seam::{
        Cursor, Damaged, Found, Instant, KeySpec, KeyValue, ListQuery, Page, Position, Record,
        RecordId, Selection,
    },
};

/// What is selected, in SQL, with the parameters of [`Bounds`]. The times decide no
/// index: ids do, or the order.
macro_rules! selected {
    () => {
        "records.collection = :collection AND records.id >= :from AND records.id < :end \
         AND (+records.created_at_seconds, +records.created_at_nanoseconds) \
             >= (:since_seconds, :since_nanoseconds) \
         AND (+records.created_at_seconds, +records.created_at_nanoseconds) \
             < (:until_seconds, :until_nanoseconds)"
    };
}
pub(super) use selected;

/// What has not expired, in SQL, with the parameters of [`Bounds`].
macro_rules! live {
    () => {
        "(records.expires_at_seconds IS NULL \
          OR (records.expires_at_seconds, records.expires_at_nanoseconds) \
              > (:now_seconds, :now_nanoseconds))"
    };
}
pub(super) use live;

/// What bounds a selection: the ids, the times of creation, the present. Each is
/// always given.
pub(super) struct Bounds<'s> {
    collection: &'s str,
    from: &'s str,
    end: Value,
    since: (i64, u32),
    until: (i64, u32),
    now: (i64, u32),
}

/// The parameters of a statement, by name.
type Parameters<'p> = Vec<(&'p str, &'p dyn ToSql)>;

impl<'s> Bounds<'s> {
    pub(super) fn of(tx: &Tx<'s>, selection: &'s Selection, now: Instant) -> Self {
        let pair = |at: Instant| (at.seconds(), at.nanoseconds());
        Self {
            collection: tx.collection,
            from: &selection.prefix,
            end: end_of(&selection.prefix),
            since: pair(selection.since.unwrap_or(Instant::MIN)),
            until: selection.until.map_or((Instant::MAX.seconds() + 1, 0), pair),
            now: pair(now),
        }
    }

    /// As parameters of a statement, with those that only this one has.
    pub(super) fn and<'p>(&'p self, others: &[(&'p str, &'p dyn ToSql)]) -> Parameters<'p> {
        let own: [(&str, &dyn ToSql); 9] = [
            (":collection", &self.collection),
            (":from", &self.from),
            (":end", &self.end),
            (":since_seconds", &self.since.0),
            (":since_nanoseconds", &self.since.1),
            (":until_seconds", &self.until.0),
            (":until_nanoseconds", &self.until.1),
            (":now_seconds", &self.now.0),
            (":now_nanoseconds", &self.now.1),
        ];
        [&own, others].concat()
    }
}

/// What comes after every text that begins with `prefix`. Texts compare by their
/// bytes, which is by their code points.
fn end_of(prefix: &str) -> Value {
    let mut head = prefix.to_owned();
    while let Some(last) = head.pop() {
        // A range of characters knows that there are no surrogates.
        if let Some(next) = (last..=char::MAX).nth(1) {
            head.push(next);
            return Value::Text(head);
        }
    }
    // Bytes come after all texts.
    Value::Blob(Vec::new())
}

/// What is stored for `id`.
pub(super) fn load(tx: &Tx<'_>, id: &RecordId) -> Step<Option<Stored>> {
    let sql = concat!("SELECT ", columns!(), " FROM records WHERE collection = ?1 AND id = ?2");
    let mut statement = tx.connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![tx.collection, id.as_str()])?;
    Ok(rows.next()?.map(Stored::read).transpose()?)
}

/// Every record of the collection that the index of suspects shows to be
/// damaged, by id.
fn damaged(tx: &Tx<'_>) -> Step<Vec<Damaged>> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM records INDEXED BY records_suspect WHERE collection = ?1 AND (",
        suspect!(),
        ")"
    );
    let mut statement = tx.connection.prepare_cached(sql)?;
    let mut rows = statement.query([tx.collection])?;
    let mut damaged = Vec::new();
    while let Some(row) = rows.next()? {
        let Stored { id, content, .. } = Stored::read(row)?;
        damaged.extend(content.err().map(|damage| named(id, &damage)));
    }
    damaged.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(damaged)
}

fn named(id: RecordId, damage: &Damage) -> Damaged {
    Damaged { id, message: format!("{} is damaged: {}", damage.location, damage.problem) }
}

/// The rows of those that have a value of a key, in the order of listings.
///
/// A cross join is one whose order is kept: SQLite would else go through all records in
/// the order that is asked for, and look each up in the keys.
const HOLDERS: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM record_keys AS held
      CROSS JOIN records ON records.collection = held.collection AND records.id = held.id
      WHERE held.collection = ?1 AND held.key = ?2 AND held.value = ?3
      ORDER BY records.created_at_seconds, records.created_at_nanoseconds, records.id"
);

/// Those that have a value of a key, by (`created_at`, id), expired and damaged
/// ones left out. Rows of `record_keys`, where the key is called `name`, only say where
/// to look.
pub(super) fn holders(
    tx: &Tx<'_>,
    (name, key): (&str, &KeySpec),
    value: &KeyValue,
    now: Instant,
) -> Step<Vec<Record>> {
    let mut statement = tx.connection.prepare_cached(HOLDERS)?;
    let given = params![tx.collection, name, value.as_text().as_bytes()];
    let mut rows = statement.query(given)?;
    let mut holders = Vec::new();
    while let Some(row) = rows.next()? {
        let record = Stored::read(row)?.live(now);
        holders.extend(record.filter(|record| key.value_in(&record.data).as_ref() == Some(value)));
    }
    Ok(holders)
}

/// What a look-up by key finds.
pub(super) fn find(
    tx: &Tx<'_>,
    key: &KeySpec,
    value: Option<&KeyValue>,
    now: Instant,
) -> Step<Found> {
    let Some(value) = value else { return Ok(Found::default()) };
    Ok(Found { records: holders(tx, (&name_of(key), key), value, now)?, damaged: damaged(tx)? })
}

/// A page that is being filled.
struct Filling {
    page: Page,
    limit: usize,
    /// Where the item lies that came last.
    last: Option<Position>,
}

impl Filling {
    /// Whether there is room; where there is none, the page ends here.
    fn has_room(&mut self) -> bool {
        let has_room = self.page.damaged.len() + self.page.records.len() < self.limit;
        if !has_room {
            self.page.next_cursor = self.last.as_ref().map(Cursor::new);
        }
        has_room
    }
}

/// One page.
pub(super) fn list(
    tx: &Tx<'_>,
    query: &ListQuery,
    after: Option<&Position>,
    limit: usize,
    now: Instant,
) -> Step<Page> {
    let selection = &query.selection;
    let mut filling = Filling { page: Page::default(), limit, last: None };
    let damaged = damaged(tx)?;
    for item in &damaged {
        let is_due = match after {
            None => true,
            Some(Position::Damaged(id)) => item.id > *id,
            Some(Position::Record(..)) => false,
        };
        if !is_due || !selection.contains_damaged(item.id.as_str()) {
            continue;
        }
        if !filling.has_room() {
            return Ok(filling.page);
        }
        filling.last = Some(Position::Damaged(item.id.clone()));
        filling.page.damaged.push(item.clone());
    }
    let bounds = Bounds::of(tx, selection, now);
    // The first position is before all records of its instant.
    let (start, after_id) = match after {
        Some(Position::Record(at, id)) if selection.since.is_none_or(|since| *at >= since) => {
            ((at.seconds(), at.nanoseconds()), id.as_str())
        }
        _ => (bounds.since, ""),
    };
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM records INDEXED BY records_by_creation WHERE ",
        selected!(),
        " AND ",
        live!(),
        " AND (records.created_at_seconds, records.created_at_nanoseconds, records.id) \
             > (:start_seconds, :start_nanoseconds, :after_id) \
          ORDER BY records.created_at_seconds, records.created_at_nanoseconds, records.id"
    );
    let mut statement = tx.connection.prepare_cached(sql)?;
    let mut rows = statement.query(&*bounds.and(&[
        (":start_seconds", &start.0),
        (":start_nanoseconds", &start.1),
        (":after_id", &after_id),
    ]))?;
    while let Some(row) = rows.next()? {
        let Stored { id, id_is_sound, created_at, content } = Stored::read(row)?;
        let is_named = damaged.binary_search_by(|item| item.id.cmp(&id)).is_ok();
        if content.is_err() && is_named {
            continue;
        }
        if !id_is_sound {
            // No page can begin after it: it counts towards none.
            filling.page.damaged.extend(content.err().map(|damage| named(id, &damage)));
            continue;
        }
        if !filling.has_room() {
            break;
        }
        filling.last = created_at.map(|at| Position::Record(at, id.clone()));
        match content {
            Ok(record) => filling.page.records.push(record),
            // Damage that only we can see (bytes that are no UTF-8) is named
            // where it lies.
            Err(damage) => filling.page.damaged.push(named(id, &damage)),
        }
    }
    Ok(filling.page)
}

/// How many good records are selected.
pub(super) fn count(tx: &Tx<'_>, selection: &Selection, now: Instant) -> Step<u64> {
    let bounds = Bounds::of(tx, selection, now);
    let given = &*bounds.and(&[]);
    let sql = concat!("SELECT count(*) FROM records WHERE ", selected!(), " AND ", live!());
    let all: u64 = {
        let mut statement = tx.connection.prepare_cached(sql)?;
        let counted: i64 = statement.query_row(given, |row| row.get(0))?;
        counted.unsigned_abs()
    };
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM records INDEXED BY records_suspect WHERE ",
        selected!(),
        " AND ",
        live!(),
        " AND (",
        suspect!(),
        ")"
    );
    let mut statement = tx.connection.prepare_cached(sql)?;
    let mut rows = statement.query(given)?;
    let mut damaged = 0;
    while let Some(row) = rows.next()? {
        damaged += u64::from(Stored::read(row)?.content.is_err());
    }
    Ok(all.saturating_sub(damaged))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rusqlite::types::Value;

    use super::{HOLDERS, end_of};
    use crate::{
        backend::sqlite::{SqliteOptions, schema::connect},
        seam::Site,
    };

    #[test]
    fn a_look_up_by_key_reads_no_records_but_those_that_have_it() {
        let directory = tempfile::tempdir().unwrap();
        let site = Site::new("open", &Arc::from("c"), None);
        let path = directory.path().join("db");
        let connection = connect(&path, &SqliteOptions::default(), &site).unwrap();
        let mut explained = connection.prepare(&format!("EXPLAIN QUERY PLAN {HOLDERS}")).unwrap();
        let steps = explained.query_map(["c", "k", "v"], |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<String> = steps.map(Result::unwrap).collect();
        let keys = "SEARCH held USING PRIMARY KEY (collection=? AND key=? AND value=?)";
        assert_eq!(steps.first().map(String::as_str), Some(keys), "{steps:#?}");
        assert!(steps[1].contains("records_1 (collection=? AND id=?)"), "{steps:#?}");
    }

    #[test]
    fn the_end_of_a_prefix_comes_after_it_and_nothing_else() {
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(end_of("a/"), text("a0"));
        assert_eq!(end_of("a\u{7f}"), text("a\u{80}"));
        assert_eq!(end_of("a\u{d7ff}"), text("a\u{e000}"));
        assert_eq!(end_of("a\u{10ffff}"), text("b"));
        assert_eq!(end_of("\u{10ffff}"), Value::Blob(vec![]));
        assert_eq!(end_of(""), Value::Blob(vec![]));
    }
}
