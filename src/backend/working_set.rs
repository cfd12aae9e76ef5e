//! The records of one collection in memory, with the indexes that follow from them:
//! what the memory backend keeps, and what the hybrid one reads from.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

use crate::seam::{
    Cursor, Damaged, Found, Instant, KeyPart, KeySpec, KeyValue, ListQuery, Page, Payload,
    Position, Record, RecordId, Selection,
};

/// The records of a collection.
pub(super) struct WorkingSet {
    /// The first of all ids: where a range of some instant's ids begins. Each
    /// storage has its own: threads with storages of their own would all count
    /// the copies of a shared one.
    pub(super) first_id: RecordId,
    pub(super) records: BTreeMap<RecordId, Stored>,
    /// The order of listings.
    pub(super) order: BTreeSet<(Instant, RecordId)>,
    /// One per distinct list of parts that any handle has declared.
    pub(super) indexes: Vec<Index>,
    /// The records that can't be read, with what is wrong with each. Memory's own
    /// have no damage.
    pub(super) damaged: BTreeMap<RecordId, String>,
}

pub(super) struct Stored {
    pub(super) record: Record,
    pub(super) values: Values,
}

/// The values of a record in all indexes, in their order.
pub(super) type Values = Box<[Option<KeyValue>]>;

pub(super) struct Index {
    pub(super) key: KeySpec,
    pub(super) holders: BTreeSet<(KeyValue, Instant, RecordId)>,
}

impl Default for WorkingSet {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "the constant is an id")]
        let first_id = RecordId::new("\u{1}").expect("an id");
        Self {
            first_id,
            records: BTreeMap::new(),
            order: BTreeSet::new(),
            indexes: Vec::new(),
            damaged: BTreeMap::new(),
        }
    }
}

impl WorkingSet {
    /// The number of the index over these parts, made if there is none yet.
    pub(super) fn index_of(&mut self, key: &KeySpec) -> usize {
        let same = |parts: &Arc<[KeyPart]>| parts == &key.parts;
        if let Some(place) = self.indexes.iter().position(|index| same(&index.key.parts)) {
            return place;
        }
        let mut holders = BTreeSet::new();
        for (id, stored) in &mut self.records {
            let value = key.value_in(&stored.record.data);
            if let Some(value) = &value {
                holders.insert((value.clone(), stored.record.created_at, id.clone()));
            }
            let values = std::mem::take(&mut stored.values);
            stored.values = values.into_iter().chain([value]).collect();
        }
        self.indexes.push(Index { key: key.clone(), holders });
        self.indexes.len() - 1
    }

    pub(super) fn live(&self, id: &RecordId, now: Instant) -> Option<&Stored> {
        self.records.get(id).filter(|stored| !stored.record.is_expired(now))
    }

