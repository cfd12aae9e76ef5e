//! What the durable half holds, what it held before, and how far each working set has
//! surely come.

use std::collections::BTreeMap;

use crate::{
    model::{
        collection::{CollectionModel, Entry},
        divergence::Divergence,
        subject::Moment,
    },
    seam::RecordId,
};

/// The state of a collection with working sets over it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct WorkingSetsModel {
    /// What the durable half holds.
    pub(super) durable: CollectionModel,
    /// What each record was before, oldest first.
    past: BTreeMap<RecordId, Vec<Replaced>>,
    /// How many changes there were, each of which is known by its number, from 1.
    changes: u64,
    /// What working sets have surely read.
    sights: Vec<Sight>,
}

/// What a record was until it was changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Replaced {
    /// None: it was absent.
    entry: Option<Entry>,
    /// By which change.
    by: u64,
    /// When the call returned that made it.
    returned: u64,
}

/// A working set has surely read what a change left, and those before it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Sight {
    /// Which one, by the number of its handle.
    handle: usize,
    /// Of which record; none: of all.
    of: Option<RecordId>,
    /// Calls that began later know it.
    since: u64,
    change: u64,
}

/// What a working set may take a record for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version<'a> {
    /// None: it is absent.
    pub(super) entry: Option<&'a Entry>,
    /// Which change made it; 0: none, it was there at the beginning.
    pub(super) change: u64,
}

impl WorkingSetsModel {
    /// Of a durable half that begins so.
    pub(super) fn holding(durable: CollectionModel) -> Self {
        Self { durable, ..Self::default() }
    }

    /// What it is when the durable half has become this, by a call that returned then.
    pub(super) fn followed_by(mut self, durable: CollectionModel, returned: u64) -> Self {
        let before = std::mem::replace(&mut self.durable, durable);
        self.note_changes(&before, returned);
        self
    }

    /// Changes the durable half, by a call that returned then.
    pub(super) fn change<T>(
        &mut self,
        returned: u64,
        how: impl FnOnce(&mut CollectionModel) -> T,
    ) -> T {
        let before = self.durable.clone();
        let done = how(&mut self.durable);
        self.note_changes(&before, returned);
        done
    }

    /// The same by somebody who tells nobody when it was done.
    pub(super) fn change_unseen(&mut self, how: impl FnOnce(&mut CollectionModel)) {
        self.change(u64::MAX, how);
    }

    fn note_changes(&mut self, before: &CollectionModel, returned: u64) {
        let by = self.changes + 1;
        let (old, new) = (&before.entries, &self.durable.entries);
        let ids = old.keys().chain(new.keys().filter(|id| !old.contains_key(*id)));
        for id in ids.filter(|id| old.get(*id) != new.get(*id)) {
            let entry = old.get(id).cloned();
            self.past.entry(id.clone()).or_default().push(Replaced { entry, by, returned });
            self.changes = by;
        }
    }

    /// The working set of this call has surely read a record, or all, as they are after
    /// the change of that number; none: the last one.
    pub(super) fn has_read(
        &mut self,
        of: Option<RecordId>,
        change: Option<u64>,
        moment: &Moment<'_>,
    ) {
        let change = change.unwrap_or(self.changes);
        let sight = Sight { handle: moment.handle.number, of, since: moment.returned, change };
        let covers = |known: &Sight| {
            known.handle == sight.handle
                && (known.of.is_none() || known.of == sight.of)
                && known.since <= sight.since
                && known.change >= sight.change
        };
        if change > 0 && !self.sights.iter().any(covers) {
            self.sights.push(sight);
        }
    }

    /// The change before which nothing of the record shows to this call.
    pub(super) fn floor(&self, id: &RecordId, moment: &Moment<'_>) -> u64 {
        let handle = moment.handle;
        let read = self.sights.iter().filter(|sight| {
            sight.handle == handle.number
                && sight.since < moment.invoked
                && sight.of.as_ref().is_none_or(|of| of == id)
        });
        // Its first call has read everything, and it was opened before that.
        let opened = self.past.get(id).into_iter().flatten();
        let opened = opened.filter(|replaced| replaced.returned < handle.opened);
        let changes = read.map(|sight| sight.change).chain(opened.map(|replaced| replaced.by));
        changes.max().unwrap_or(0)
    }

    /// What the working set of this call may take the record for, oldest first; the last
    /// one is what it is.
    pub(super) fn versions(&self, id: &RecordId, moment: &Moment<'_>) -> Vec<Version<'_>> {
        let past = self.past.get(id).map_or(&[][..], Vec::as_slice);
        let floor = self.floor(id, moment);
        let is_strict = !moment.divergences.permit(Divergence::StaleReads);
        let mut made = 0;
        let mut versions = Vec::new();
        for Replaced { entry, by, .. } in past {
            if *by > floor && !is_strict {
                versions.push(Version { entry: entry.as_ref(), change: made });
            }
            made = *by;
        }
        versions.push(Version { entry: self.durable.entries.get(id), change: made });
        versions
    }

    /// The records that ever were anything else than they are.
    pub(super) fn changed(&self) -> impl Iterator<Item = &RecordId> {
        self.past.keys()
    }
}
