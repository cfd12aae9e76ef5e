//! The operations of a collection, as the seam has them.

use std::sync::Arc;

use async_trait::async_trait;

use super::{commit::commit, connection::Handle, declared::refresh, query, remove};
use crate::{
    backend::{
        arguments::{declared_key, page_bounds},
        judge::{Seen, judge_input},
    },
    seam::{
        Clock, Collection, CollectionSpec, Error, Found, KeyValue, ListQuery, Page, Record,
        RecordId, Result, Selection, Site, Write,
    },
};

/// One handle on a collection in a database.
pub(super) struct SqliteCollection {
    handle: Handle,
    spec: CollectionSpec,
    clock: Arc<dyn Clock>,
    page_size: u32,
}

impl SqliteCollection {
    pub(super) fn new(
        handle: Handle,
        spec: CollectionSpec,
        clock: Arc<dyn Clock>,
        page_size: u32,
    ) -> Self {
        Self { handle, spec, clock, page_size }
    }

    fn site(&self, operation: &'static str, id: Option<&RecordId>) -> Site {
        Site::new(operation, &self.spec.name, id)
    }
}

#[async_trait]
impl Collection for SqliteCollection {
    fn spec(&self) -> &CollectionSpec {
        &self.spec
    }

    async fn get(&self, id: &RecordId) -> Result<Record> {
        let site = || self.site("get", Some(id));
        let stored = self.handle.read(site, |tx| query::load(tx, id))?;
        let seen = stored.as_ref().map(|stored| stored.seen(self.clock.now()));
        match seen.unwrap_or(Seen::Absent) {
            Seen::Absent => Err(Error::NotFound(site())),
            Seen::Good(record) => Ok(record.clone()),
            Seen::Damaged(damage) => Err(damage.corrupt(site())),
        }
    }

    async fn find(&self, key: &str, parts: &[&str]) -> Result<Found> {
        let (_, declared) = declared_key(&self.spec, key, parts)?;
        let value = KeyValue::new(parts);
        let site = || self.site("find", None);
        let now = self.clock.now();
        self.handle.read(site, |tx| query::find(tx, declared, value.as_ref(), now))
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        let (after, limit) = page_bounds(&self.spec, query, self.page_size)?;
        let site = || self.site("list", None);
        let now = self.clock.now();
        self.handle.read(site, |tx| query::list(tx, query, after.as_ref(), limit, now))
    }

    async fn count(&self, selection: &Selection) -> Result<u64> {
        let now = self.clock.now();
        self.handle.read(|| self.site("count", None), |tx| query::count(tx, selection, now))
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        if writes.is_empty() {
            return Ok(());
        }
        judge_input(&self.spec, &writes)?;
        // One write names its record in every error of the operation.
        let id = match writes.as_slice() {
            [write] => Some(write.id().clone()),
            _ => None,
        };
        self.handle.write(
            || self.site("commit", id.as_ref()),
            |tx, declared| {
                let now = self.clock.now();
                refresh(tx, declared)?;
                commit(tx, declared, &self.spec, writes, now)
            },
        )
    }

    async fn claim(&self, selection: &Selection) -> Result<Record> {
        let site = || self.site("claim", None);
        let now = self.clock.now();
        let mut after = Vec::new();
        loop {
            // A transaction that took a damaged record fails, so that it is undone.
            let mut passed = None;
            let taken = self.handle.write(site, |tx, _| {
                let Some((stored, place)) = remove::take_first(tx, selection, &after, now)? else {
                    return Err(Error::NotFound(site()).into());
                };
                stored.content.map_err(|damage| {
                    passed = Some(place);
                    damage.corrupt(site()).into()
                })
            });
            match passed {
                Some(place) => after = place,
                None => return taken,
            }
        }
    }

    async fn purge_expired(&self) -> Result<u64> {
        let site = || self.site("purge_expired", None);
        self.handle.write(site, |tx, _| remove::purge(tx, self.clock.now()))
    }

    async fn quarantine(&self, id: &RecordId, expected: &[u8]) -> Result<()> {
        let site = || self.site("quarantine", Some(id));
        self.handle
            .write(site, |tx, _| remove::quarantine(tx, id, expected, self.clock.now(), site))
    }
}
