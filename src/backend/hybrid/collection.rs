//! The operations of a collection, as the seam has them.

use std::sync::{Arc, MutexGuard};

use async_trait::async_trait;

use super::{
    Watch,
    hydrate::read_back,
    mirror::{About, Held, Mirror, State, Underway},
};
use crate::{
    backend::{
        arguments::{declared_key, page_bounds},
        judge::judge_input,
        turns::Turn,
        working_set::Stored,
    },
    seam::{
        Action, Clock, Collection, CollectionSpec, Error, Found, Instant, KeyValue, ListQuery,
        Outcome, Page, Record, RecordId, Result, Selection, Site, Write,
    },
};

/// One handle on a collection.
pub(super) struct HybridCollection {
    durable: Arc<dyn Collection>,
    mirror: Arc<Mirror>,
    spec: CollectionSpec,
    /// Which index belongs to each of the spec's keys.
    places: Box<[usize]>,
    clock: Arc<dyn Clock>,
    page_size: u32,
    watch: Watch,
}

impl HybridCollection {
    pub(super) fn new(
        durable: Arc<dyn Collection>,
        mirror: Arc<Mirror>,
        spec: CollectionSpec,
        clock: Arc<dyn Clock>,
        page_size: u32,
        watch: &Watch,
    ) -> Self {
        let places = mirror.indexes_of(&spec.keys);
        Self { durable, mirror, spec, places, clock, page_size, watch: Arc::clone(watch) }
    }

    fn site(&self, operation: &'static str, id: Option<&RecordId>) -> Site {
        Site::new(operation, &self.spec.name, id)
    }

