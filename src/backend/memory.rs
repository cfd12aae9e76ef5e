//! Collections in this process's memory: the reference among the backends, and
//! the memory half of the hybrid one.
//!
//! Every operation takes the collection's one lock, works, and lets it go: it
//! is atomic as it stands, and never waits for anything else.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{
    arguments::{declared_key, page_bounds},
    judge::{Seen, judge_input, judge_write},
    working_set::{Stored, Values, WorkingSet},
};
use crate::seam::{
    Action, Backend, Clock, Collection, CollectionSpec, Error, Found, Instant, KeyValue, ListQuery,
    Page, Record, RecordId, Result, Selection, Site, Write,
};

/// The page size where neither the caller nor [`MemoryBackend::with_page_size`]
/// says another.
pub const DEFAULT_PAGE_SIZE: u32 = 100;

/// Collections in memory. Clones share them; they live as long as a clone or a
/// handle does.
#[derive(Clone)]
pub struct MemoryBackend {
    clock: Arc<dyn Clock>,
    page_size: u32,
    collections: Arc<Mutex<Collections>>,
}

impl MemoryBackend {
    /// No collections yet; `clock` decides what has expired.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, page_size: DEFAULT_PAGE_SIZE, collections: Arc::default() }
    }

    /// With another default page size, at least 1, for handles opened from now
    /// on.
    #[must_use]
    pub fn with_page_size(mut self, page_size: u32) -> Self {
        self.page_size = page_size.max(1);
        self
    }

    /// What was quarantined in the collection of that name, oldest first.
    #[must_use]
    pub fn quarantined(&self, collection: &str) -> Vec<Record> {
        let collections = locked(&self.collections);
        let Some(storage) = collections.get(collection) else { return Vec::new() };
        let storage = locked(storage);
        storage.quarantined.clone()
    }
}

/// What all handles of one collection share.
#[derive(Default)]
struct Storage {
    set: WorkingSet,
    quarantined: Vec<Record>,
}

/// By name.
type Collections = BTreeMap<Arc<str>, Arc<Mutex<Storage>>>;

#[async_trait]
impl Backend for MemoryBackend {
    async fn open(&self, spec: CollectionSpec) -> Result<Arc<dyn Collection>> {
        spec.validate()?;
        let storage =
            Arc::clone(locked(&self.collections).entry(Arc::clone(&spec.name)).or_default());
        let places = {
            let mut storage = locked(&storage);
            spec.keys.iter().map(|key| storage.set.index_of(key)).collect()
        };
        let clock = Arc::clone(&self.clock);
        Ok(Arc::new(MemoryCollection { spec, places, clock, page_size: self.page_size, storage }))
    }
}

/// One handle, with the keys that its writes keep.
struct MemoryCollection {
    spec: CollectionSpec,
    /// Which index belongs to each of the spec's keys.
    places: Box<[usize]>,
    clock: Arc<dyn Clock>,
    page_size: u32,
    storage: Arc<Mutex<Storage>>,
}

/// No mutex here guards a state that a panic could leave half changed: no
/// foreign code but the clock runs under one, and that before any change.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryCollection {
    fn site(&self, operation: &'static str, id: Option<&RecordId>) -> Site {
        Site::new(operation, &self.spec.name, id)
    }

    /// The record that a write is to replace, if any.
    fn replaced<'a>(set: &'a WorkingSet, write: &Write, now: Instant) -> Option<&'a Stored> {
        set.live(write.id(), now).filter(|_| !write.sets_aside())
    }

    /// What is judged on the state before the commit, but for the keys.
    fn judge_state(&self, set: &WorkingSet, writes: &[Write], now: Instant) -> Result<()> {
        for write in writes {
            let stored = set.live(write.id(), now);
            let seen = stored.map_or(Seen::Absent, |stored| Seen::Good(&stored.record));
            judge_write(&self.spec, write, seen)?;
        }
        Ok(())
    }

    /// Whether the commit gives a record a unique value that another one will
    /// hold. An expired record holds nothing, and is given nothing.
    fn judge_keys(
        &self,
        set: &WorkingSet,
        writes: &[Write],
        values: &[Values],
        now: Instant,
    ) -> Result<()> {
        let given = |at: usize, place: usize| {
            let value = values.get(at)?.get(place)?.as_ref()?;
            let write = writes.get(at)?;
            let expires_at = match &write.action {
                Action::Put(record) => record.expires_at,
                Action::Replace { id, .. } => set.records.get(id)?.record.expires_at,
                Action::Delete(_) | Action::Check(_) => return None,
            };
            expires_at.is_none_or(|expires_at| expires_at > now).then_some(value)
        };
        let keys = self.spec.keys.iter().zip(&self.places).filter(|(key, _)| key.unique);
        for (key, &place) in keys {
            for (at, write) in writes.iter().enumerate() {
                let Some(value) = given(at, place) else { continue };
                let stored = Self::replaced(set, write, now);
                let held = stored.and_then(|stored| stored.values.get(place)?.as_ref());
                if held == Some(value) {
                    continue;
                }
                let given_twice = (0..writes.len())
                    .any(|other| other != at && given(other, place) == Some(value));
                let kept = |id: &RecordId| {
                    set.live(id, now).is_some() && !writes.iter().any(|write| changes(write, id))
                };
                if given_twice || set.holders(place, value).any(kept) {
                    let site = self.site("commit", Some(write.id()));
                    return Err(Error::KeyTaken { site, key: Arc::clone(&key.name) });
                }
            }
        }
        Ok(())
    }
}

