//! What the writing calls of a workspace store do, or why they are refused. Sentences in
//! quotation marks are the contract's.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    entity::{Entity, record_of},
    operation::{Call, Id, WorkspaceOp},
    outcome::{Answer, ChangeSeen},
    rules::{INVALID_ID, Judged, KEY_TAKEN, MISMATCH, Refusal, TWICE, has, legal},
    shape,
    state::{Found, Held, WorkspaceModel},
};
use crate::{
    model::{
        members::{Members, to_document},
        subject::Moment,
    },
    workspace::{entities::Release, entity::Entity as _, kind::Kind},
};

/// What a call does.
pub(super) struct Effect {
    /// What is under each record's id afterwards; none: nothing.
    pub writes: Vec<(Arc<str>, Option<Arc<Entity>>)>,
    /// What is recorded of it, in order.
    pub changes: Vec<ChangeSeen>,
    pub answer: Answer,
}

/// What a writing call does, or why it is refused.
pub(super) fn effect(model: &WorkspaceModel, op: &WorkspaceOp, moment: &Moment<'_>) -> Judged {
    let (kind, held) = (op.kind, model.of(op.kind));
    match &op.call {
        Call::Upsert { id, entity } => {
            let entity = under_id(kind, id, entity)?;
            upsert(held, kind, &[entity], Answer::Done, moment)
        }
        Call::UpsertBatch { entities } => upsert(held, kind, entities, Answer::Done, moment),
        Call::UpsertByContent { release } => {
            let release = with_content_id(release.clone());
            let id = release.id(kind).first().cloned().unwrap_or_default();
            upsert(held, kind, &[release], Answer::Id(id), moment)
        }
        Call::Remove { id } | Call::Unlink { id } => {
            remove(held, kind, std::slice::from_ref(id), moment)
        }
        Call::RemoveBatch { ids } => remove(held, kind, ids, moment),
        Call::Link { id } => {
            let record = legal(kind, id)?;
            // "`link` twice is one link."
            if held.entities.contains_key(&record) {
                return Ok(Effect {
                    writes: Vec::new(),
                    changes: Vec::new(),
                    answer: Answer::Linked(false),
                });
            }
            let link = Entity { members: Members::new() }.with_id(kind, id);
            upsert(held, kind, &[link], Answer::Linked(true), moment)
        }
        Call::BulkUpdate { resource, variables } => {
            bulk_update(model, op, resource, variables, moment)
        }
        _ => Ok(Effect { writes: Vec::new(), changes: Vec::new(), answer: Answer::Done }),
    }
}

/// Brings what is stored to the state after the call.
pub(super) fn apply(model: &mut WorkspaceModel, kind: Kind, effect: &Effect, moment: &Moment<'_>) {
    if effect.writes.is_empty() {
        return;
    }
    let held = model.of_mut(kind);
    for (id, entity) in &effect.writes {
        match entity {
            Some(entity) => {
                let created_at = entity.created_at(kind).unwrap_or(moment.now);
                held.put(id, Arc::clone(entity), created_at);
            }
            None => held.remove(id),
        }
    }
}

/// What was written last is recorded now.
pub(super) fn record(model: &mut WorkspaceModel, moment: &Moment<'_>) {
    if let Some(handle) = model.handles.get_mut(&moment.handle.number) {
        handle.unrecorded = 0;
    }
}

/// A bulk update, which is awaited or was given up, looks at what the resource has. Says
/// which rule forbids it now.
pub(super) fn find_variables(
    model: &mut WorkspaceModel,
    op: &WorkspaceOp,
    is_awaited: bool,
    moment: &Moment<'_>,
) -> Result<(), &'static str> {
    let Call::BulkUpdate { resource, .. } = &op.call else { return Ok(()) };
    let names = variables_of(model.of(op.kind), resource).into_keys().collect();
    let handle = model.handles.entry(moment.handle.number).or_default();
    if handle.found.values().any(|other| other.is_awaited) {
        return Err("bulk updates of one store come one after the other");
    }
    handle.found.insert(moment.invoked, Found { names, is_awaited });
    Ok(())
}

/// A resource's variables, by name.
fn variables_of<'a>(held: &'a Held, resource: &Arc<str>) -> BTreeMap<Arc<str>, &'a Arc<Entity>> {
    let kind = Kind::ResourceVariable;
    let own = held.found(|entity| has(kind, entity, "resource", &[resource])).into_iter();
    own.map(|own| (shape::text_of(&own.members, "key").unwrap_or_default(), own)).collect()
}

/// "Computes what to write and to remove, does it in one batch, records exactly that,
/// and says whether anything changed." What others gave the resource since it looked
/// stays.
fn bulk_update(
    model: &WorkspaceModel,
    op: &WorkspaceOp,
    resource: &Arc<str>,
    variables: &Members,
    moment: &Moment<'_>,
) -> Judged {
    record_of(std::slice::from_ref(resource)).ok_or(INVALID_ID)?;
    let own = variables_of(model.of(op.kind), resource);
    let handle = model.handles.get(&moment.handle.number);
    let found = handle.and_then(|handle| handle.found.get(&moment.invoked));
    let found = found.into_iter().flat_map(|found| &found.names);
    let names: BTreeSet<&Arc<str>> = found.chain(variables.keys()).collect();
    let mut effect =
        Effect { writes: Vec::new(), changes: Vec::new(), answer: Answer::Updated(false) };
    for name in names {
        let id = vec![Arc::clone(resource), Arc::clone(name)];
        let record = record_of(&id).ok_or(INVALID_ID)?;
        match (variables.get(name), own.get(name)) {
            (Some(value), Some(own)) if own.members.get("value") == Some(value) => {}
            (Some(value), own) => {
                let members = own.map_or_else(Members::new, |own| own.members.clone());
                let mut next = Entity { members }.with_id(op.kind, &id);
                next.set("value", Arc::clone(value));
                effect.writes(op.kind, record, Arc::new(next), moment);
            }
            (None, Some(own)) => effect.removes(op.kind, record, Some(Arc::clone(own)), moment),
            (None, None) => {}
        }
    }
    effect.answer = Answer::Updated(!effect.changes.is_empty());
    Ok(effect)
}