    /// The turn of a call that writes these records, when nothing that was given up can
    /// happen to them any more. Unique keys make calls on different records depend on
    /// each other.
    async fn turn(&self, ids: &[RecordId]) -> Result<Turn<'_>> {
        if self.spec.keys.iter().any(|key| key.unique) {
            return self.turn_for_everything().await;
        }
        let turn = self.mirror.turns.records(ids.to_vec()).await;
        if ids.iter().any(|id| self.mirror.in_doubt(Some(id)).is_some()) {
            self.mirror.settle().await?;
        }
        Ok(turn)
    }

    /// The same of a call that may write any.
    async fn turn_for_everything(&self) -> Result<Turn<'_>> {
        let turn = self.mirror.turns.everything().await;
        if self.mirror.in_doubt(None).is_some() {
            self.mirror.settle().await?;
        }
        Ok(turn)
    }

    /// The memory half, when nothing in it is in doubt of what is asked for: a record,
    /// or all of them.
    async fn certain(
        &self,
        operation: &'static str,
        id: Option<&RecordId>,
    ) -> Result<MutexGuard<'_, State>> {
        loop {
            {
                let state = self.mirror.state();
                if !state.doubt.concerns(id) {
                    return Ok(state);
                }
            }
            self.settle_doubt(id).await.map_err(|error| Error::Backend {
                site: self.site(operation, id),
                problem: format!(
                    "it is not known whether an earlier write happened, and the durable half \
                     can't be read: {error}"
                ),
                outcome: Outcome::NotDone,
            })?;
        }
    }

    /// Reads back what is in doubt.
    async fn settle_doubt(&self, id: Option<&RecordId>) -> Result<()> {
        let (_turn, ids) = match self.mirror.in_doubt(id) {
            None => return Ok(()),
            Some(About::Records(ids)) => (self.turn(&ids).await?, Some(ids)),
            Some(About::Everything) => (self.turn_for_everything().await?, None),
        };
        // Somebody else may have done it meanwhile, or brought more in doubt.
        match (self.mirror.in_doubt(id), ids) {
            (None, _) | (Some(About::Everything), Some(_)) => Ok(()),
            (Some(About::Everything), None) => {
                self.mirror.hydrate(&*self.durable, &self.watch).await
            }
            (Some(About::Records(now)), ids) => {
                let is_meant = |id: &RecordId| ids.as_ref().is_none_or(|ids| ids.contains(id));
                let ids = now.into_iter().filter(is_meant).map(|id| (id, None));
                let held = read_back(&*self.durable, ids.collect()).await?;
                self.install(held);
                Ok(())
            }
        }
    }

    /// Puts these in place all at once.
    fn install(&self, held: Vec<(RecordId, Held)>) {
        let mut state = self.mirror.state();
        for (id, held) in held {
            state.install(&id, held);
        }
    }

    /// Brings memory to what is there after a call below that may have changed these
    /// records and nothing else; `underway` is about them. With each stands what the call
    /// has left of it if it succeeded, where that is known.
    async fn follow<T>(
        &self,
        mut left: Vec<(RecordId, Option<Held>)>,
        done: &Result<T>,
        underway: Underway<'_>,
    ) {
        match done {
            Ok(_) => {}
            // It may still happen: who asks waits until it can't, and reads back.
            Err(error) if error.outcome() == Outcome::Unknown => return,
            Err(error) if !tells_of_others(error) => {
                underway.settle();
                return;
            }
            Err(_) => left.iter_mut().for_each(|(_, held)| *held = None),
        }
        // What was acknowledged is done all the same: readers will ask again.
        let Ok(held) = read_back(&*self.durable, left).await else { return };
        self.install(held);
        underway.settle();
    }

    /// The records that have expired, as far as nothing about them is in doubt.
    fn expired(&self, now: Instant) -> Vec<RecordId> {
        let state = self.mirror.state();
        let records = state.set.records.values().map(|stored| &stored.record);
        let expired = records
            .filter(|record| record.is_expired(now) && !state.doubt.concerns(Some(&record.id)));
        expired.map(|record| record.id.clone()).collect()
    }

    /// A call of this handle begins.
    fn underway(&self, about: About) -> Underway<'_> {
        self.mirror.underway(about, &self.durable)
    }

    /// Somebody else has changed more than this call can tell: it is all read anew
    /// before anything is answered.
    fn doubt_everything(&self) {
        drop(self.underway(About::Everything));
    }

    /// Whether memory surely knows who has the unique key that the commit was refused for: one
    /// that can expire may have it no more.
    fn knows_holder(&self, key: &str, writes: &[Write]) -> bool {
        let Some((at, declared)) = self.spec.key(key) else { return false };
        let Some(place) = self.places.get(at) else { return false };
        let state = self.mirror.state();
        let given = writes.iter().filter_map(|write| match &write.action {
            Action::Put(Record { data, .. }) | Action::Replace { data, .. } => {
                declared.value_in(data)
            }
            Action::Delete(_) | Action::Check(_) => None,
        });
        // One that can expire may hold nothing by the clock that refused the commit.
        let is_held = |value: KeyValue| {
            let mut holders = state.set.holders(*place, &value);
            holders.any(|id| state.set.records.get(id).is_some_and(never_expires))
        };
        given.into_iter().any(is_held)
    }
}

fn never_expires(stored: &Stored) -> bool {
    stored.record.expires_at.is_none()
}

/// Whether the error says that the durable half holds something else than memory: then
/// somebody else changed it.
fn tells_of_others(error: &Error) -> bool {
    matches!(
        error,
        Error::NotFound(_)
            | Error::AlreadyExists(_)
            | Error::Conflict(_)
            | Error::KeyTaken { .. }
            | Error::Corrupt { .. }
    )
}

#[async_trait]
impl Collection for HybridCollection {
    fn spec(&self) -> &CollectionSpec {
        &self.spec
    }