    /// The good records whose id begins with `prefix`, by id.
    fn with_prefix<'a>(
        &'a self,
        prefix: &'a str,
        now: Instant,
    ) -> impl Iterator<Item = &'a Record> {
        self.records
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(move |(id, _)| id.as_str().starts_with(prefix))
            .map(|(_, stored)| &stored.record)
            .filter(move |record| !record.is_expired(now))
    }

    pub(super) fn values_of(&self, data: &Payload) -> Values {
        KeySpec::values_in(self.indexes.iter().map(|index| &index.key), data)
    }

    /// Those that hold a value of an index, by (`created_at`, id), expired ones
    /// included.
    pub(super) fn holders<'a>(
        &'a self,
        place: usize,
        value: &KeyValue,
    ) -> impl Iterator<Item = &'a RecordId> + use<'a> {
        let value = value.clone();
        let first = (value.clone(), Instant::MIN, self.first_id.clone());
        self.indexes
            .get(place)
            .map(|index| index.holders.range(first..))
            .into_iter()
            .flatten()
            .take_while(move |(held, _, _)| *held == value)
            .map(|(_, _, id)| id)
    }

    /// What a look-up finds in the index of that number; no value: an empty part was
    /// asked for, which finds nothing.
    pub(super) fn find(&self, place: usize, value: Option<&KeyValue>, now: Instant) -> Found {
        let Some(value) = value else { return Found::default() };
        let live = self.holders(place, value).filter_map(|id| self.live(id, now));
        let records = live.map(|stored| stored.record.clone()).collect();
        Found { records, damaged: self.damaged().collect() }
    }

    fn damaged(&self) -> impl Iterator<Item = Damaged> {
        let named = |(id, message): (&RecordId, &String)| Damaged {
            id: id.clone(),
            message: message.clone(),
        };
        self.damaged.iter().map(named)
    }

    /// One page: damaged records first, by id, then the others by
    /// (`created_at`, id).
    pub(super) fn page(
        &self,
        query: &ListQuery,
        after: Option<Position>,
        limit: usize,
        now: Instant,
    ) -> Page {
        let selection = &query.selection;
        let mut page = Page::default();
        for damaged in self.damaged() {
            let is_due = match &after {
                None => true,
                Some(Position::Damaged(id)) => damaged.id > *id,
                Some(Position::Record(..)) => false,
            };
            if !is_due || !selection.contains_damaged(damaged.id.as_str()) {
                continue;
            }
            if page.damaged.len() == limit {
                let last = page.damaged.last().map(|last| Position::Damaged(last.id.clone()));
                page.next_cursor = last.as_ref().map(Cursor::new);
                return page;
            }
            page.damaged.push(damaged);
        }
        for (created_at, id) in self.order.range((self.page_start(query, after), Bound::Unbounded))
        {
            if selection.until.is_some_and(|until| *created_at >= until) {
                break;
            }
            if !selection.contains(id.as_str(), *created_at) {
                continue;
            }
            let Some(stored) = self.live(id, now) else { continue };
            if page.damaged.len() + page.records.len() == limit {
                let last = page.records.last();
                let last = last.map(|last| Position::Record(last.created_at, last.id.clone()));
                let damaged = page.damaged.last().map(|last| Position::Damaged(last.id.clone()));
                page.next_cursor = last.or(damaged).as_ref().map(Cursor::new);
                break;
            }
            page.records.push(stored.record.clone());
        }
        page
    }

    /// Where a page begins in the order of listings.
    fn page_start(&self, query: &ListQuery, after: Option<Position>) -> Bound<(Instant, RecordId)> {
        let since = query.selection.since;
        match after {
            Some(Position::Record(at, id)) if since.is_none_or(|since| at >= since) => {
                Bound::Excluded((at, id))
            }
            _ => match since {
                Some(since) => Bound::Included((since, self.first_id.clone())),
                None => Bound::Unbounded,
            },
        }
    }

    /// The good records that are selected, by id.
    pub(super) fn selected<'a>(
        &'a self,
        selection: &'a Selection,
        now: Instant,
    ) -> impl Iterator<Item = &'a Record> {
        self.with_prefix(&selection.prefix, now)
            .filter(|record| selection.contains(record.id.as_str(), record.created_at))
    }

    /// Inserts a record, or replaces the one of its id.
    pub(super) fn insert(&mut self, record: Record, values: Values) {
        match self.records.get_mut(&record.id) {
            Some(stored) if stored.record.created_at == record.created_at => {
                // Its place in the order stays; in the indexes, often.
                let held = std::mem::replace(&mut stored.values, values);
                for ((index, held), given) in self.indexes.iter_mut().zip(held).zip(&stored.values)
                {
                    if held == *given {
                        continue;
                    }
                    let holder = |value| (value, record.created_at, record.id.clone());
                    if let Some(value) = held {
                        index.holders.remove(&holder(value));
                    }
                    if let Some(value) = given {
                        index.holders.insert(holder(value.clone()));
                    }
                }
                stored.record = record;
                return;
            }
            Some(_) => {
                self.remove(&record.id);
            }
            None => {}
        }
        let id = record.id.clone();
        let created_at = record.created_at;
        for (index, value) in self.indexes.iter_mut().zip(&values) {
            if let Some(value) = value {
                index.holders.insert((value.clone(), created_at, id.clone()));
            }
        }
        self.order.insert((created_at, id.clone()));
        self.records.insert(id, Stored { record, values });
    }

    /// Removes a record.
    pub(super) fn remove(&mut self, id: &RecordId) -> Option<Record> {
        let (id, Stored { record, values }) = self.records.remove_entry(id)?;
        let mut place = (record.created_at, id);
        self.order.remove(&place);
        for (index, value) in self.indexes.iter_mut().zip(values) {
            if let Some(value) = value {
                let entry = (value, place.0, place.1);
                index.holders.remove(&entry);
                place.1 = entry.2;
            }
        }
        Some(record)
    }
}
