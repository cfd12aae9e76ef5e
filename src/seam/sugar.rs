//! Everything that the required operations give for free.

use async_trait::async_trait;

use super::{
    collection::Collection,
    error::{Error, Result},
    payload::Payload,
    query::{ListQuery, Page, Selection},
    record::Record,
    record_id::RecordId,
    write::{Action, Condition, Write},
};

/// Operations on top of [`Collection`], for every collection.
#[async_trait]
pub trait CollectionExt: Collection {
    /// Creates or replaces a record.
    ///
    /// # Errors
    /// `InvalidRecord`, `KeyTaken`; `Corrupt` only over a record of a newer
    /// release.
    async fn put(&self, record: Record) -> Result<()> {
        self.commit(vec![Write::put(record)]).await.map_err(|error| error.during("put"))
    }

    /// Creates a record where there is none.
    ///
    /// # Errors
    /// `InvalidRecord`, `AlreadyExists`, `KeyTaken`.
    async fn create(&self, record: Record) -> Result<()> {
        self.commit(vec![Write::create(record)]).await.map_err(|error| error.during("create"))
    }

    /// Removes a record; one that is absent is fine.
    ///
    /// # Errors
    /// `Corrupt` only for a record of a newer release.
    async fn delete(&self, id: &RecordId) -> Result<()> {
        let write = Write::delete(id.clone());
        self.commit(vec![write]).await.map_err(|error| error.during("delete"))
    }

    /// Replaces the data where they equal `expected`, keeping encoding and
    /// expiry.
    ///
    /// # Errors
    /// In this order: `NotFound`, `Conflict` (or `Corrupt`), `InvalidRecord`,
    /// `KeyTaken`.
    async fn compare_and_swap(
        &self,
        id: &RecordId,
        expected: Payload,
        next: Payload,
    ) -> Result<()> {
        let write = Write::compare_and_swap(id.clone(), expected, next);
        self.commit(vec![write]).await.map_err(|error| error.during("compare_and_swap"))
    }

    /// Removes a record where its data equal `expected`.
    ///
    /// # Errors
    /// `NotFound`, `Conflict`, `Corrupt`.
    async fn compare_and_delete(&self, id: &RecordId, expected: Payload) -> Result<()> {
        let write = Write::compare_and_delete(id.clone(), expected);
        self.commit(vec![write]).await.map_err(|error| error.during("compare_and_delete"))
    }

    /// Replaces the data of a record by what `edit` makes of it, again and
    /// again until nobody came in between. An edit that gives `Ok(None)`
    /// leaves the record as it is. Returns the record that the edit saw last.
    ///
    /// A concurrent delete ends it with `NotFound`: it is never undone.
    ///
    /// # Errors
    /// Those of `get` and of `compare_and_swap` but for `Conflict`, and
    /// whatever `edit` returns.
    async fn update<E, F>(&self, id: &RecordId, mut edit: F) -> Result<Record, E>
    where
        E: From<Error> + Send,
        F: FnMut(&Record) -> Result<Option<Payload>, E> + Send,
    {
        loop {
            let record = self.get(id).await?;
            let seen = record.data.clone();
            let write = match edit(&record)? {
                Some(next) => Write::compare_and_swap(id.clone(), seen, next),
                // Somebody may be about to make durable what was read; a commit
                // comes after that.
                None => Write { action: Action::Check(id.clone()), when: Condition::Data(seen) },
            };
            match self.commit(vec![write]).await {
                Ok(()) => return Ok(record),
                Err(Error::Conflict(_)) => {}
                Err(error) => return Err(error.during("update").into()),
            }
        }
    }

    /// Every selected record, page by page, with the damaged ones.
    ///
    /// # Errors
    /// Those of `list`.
    async fn drain(&self, selection: Selection) -> Result<Page> {
        let mut query = ListQuery { selection, cursor: None, limit: None };
        let mut all = Page::default();
        loop {
            let page = self.list(&query).await?;
            all.records.extend(page.records);
            all.damaged.extend(page.damaged);
            if page.next_cursor.is_none() {
                return Ok(all);
            }
            query.cursor = page.next_cursor;
        }
    }
}

impl<C: Collection + ?Sized> CollectionExt for C {}
