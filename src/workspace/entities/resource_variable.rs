//! A variable of a resource.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    seam::{Action, Instant, KeySpec, Write},
    workspace::{
        changeset::ChangeAction,
        entity::{Entity, Mutation, entity},
        entity_id::EntityId,
        entity_store::{EntityStore, Recorded},
        error::Result,
        json::Json,
        repository::{Items, Repository, Stored, was_overtaken},
        span::within,
    },
};

entity! {
    /// A variable of a resource.
    ResourceVariable {
        id: [resource_id, key],
        keys: [KeySpec::shared("resource", &["/resourceId"])],
        created_at: |_| None,
        prepare: None,
        /// The resource's id.
        resource_id: String = "resourceId",
        /// The name of the variable.
        key: String = "key",
        /// The value.
        value: Json = "value",
    }
}

impl EntityStore<ResourceVariable> {
    /// The variables of a resource.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn by_resource(&self, resource_id: &str) -> Result<Items<ResourceVariable>> {
        self.by("resource", &[resource_id]).await
    }

    /// Gives the resource exactly these variables: what is missing or different is
    /// written, what is too many removed, all at once. Says whether anything changed;
    /// exactly that is recorded. What can't be read as a variable is quarantined where one
    /// is written.
    ///
    /// # Errors
    /// `InvalidId`; those of the storage.
    pub async fn bulk_update(
        &self,
        resource_id: &str,
        variables: &BTreeMap<String, Json>,
    ) -> Result<bool> {
        let span = ResourceVariable::span(Mutation::BulkUpsert, resource_id);
        within(span, async {
            // A variable may belong to no resource, but then nobody can tell which do.
            EntityId::new(&[resource_id])?;
            let _turn = self.turn().await;
            loop {
                let now = self.clock.now();
                let (writes, changes) = self.difference(resource_id, variables, now).await?;
                let changed = !changes.is_empty();
                match self.commit("bulk_update", now, writes, changes).await {
                    // Somebody changed one of them meanwhile.
                    Err(error) if was_overtaken(&error) => {}
                    done => return done.map(|()| changed),
                }
            }
        })
        .await
    }

    /// What is to be written and removed, and recorded.
    async fn difference(
        &self,
        resource_id: &str,
        variables: &BTreeMap<String, Json>,
        now: Instant,
    ) -> Result<(Vec<Write>, Vec<Recorded>)> {
        let (mut writes, mut changes) = (Vec::new(), Vec::new());
        let mut names: BTreeSet<String> = variables.keys().cloned().collect();
        let there = self.by("resource", &[resource_id]).await?;
        names.extend(there.entities.into_iter().map(|variable| variable.key));
        for name in names {
            let id = EntityId::new(&[resource_id, &name])?;
            let stored = self.repository.stored("bulk_update", &id).await?;
            let (record, when) = (id.record().clone(), stored.is_still_so());
            match (variables.get(&name), stored) {
                // It must be so when the others become so.
                (Some(value), Stored::Entity(own, _)) if own.value == *value => {
                    writes.push(Write { action: Action::Check(record), when });
                }
                (Some(value), stored) => {
                    let mut variable = match stored {
                        Stored::Entity(own, _) => own,
                        Stored::Absent | Stored::Damaged(_) => ResourceVariable::default(),
                    };
                    variable.set_id(&[resource_id, &name]);
                    variable.value = value.clone();
                    changes.push((id, ChangeAction::Upsert, Some(variable.to_payload())));
                    writes.push(Repository::put(&variable, now, when)?);
                }
                (None, Stored::Entity(_, own)) => {
                    writes.push(Write { action: Action::Delete(record), when });
                    changes.push((id, ChangeAction::Delete, Some(own.data)));
                }
                // It went meanwhile, or nobody can tell whose it is any more.
                (None, Stored::Absent | Stored::Damaged(_)) => {}
            }
        }
        Ok((writes, changes))
    }
}