/// "An entity with another id than the call's is refused (`IdMismatch`), one with none
/// takes the call's."
fn under_id(kind: Kind, id: &Id, entity: &Entity) -> Result<Entity, Refusal> {
    legal(kind, id)?;
    let own = entity.id(kind);
    if own.iter().all(|part| part.is_empty()) {
        return Ok(entity.clone().with_id(kind, id));
    }
    if own == *id { Ok(entity.clone()) } else { Err(MISMATCH) }
}

fn upsert(
    held: &Held,
    kind: Kind,
    entities: &[Entity],
    answer: Answer,
    moment: &Moment<'_>,
) -> Judged {
    let mut effect = Effect { writes: Vec::new(), changes: Vec::new(), answer };
    for entity in entities {
        let record = record_of(&entity.id(kind)).ok_or(INVALID_ID)?;
        let mut next = entity.clone();
        if kind == Kind::Resource {
            keep_times(&mut next, held.entities.get(&record), moment);
        }
        effect.writes(kind, record, Arc::new(next), moment);
    }
    distinct(&effect)?;
    unique(held, kind, &effect)?;
    Ok(effect)
}

/// "`createdAt` is set when missing and kept afterwards, `updatedAt` is set only when
/// something changed."
fn keep_times(given: &mut Entity, stored: Option<&Arc<Entity>>, moment: &Moment<'_>) {
    let Some(stored) = stored else {
        if !given.members.contains_key("createdAt") {
            given.set_instant("createdAt", moment.now);
        }
        return;
    };
    for name in ["createdAt", "updatedAt"] {
        match stored.members.get(name) {
            Some(kept) => given.set(name, Arc::clone(kept)),
            None => drop(given.members.remove(name)),
        }
    }
    if !given.members.contains_key("createdAt") {
        given.set_instant("createdAt", moment.now);
    }
    if *given != **stored {
        given.set_instant("updatedAt", moment.now);
    }
}

fn remove(held: &Held, kind: Kind, ids: &[Id], moment: &Moment<'_>) -> Judged {
    let mut effect = Effect { writes: Vec::new(), changes: Vec::new(), answer: Answer::Removed(0) };
    let records = ids.iter().map(|id| legal(kind, id)).collect::<Result<Vec<_>, _>>()?;
    for (place, record) in records.iter().enumerate() {
        if records.iter().take(place).any(|earlier| earlier == record) {
            return Err(TWICE);
        }
        let own = held.entities.get(record);
        if own.is_some() || held.is_damaged(record) {
            effect.removes(kind, Arc::clone(record), own.cloned(), moment);
        }
    }
    effect.answer = Answer::Removed(effect.changes.len() as u64);
    Ok(effect)
}

impl Effect {
    fn writes(&mut self, kind: Kind, id: Arc<str>, entity: Arc<Entity>, moment: &Moment<'_>) {
        self.changes.push(ChangeSeen {
            kind,
            id: Arc::clone(&id),
            is_removed: false,
            entity: Some(Arc::clone(&entity)),
            at: moment.now,
        });
        self.writes.push((id, Some(entity)));
    }

    fn removes(
        &mut self,
        kind: Kind,
        id: Arc<str>,
        entity: Option<Arc<Entity>>,
        moment: &Moment<'_>,
    ) {
        self.writes.push((Arc::clone(&id), None));
        self.changes.push(ChangeSeen { kind, id, is_removed: true, entity, at: moment.now });
    }
}

fn distinct(effect: &Effect) -> Result<(), Refusal> {
    for (place, (id, _)) in effect.writes.iter().enumerate() {
        if effect.writes.iter().take(place).any(|(earlier, _)| earlier == id) {
            return Err(TWICE);
        }
    }
    Ok(())
}

/// "A unique key value that the commit gives to a record which did not hold it before,
/// and that another record would still hold afterwards: `KeyTaken`."
fn unique(held: &Held, kind: Kind, effect: &Effect) -> Result<(), Refusal> {
    let written: BTreeMap<&Arc<str>, &Arc<Entity>> =
        effect.writes.iter().filter_map(|(id, own)| Some((id, own.as_ref()?))).collect();
    for key in shape::of(kind).keys.iter().filter(|key| key.unique) {
        for (id, own) in &written {
            let Some(value) = key.value(own) else { continue };
            if held.entities.get(*id).and_then(|before| key.value(before)).as_ref() == Some(&value)
            {
                continue;
            }
            let has = |other: &Entity| key.value(other).as_ref() == Some(&value);
            let given_to_another = written.iter().any(|(other, own)| other != id && has(own));
            let kept_by_another = held
                .entities
                .iter()
                .any(|(other, own)| other != *id && !written.contains_key(other) && has(own));
            if given_to_another || kept_by_another {
                return Err(KEY_TAKEN);
            }
        }
    }
    Ok(())
}

/// "One without id gets the UUIDv5 (OID name space) of its content hash": which one,
/// the entity's own tests say.
pub(super) fn with_content_id(release: Entity) -> Entity {
    if release.id(Kind::Release).iter().any(|part| !part.is_empty()) {
        return release;
    }
    let Ok(own) = Release::from_document(to_document(&release.members)) else { return release };
    release.with_id(Kind::Release, &[Arc::from(own.content_id())])
}