/// Whether a write changes or removes the record `id`.
fn changes(write: &Write, id: &RecordId) -> bool {
    !matches!(write.action, Action::Check(_)) && write.id() == id
}

#[async_trait]
impl Collection for MemoryCollection {
    fn spec(&self) -> &CollectionSpec {
        &self.spec
    }

    async fn get(&self, id: &RecordId) -> Result<Record> {
        let storage = locked(&self.storage);
        match storage.set.live(id, self.clock.now()) {
            Some(stored) => Ok(stored.record.clone()),
            None => Err(Error::NotFound(self.site("get", Some(id)))),
        }
    }

    async fn find(&self, key: &str, parts: &[&str]) -> Result<Found> {
        let (at, _) = declared_key(&self.spec, key, parts)?;
        let Some(place) = self.places.get(at) else { return Ok(Found::default()) };
        let storage = locked(&self.storage);
        Ok(storage.set.find(*place, KeyValue::new(parts).as_ref(), self.clock.now()))
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        let (after, limit) = page_bounds(&self.spec, query, self.page_size)?;
        let storage = locked(&self.storage);
        Ok(storage.set.page(query, after, limit, self.clock.now()))
    }

    async fn count(&self, selection: &Selection) -> Result<u64> {
        let storage = locked(&self.storage);
        let selected = storage.set.selected(selection, self.clock.now());
        Ok(selected.fold(0, |count, _| count + 1))
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        judge_input(&self.spec, &writes)?;
        let mut storage = locked(&self.storage);
        let now = self.clock.now();
        self.judge_state(&storage.set, &writes, now)?;
        let mut values = Vec::new();
        if !storage.set.indexes.is_empty() {
            values.extend(writes.iter().map(|write| match &write.action {
                Action::Put(Record { data, .. }) | Action::Replace { data, .. } => {
                    storage.set.values_of(data)
                }
                Action::Delete(_) | Action::Check(_) => Values::default(),
            }));
            self.judge_keys(&storage.set, &writes, &values, now)?;
        }
        let mut values = values.into_iter();
        for write in writes {
            let values = values.next().unwrap_or_default();
            if write.sets_aside() {
                let aside = storage.set.remove(write.id());
                storage.quarantined.extend(aside);
            }
            match write.action {
                Action::Put(mut record) => {
                    // Writing over an expired record, or what was set aside, is creation.
                    if let Some(stored) = storage.set.live(&record.id, now) {
                        record.created_at = stored.record.created_at;
                        record.updated_at = record.updated_at.max(stored.record.updated_at);
                    }
                    storage.set.insert(record, values);
                }
                Action::Replace { id, data } => {
                    if let Some(stored) = storage.set.live(&id, now) {
                        let mut record = stored.record.clone();
                        record.data = data;
                        record.updated_at = record.updated_at.max(now);
                        storage.set.insert(record, values);
                    }
                }
                Action::Delete(id) => {
                    storage.set.remove(&id);
                }
                Action::Check(_) => {}
            }
        }
        Ok(())
    }

    async fn claim(&self, selection: &Selection) -> Result<Record> {
        let mut storage = locked(&self.storage);
        let now = self.clock.now();
        let first = storage.set.selected(selection, now).next();
        let first = first.map(|record| record.id.clone());
        match first.and_then(|id| storage.set.remove(&id)) {
            Some(record) => Ok(record),
            None => Err(Error::NotFound(self.site("claim", None))),
        }
    }

