//! The operations of a collection, as the seam has them.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    backend::arguments::{declared_key, page_bounds},
    fs::Fs,
    seam::{
        Collection, CollectionSpec, Found, KeyValue, ListQuery, Page, Record, RecordId, Result,
        Selection, Write,
    },
};

use super::{
    apply::apply,
    judge::{judge, judge_input, judge_keys},
    load::load,
    lock::{self, Purpose},
    plan::plan,
    query::Query,
    read::{self, Answer},
    remove,
    storage::{Call, Storage},
};

/// One handle on a collection of files.
pub(super) struct FileCollection<F: Fs> {
    storage: Arc<Storage<F>>,
}

impl<F: Fs> FileCollection<F> {
    pub(super) fn new(storage: Arc<Storage<F>>) -> Self {
        Self { storage }
    }

    fn call<'a>(&'a self, operation: &'static str, id: Option<&'a RecordId>) -> Call<'a, F> {
        Call::new(&self.storage, operation, id)
    }

    /// Runs a call that writes: to its end, even if nobody waits for it any more.
    async fn write<T: Send + 'static>(&self, call: impl Future<Output = T> + Send + 'static) -> T {
        let Storage { fs, underway, .. } = &*self.storage;
        fs.run(underway.count(call)).await
    }

    async fn answer(&self, operation: &'static str, query: Query) -> Result<Answer> {
        let storage = Arc::clone(&self.storage);
        let answer =
            async move { read::answer(&Call::new(&storage, operation, None), &query).await };
        self.storage.fs.run(answer).await
    }
}

#[async_trait]
impl<F: Fs> Collection for FileCollection<F> {
    fn spec(&self) -> &CollectionSpec {
        &self.storage.spec
    }

    async fn get(&self, id: &RecordId) -> Result<Record> {
        let (storage, id) = (Arc::clone(&self.storage), id.clone());
        let get = async move { read::get(&Call::new(&storage, "get", Some(&id)), &id).await };
        self.storage.fs.run(get).await
    }

    async fn find(&self, key: &str, parts: &[&str]) -> Result<Found> {
        let (place, _) = declared_key(&self.storage.spec, key, parts)?;
        let Some(value) = KeyValue::new(parts) else { return Ok(Found::default()) };
        let query = Query::Holders { place, value: Arc::new(value) };
        let Answer { choice, records } = self.answer("find", query).await?;
        Ok(Found { records, damaged: choice.damaged })
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        let Storage { spec, options, .. } = &*self.storage;
        let (after, limit) = page_bounds(spec, query, options.page_size)?;
        let query = Query::Page { selection: query.selection.clone(), after, limit };
        let Answer { choice, records } = self.answer("list", query).await?;
        Ok(Page { records, damaged: choice.damaged, next_cursor: choice.next_cursor })
    }

    async fn count(&self, selection: &Selection) -> Result<u64> {
        Ok(self.answer("count", Query::Count(selection.clone())).await?.choice.count)
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        if writes.is_empty() {
            return Ok(());
        }
        // One write names its record in every error of the operation.
        let id = match writes.as_slice() {
            [write] => Some(write.id().clone()),
            _ => None,
        };
        judge_input(&self.call("commit", id.as_ref()), &writes)?;
        let storage = Arc::clone(&self.storage);
        let commit =
            async move { commit(&Call::new(&storage, "commit", id.as_ref()), writes).await };
        self.write(commit).await
    }

    async fn claim(&self, selection: &Selection) -> Result<Record> {
        let (storage, selection) = (Arc::clone(&self.storage), selection.clone());
        let claim =
            async move { remove::claim(&Call::new(&storage, "claim", None), &selection).await };
        self.write(claim).await
    }

    async fn purge_expired(&self) -> Result<u64> {
        let storage = Arc::clone(&self.storage);
        let purge =
            async move { remove::purge_expired(&Call::new(&storage, "purge_expired", None)).await };
        self.write(purge).await
    }

    async fn quarantine(&self, id: &RecordId, expected: &[u8]) -> Result<()> {
        let (storage, id) = (Arc::clone(&self.storage), id.clone());
        let expected = expected.to_vec();
        let quarantine = async move {
            remove::quarantine(&Call::new(&storage, "quarantine", Some(&id)), &id, &expected).await
        };
        self.write(quarantine).await
    }

    async fn settle(&self) -> Result<()> {
        self.storage.underway.settle().await;
        Ok(())
    }
}

async fn commit<F: Fs>(call: &Call<'_, F>, writes: Vec<Write>) -> Result<()> {
    call.must_take_writes()?;
    let mut held = lock::acquire(call, Purpose::Write).await?;
    let now = call.storage.clock.now();
    let mut decided = Vec::with_capacity(writes.len());
    for write in writes {
        let current = load(&call.about(write.id()), write.id()).await?;
        decided.push(judge(call, write, current, now)?);
    }
    judge_keys(call, &decided, now).await?;
    let plan = plan(call, decided).await?;
    apply(call, &mut held, plan).await
}
