//! The memory half: what it holds, and what is in doubt.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    backend::{turns::Turns, working_set::WorkingSet},
    seam::{Action, Collection, Condition, Instant, KeySpec, Record, RecordId, Result, Write},
};

/// What all handles of one collection share.
#[derive(Default)]
pub(super) struct Mirror {
    pub(super) turns: Turns,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) set: WorkingSet,
    /// The good records of `set`, where one of many is found sooner.
    records: ById,
    pub(super) doubt: Doubt,
    is_hydrated: bool,
}

#[expect(clippy::disallowed_types, reason = "it is only asked for one record: no order shows")]
type ById = std::collections::HashMap<RecordId, Record>;

/// What may or may not be as memory has it.
#[derive(Default)]
pub(super) struct Doubt {
    /// Nobody can say which records.
    everything: bool,
    records: BTreeSet<RecordId>,
    /// The durable handles on which a call may still go on, by the order in which they
    /// came.
    unsettled: BTreeMap<u64, Arc<dyn Collection>>,
    last: u64,
}

/// What the durable half has under an id.
pub(super) enum Held {
    Good(Record),
    /// Nothing, or what has expired.
    Absent,
    /// What can't be read: what a listing says of it, never any of its content.
    Damaged(String),
}

impl Held {
    /// What there is after this write was done; none: that depends on what was there, which
    /// somebody else may have changed. Only creation takes a record as it is given:
    /// replacement keeps some of what is stored.
    pub(super) fn left_by(write: &Write) -> Option<Self> {
        match (&write.action, &write.when) {
            (Action::Put(record), Condition::Absent) => Some(Self::Good(record.clone())),
            (Action::Delete(_), _) | (Action::Check(_), Condition::Absent) => Some(Self::Absent),
            (Action::Put(_) | Action::Replace { .. } | Action::Check(_), _) => None,
        }
    }
}

/// What a call is about that is under way.
#[derive(Clone)]
pub(super) enum About {
    Records(Vec<RecordId>),
    Everything,
}

impl Doubt {
    /// Whether this record is in doubt; none: whether any is.
    pub(super) fn concerns(&self, id: Option<&RecordId>) -> bool {
        let any = || !self.records.is_empty();
        self.everything || id.map_or_else(any, |id| self.records.contains(id))
    }

    /// What is to be read so that nothing is in doubt.
    fn about(&self) -> About {
        match self.everything {
            true => About::Everything,
            false => About::Records(self.records.iter().cloned().collect()),
        }
    }
}

impl State {
    /// The record of that id, if there is a good one that has not expired.
    pub(super) fn live(&self, id: &RecordId, now: Instant) -> Option<&Record> {
        self.records.get(id).filter(|record| !record.is_expired(now))
    }

    /// Puts what the durable half has in place of what there was.
    pub(super) fn install(&mut self, id: &RecordId, held: Held) {
        self.doubt.records.remove(id);
        self.set.damaged.remove(id);
        if let Held::Good(record) = held {
            let values = self.set.values_of(&record.data);
            self.records.insert(id.clone(), record.clone());
            self.set.insert(record, values);
            return;
        }
        self.records.remove(id);
        self.set.remove(id);
        if let Held::Damaged(message) = held {
            self.set.damaged.insert(id.clone(), message);
        }
    }
}

impl Mirror {
    /// For a moment: never across an await.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_hydrated(&self) -> bool {
        self.state().is_hydrated
    }

    /// The numbers of the indexes over these keys.
    pub(super) fn indexes_of(&self, keys: &[KeySpec]) -> Box<[usize]> {
        let mut state = self.state();
        keys.iter().map(|key| state.set.index_of(key)).collect()
    }

    /// Puts all that the durable half holds in place of everything.
    pub(super) fn install_all(&self, mut set: WorkingSet) {
        let records = set.records.iter().map(|(id, stored)| (id.clone(), stored.record.clone()));
        let records = records.collect();
        let mut state = self.state();
        for index in &state.set.indexes {
            set.index_of(&index.key);
        }
        let unsettled = std::mem::take(&mut state.doubt.unsettled);
        let doubt = Doubt { unsettled, last: state.doubt.last, ..Doubt::default() };
        *state = State { set, records, doubt, is_hydrated: true };
    }

    /// What is in doubt, if what is asked for is: see [`Doubt::concerns`].
    pub(super) fn in_doubt(&self, id: Option<&RecordId>) -> Option<About> {
        let state = self.state();
        state.doubt.concerns(id).then(|| state.doubt.about())
    }

    /// A call through this durable handle begins, or has had an outcome that nobody
    /// knows: what it is about is in doubt when this is dropped.
    pub(super) fn underway<'m>(
        &'m self,
        about: About,
        durable: &'m Arc<dyn Collection>,
    ) -> Underway<'m> {
        Underway { mirror: self, about: Some((about, durable)) }
    }

    /// Waits until nothing goes on any more that somebody gave up.
    pub(super) async fn settle(&self) -> Result<()> {
        let unsettled = self.state().doubt.unsettled.clone();
        for durable in unsettled.values() {
            durable.settle().await?;
        }
        // Others may have come meanwhile.
        self.state().doubt.unsettled.retain(|number, _| !unsettled.contains_key(number));
        Ok(())
    }
}

/// A call whose outcome is not known while this lives: if it is dropped, nobody knows.
pub(super) struct Underway<'m> {
    mirror: &'m Mirror,
    about: Option<(About, &'m Arc<dyn Collection>)>,
}

impl Underway<'_> {
    /// The outcome is known, and memory as it should be.
    pub(super) fn settle(mut self) {
        self.about = None;
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        let Some((about, durable)) = self.about.take() else { return };
        let mut state = self.mirror.state();
        let doubt = &mut state.doubt;
        match about {
            About::Records(ids) => doubt.records.extend(ids),
            About::Everything => doubt.everything = true,
        }
        doubt.last += 1;
        doubt.unsettled.insert(doubt.last, Arc::clone(durable));
    }
}
