//! Reading what the durable half holds: all of it, or some records.

use super::{
    Hydration, Watch,
    mirror::{Held, Mirror},
};
use crate::{
    backend::working_set::WorkingSet,
    seam::{Collection, Error, ListQuery, RecordId, Result},
};

/// How many records are read at a time.
const PAGE: u32 = 1_000;

impl Mirror {
    /// Reads all that the durable half holds in place of what there was. The caller has
    /// the turn for everything.
    pub(super) async fn hydrate(&self, durable: &dyn Collection, watch: &Watch) -> Result<()> {
        // What somebody gave up before must not happen after this.
        self.settle().await?;
        let mut set = WorkingSet::default();
        let mut query = ListQuery { limit: Some(PAGE), ..ListQuery::default() };
        loop {
            let page = durable.list(&query).await?;
            for record in page.records {
                let values = set.values_of(&record.data);
                set.insert(record, values);
            }
            set.damaged
                .extend(page.damaged.into_iter().map(|damaged| (damaged.id, damaged.message)));
            let is_complete = page.next_cursor.is_none();
            watch(&Hydration {
                collection: durable.spec().name.clone(),
                records: set.records.len(),
                damaged: set.damaged.len(),
                is_complete,
            });
            if is_complete {
                self.install_all(set);
                return Ok(());
            }
            query.cursor = page.next_cursor;
        }
    }
}

/// What the durable half has under each of these ids: it is read where it is not known.
pub(super) async fn read_back(
    durable: &dyn Collection,
    records: Vec<(RecordId, Option<Held>)>,
) -> Result<Vec<(RecordId, Held)>> {
    let mut all = Vec::with_capacity(records.len());
    for (id, known) in records {
        let held = match known {
            Some(held) => held,
            None => match durable.get(&id).await {
                Ok(record) => Held::Good(record),
                Err(Error::NotFound(_)) => Held::Absent,
                Err(Error::Corrupt { location, problem, .. }) => {
                    Held::Damaged(format!("{location} is damaged: {problem}"))
                }
                Err(error) => return Err(error),
            },
        };
        all.push((id, held));
    }
    Ok(all)
}