    async fn get(&self, id: &RecordId) -> Result<Record> {
        {
            let state = self.certain("get", Some(id)).await?;
            if !state.set.damaged.contains_key(id) {
                return match state.live(id, self.clock.now()) {
                    Some(record) => Ok(record.clone()),
                    None => Err(Error::NotFound(self.site("get", Some(id)))),
                };
            }
        }
        // Its bytes, which the caller is handed, are below.
        let _turn = self.turn(std::slice::from_ref(id)).await?;
        let got = self.durable.get(id).await;
        let held = match &got {
            Ok(record) => Held::Good(record.clone()),
            Err(Error::NotFound(_)) => Held::Absent,
            Err(_) => return got,
        };
        self.mirror.state().install(id, held);
        got
    }

    async fn find(&self, key: &str, parts: &[&str]) -> Result<Found> {
        let (at, _) = declared_key(&self.spec, key, parts)?;
        let Some(place) = self.places.get(at) else { return Ok(Found::default()) };
        let state = self.certain("find", None).await?;
        Ok(state.set.find(*place, KeyValue::new(parts).as_ref(), self.clock.now()))
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        let (after, limit) = page_bounds(&self.spec, query, self.page_size)?;
        let state = self.certain("list", None).await?;
        Ok(state.set.page(query, after, limit, self.clock.now()))
    }

    async fn count(&self, selection: &Selection) -> Result<u64> {
        let state = self.certain("count", None).await?;
        let selected = state.set.selected(selection, self.clock.now());
        Ok(selected.fold(0, |count, _| count + 1))
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        if writes.is_empty() {
            return Ok(());
        }
        judge_input(&self.spec, &writes)?;
        let ids: Vec<RecordId> = writes.iter().map(|write| write.id().clone()).collect();
        let _turn = self.turn(&ids).await?;
        let underway = self.underway(About::Records(ids));
        let left = writes.iter().map(|write| (write.id().clone(), Held::left_by(write)));
        let left = left.collect();
        // Kept for an error that only the keys explain.
        let given = self.spec.keys.iter().any(|key| key.unique).then(|| writes.clone());
        let done = self.durable.commit(writes).await;
        self.follow(left, &done, underway).await;
        if let Err(Error::KeyTaken { key, .. }) = &done
            && given.is_some_and(|writes| !self.knows_holder(key, &writes))
        {
            // Somebody else gave it to a record that memory does not know.
            self.doubt_everything();
        }
        done
    }

    async fn claim(&self, selection: &Selection) -> Result<Record> {
        let _turn = self.turn_for_everything().await?;
        let underway = self.underway(About::Everything);
        let claimed = self.durable.claim(selection).await;
        match &claimed {
            Ok(record) => {
                self.mirror.state().install(&record.id, Held::Absent);
                underway.settle();
            }
            Err(Error::NotFound(_)) => {
                underway.settle();
                // What memory would claim has expired, or somebody else has claimed it.
                let has_some = {
                    let state = self.mirror.state();
                    state.set.selected(selection, Instant::MIN).next().is_some()
                };
                if has_some {
                    self.doubt_everything();
                }
            }
            Err(error) if error.outcome() == Outcome::NotDone => underway.settle(),
            // In doubt.
            Err(_) => drop(underway),
        }
        claimed
    }

    async fn purge_expired(&self) -> Result<u64> {
        let _turn = self.turn_for_everything().await?;
        let expired = self.expired(self.clock.now());
        let underway = self.underway(About::Records(expired.clone()));
        let purged = self.durable.purge_expired().await;
        match &purged {
            Ok(_) => {
                self.install(expired.into_iter().map(|id| (id, Held::Absent)).collect());
                underway.settle();
            }
            Err(error) if error.outcome() == Outcome::NotDone => underway.settle(),
            Err(_) => drop(underway),
        }
        purged
    }

    async fn quarantine(&self, id: &RecordId, expected: &[u8]) -> Result<()> {
        let ids = [id.clone()];
        let _turn = self.turn(&ids).await?;
        let underway = self.underway(About::Records(ids.to_vec()));
        let done = self.durable.quarantine(id, expected).await;
        self.follow(vec![(id.clone(), Some(Held::Absent))], &done, underway).await;
        done
    }

    async fn settle(&self) -> Result<()> {
        self.durable.settle().await
    }
}
