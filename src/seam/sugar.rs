//! Everything that the required operations give for free.

use super::{
    collection::Collection,
    error::{Error, Result},
    payload::Payload,
    query::{ListQuery, Page, Selection},
    record::Record,
    record_id::RecordId,
    write::{Action, Condition, Write},
};

/// Operations on top of [`Collection`], for every collection. They are not
/// boxed, as a trait object's must be: nobody needs one of these.
pub trait CollectionExt: Collection {
    /// Creates or replaces a record.
    ///
    /// # Errors
    /// `InvalidRecord`, `KeyTaken`; `Corrupt` only over a record of a newer
    /// release.
    fn put(&self, record: Record) -> impl Future<Output = Result<()>> + Send {
        commit_one(self, "put", Write::put(record))
    }

    /// Creates a record where there is none.
    ///
    /// # Errors
    /// `InvalidRecord`, `AlreadyExists`, `KeyTaken`.
    fn create(&self, record: Record) -> impl Future<Output = Result<()>> + Send {
        commit_one(self, "create", Write::create(record))
    }

    /// Removes a record; one that is absent is fine.
    ///
    /// # Errors
    /// `Corrupt` only for a record of a newer release.
    fn delete(&self, id: &RecordId) -> impl Future<Output = Result<()>> + Send {
        commit_one(self, "delete", Write::delete(id.clone()))
    }

    /// Replaces the data where they equal `expected`, keeping encoding and
    /// expiry.
    ///
    /// # Errors
    /// In this order: `NotFound`, `Conflict` (or `Corrupt`), `InvalidRecord`,
    /// `KeyTaken`.
    fn compare_and_swap(
        &self,
        id: &RecordId,
        expected: Payload,
        next: Payload,
    ) -> impl Future<Output = Result<()>> + Send {
        let write = Write::compare_and_swap(id.clone(), expected, next);
        commit_one(self, "compare_and_swap", write)
    }

    /// Removes a record where its data equal `expected`.
    ///
    /// # Errors
    /// `NotFound`, `Conflict`, `Corrupt`.
    fn compare_and_delete(
        &self,
        id: &RecordId,
        expected: Payload,
    ) -> impl Future<Output = Result<()>> + Send {
        commit_one(self, "compare_and_delete", Write::compare_and_delete(id.clone(), expected))
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
    fn update<E, F>(
        &self,
        id: &RecordId,
        mut edit: F,
    ) -> impl Future<Output = Result<Record, E>> + Send
    where
        E: From<Error> + Send,
        F: FnMut(&Record) -> Result<Option<Payload>, E> + Send,
    {
        async move {
            loop {
                let record = self.get(id).await?;
                let seen = record.data.clone();
                let write = match edit(&record)? {
                    Some(next) => Write::compare_and_swap(id.clone(), seen, next),
                    // Somebody may be about to make durable what was read; a commit
                    // comes after that.
                    None => {
                        Write { action: Action::Check(id.clone()), when: Condition::Data(seen) }
                    }
                };
                match self.commit(vec![write]).await {
                    Ok(()) => return Ok(record),
                    Err(Error::Conflict(_)) => {}
                    Err(error) => return Err(error.during("update").into()),
                }
            }
        }
    }

    /// Every selected record, page by page, with the damaged ones.
    ///
    /// # Errors
    /// Those of `list`.
    fn drain(&self, selection: Selection) -> impl Future<Output = Result<Page>> + Send {
        async move {
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
}

/// A commit of one write, its error said of the operation that the caller knows.
async fn commit_one<C: Collection + ?Sized>(
    collection: &C,
    operation: &'static str,
    write: Write,
) -> Result<()> {
    collection.commit(vec![write]).await.map_err(|error| error.during(operation))
}

impl<C: Collection + ?Sized> CollectionExt for C {}