    async fn purge_expired(&self) -> Result<u64> {
        let mut storage = locked(&self.storage);
        let now = self.clock.now();
        let expired = storage.set.records.values().map(|stored| &stored.record);
        let expired: Vec<RecordId> = expired
            .filter(|record| record.is_expired(now))
            .map(|record| record.id.clone())
            .collect();
        for id in &expired {
            storage.set.remove(id);
        }
        Ok(expired.len() as u64)
    }

    async fn quarantine(&self, id: &RecordId, expected: &[u8]) -> Result<()> {
        let mut storage = locked(&self.storage);
        let site = || self.site("quarantine", Some(id));
        match storage.set.live(id, self.clock.now()) {
            None => return Err(Error::NotFound(site())),
            Some(stored) if stored.record.data.bytes() != expected => {
                return Err(Error::Conflict(site()));
            }
            Some(_) => {}
        }
        let record = storage.set.remove(id);
        storage.quarantined.extend(record);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;
    use crate::seam::{CollectionExt, KeySpec, Payload};

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Instant {
            Instant::UNIX_EPOCH
        }
    }

    /// Memory never waits: every future is ready at once.
    fn ready<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("memory waited"),
        }
    }

    fn record(id: &str, json: &str) -> Record {
        let data = Payload::json(json.as_bytes()).unwrap();
        Record::json(RecordId::new(id).unwrap(), data, Instant::UNIX_EPOCH)
    }

    fn open(backend: &MemoryBackend, keys: Vec<KeySpec>) -> Arc<dyn Collection> {
        ready(backend.open(CollectionSpec::new("c").with_keys(keys))).unwrap()
    }

    #[test]
    fn clones_share_the_storage_and_names_separate_it() {
        let backend = MemoryBackend::new(Arc::new(Still));
        let first = open(&backend, vec![]);
        let second = open(&backend.clone(), vec![]);
        let other = ready(backend.open(CollectionSpec::new("d"))).unwrap();
        ready(first.put(record("a", "1"))).unwrap();
        assert!(ready(second.get(&RecordId::new("a").unwrap())).is_ok(), "one storage");
        assert!(ready(other.get(&RecordId::new("a").unwrap())).is_err(), "another collection");
    }

    #[test]
    fn a_key_that_is_declared_late_covers_older_records() {
        let backend = MemoryBackend::new(Arc::new(Still));
        ready(open(&backend, vec![]).put(record("a", r#"{"n":"x"}"#))).unwrap();
        let keyed = open(&backend, vec![KeySpec::unique("n", &["/n"])]);
        assert_eq!(ready(keyed.find("n", &["x"])).unwrap().records.len(), 1);
        let taken = ready(keyed.put(record("b", r#"{"n":"x"}"#)));
        assert!(matches!(taken, Err(Error::KeyTaken { .. })), "{taken:?}");
        ready(open(&backend, vec![]).put(record("b", r#"{"n":"x"}"#))).unwrap();
        let found = ready(keyed.find("n", &["x"])).unwrap();
        assert_eq!(found.records.len(), 2, "a handle without keys enforces none, all are found");
    }

    #[test]
    fn removed_records_leave_nothing_in_the_indexes() {
        let backend = MemoryBackend::new(Arc::new(Still));
        let keyed = open(&backend, vec![KeySpec::unique("n", &["/n"])]);
        ready(keyed.put(record("a", r#"{"n":"x"}"#))).unwrap();
        ready(keyed.put(record("a", r#"{"n":"y"}"#))).unwrap();
        ready(keyed.delete(&RecordId::new("a").unwrap())).unwrap();
        let collections = locked(&backend.collections);
        let storage = locked(collections.get("c").unwrap());
        assert!(storage.set.order.is_empty() && storage.set.indexes[0].holders.is_empty());
    }

    #[test]
    fn what_is_quarantined_is_kept() {
        let backend = MemoryBackend::new(Arc::new(Still));
        let collection = open(&backend, vec![]);
        let id = RecordId::new("a").unwrap();
        ready(collection.put(record("a", "1"))).unwrap();
        assert!(matches!(ready(collection.quarantine(&id, b"2")), Err(Error::Conflict(_))));
        ready(collection.quarantine(&id, b"1")).unwrap();
        assert!(matches!(ready(collection.get(&id)), Err(Error::NotFound(_))));
        assert_eq!(backend.quarantined("c"), [record("a", "1")]);
    }
}
