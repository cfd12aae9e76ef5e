//! Making calls of a workspace store, and resources of older software, from bytes.

use std::sync::Arc;

use arbitrary::Result;

use super::{
    entity::Entity,
    operation::{Call, Id, WorkspaceOp, is_link, plain},
    shape::{self, Member},
};
use crate::{
    model::{
        legacy::{LegacyDocument, is_plain, legacy_ids, modified, perhaps_damaged, plain_id},
        members::{Members, generate_unknown, object_of, quoted},
        source::Source,
    },
    workspace::kind::Kind,
};

/// How often each operation comes, in the order of
/// [`OPERATIONS`](super::operation::OPERATIONS): what only some kinds have is another call
/// for all others.
const WEIGHTS: &[u8] = &[14, 6, 6, 4, 6, 4, 6, 5, 5, 3, 4, 8, 5, 4, 2, 4];

/// Few, so that keys collide.
const TEXTS: &[&str] = &["p", "q", "p", "p", "q", "", "ユーザー", "p/q"];
const VALUES: &[&str] = &["null", "{}", "{\"a\": 1}", "[1,2]", "\"s\"", "7", "true"];
const STATUSES: &[&str] = &["approved", "approved", "approved", "rejected", ""];

/// One call: in half of all cases of one kind, in the others of three. Older software left
/// resources, so an eighth of the cases are about them alone.
pub(super) fn operation(source: &mut Source<'_, '_>) -> Result<WorkspaceOp> {
    let salt = usize::from(source.focus().salt);
    if salt >= 224 {
        let kind = Kind::Resource;
        return Ok(WorkspaceOp { kind, call: call(source, kind)? });
    }
    let place = if salt % 2 == 0 { 0 } else { source.below(3)? };
    // 7 and 20 have no common divisor: each kind comes as often, beside various others.
    let place = (salt / 2 + place * (7 + salt / 40)) % Kind::ALL.len();
    let kind = Kind::ALL.get(place).copied().unwrap_or(Kind::Resource);
    Ok(WorkspaceOp { kind, call: call(source, kind)? })
}

fn call(source: &mut Source<'_, '_>, kind: Kind) -> Result<Call> {
    Ok(match (source.operation(WEIGHTS)?, kind) {
        (2, _) => Call::Remove { id: perhaps_wrong(source, kind)? },
        (3, _) => {
            let count = source.below(4)?;
            Call::RemoveBatch { ids: (0..count).map(|_| id(source, kind)).collect::<Result<_>>()? }
        }
        (4, _) => Call::Get { id: perhaps_wrong(source, kind)? },
        (5, _) => Call::Items,
        (7, _) => Call::TakeChanges,
        (8, kind) if is_link(kind) => Call::Link { id: id(source, kind)? },
        (9, kind) if is_link(kind) => Call::Unlink { id: id(source, kind)? },
        (10, kind) if is_link(kind) => {
            let keys = shape::of(kind).keys;
            let key = source.choose(keys)?.name;
            Call::Linked { key: Arc::from(key), value: source.id()?.0 }
        }
        (11, Kind::ResourceVariable) => {
            let mut variables = Members::new();
            for _ in 0..source.below(4)? {
                variables.insert(source.id()?.0, source.text(VALUES)?);
            }
            Call::BulkUpdate { resource: source.id()?.0, variables }
        }
        (12, Kind::Release) => {
            let release = entity(source, kind)?;
            let has_id = source.ratio(1, 3)?;
            let id = if has_id { release.id(kind) } else { vec![Arc::from("")] };
            Call::UpsertByContent { release: release.with_id(kind, &id) }
        }
        (13, Kind::Resource) => Call::ByIdentifier { identifier: source.text(TEXTS)? },
        (14, Kind::Resource) => Call::Summaries,
        (15, Kind::UserApprovalRecord) => {
            Call::Approved { version: source.id()?.0, environment: source.id()?.0 }
        }
        (14, _) => Call::Items,
        (6 | 10 | 13 | 15, _) => by(source, kind)?,
        (9, _) => Call::Remove { id: perhaps_wrong(source, kind)? },
        (1 | 11, _) => {
            let count = source.below(4)?;
            let entities = (0..count).map(|_| entity(source, kind));
            Call::UpsertBatch { entities: entities.collect::<Result<_>>()? }
        }
        _ => upsert(source, kind)?,
    })
}

fn upsert(source: &mut Source<'_, '_>, kind: Kind) -> Result<Call> {
    let entity = entity(source, kind)?;
    let own = entity.id(kind);
    Ok(match source.below(16)? {
        0 => Call::Upsert { id: perhaps_wrong(source, kind)?, entity },
        1..=3 => {
            let none = vec![Arc::from(""); own.len()];
            Call::Upsert { id: own, entity: entity.with_id(kind, &none) }
        }
        _ => Call::Upsert { id: own, entity },
    })
}

/// An id for the kind.
fn id(source: &mut Source<'_, '_>, kind: Kind) -> Result<Id> {
    shape::of(kind).id.iter().map(|_| source.id().map(|id| id.0)).collect()
}

/// The same, at times of too many parts or of too few.
fn perhaps_wrong(source: &mut Source<'_, '_>, kind: Kind) -> Result<Id> {
    let mut id = id(source, kind)?;
    if source.ratio(1, 24)? {
        if source.ratio(1, 2)? {
            id.pop();
        } else {
            id.push(source.id()?.0);
        }
    }
    Ok(id)
}

fn by(source: &mut Source<'_, '_>, kind: Kind) -> Result<Call> {
    let keys = shape::of(kind).keys;
    if keys.is_empty() || source.ratio(1, 32)? {
        let values = vec![source.text(TEXTS)?];
        return Ok(Call::By { key: Arc::from("no such key"), values });
    }
    let key = source.choose(keys)?;
    let parts = key.parts.len() + usize::from(source.ratio(1, 32)?);
    // Parts of an id are looked up as such.
    let is_id =
        |path: Option<&&[&str]>| matches!(path, Some([name]) if shape::of(kind).id.contains(name));
    let values = (0..parts).map(|place| match is_id(key.parts.get(place)) {
        true => source.id().map(|id| id.0),
        false => source.text(TEXTS),
    });
    let values = values.collect::<Result<_>>()?;
    Ok(Call::By { key: Arc::from(key.name), values })
}

/// An entity of the kind.
fn entity(source: &mut Source<'_, '_>, kind: Kind) -> Result<Entity> {
    let id = id(source, kind)?;
    let mut entity = plain(kind, &id);
    let shape = shape::of(kind);
    for (name, member) in shape.members {
        if shape.id.contains(name) {
            continue;
        }
        let is_there = source.ratio(1, 2)?;
        match member {
            Member::Text if *name == "status" => {
                entity.set_text(name, &source.text(STATUSES)?);
            }
            Member::Text => entity.set_text(name, &source.text(TEXTS)?),
            Member::PerhapsText if is_there => entity.set_text(name, &source.text(TEXTS)?),
            Member::Instant if is_there => entity.set_instant(name, source.instant()?),
            Member::Number => entity.set(name, *source.choose(&["0", "1", "-7"])?),
            Member::Flag => entity.set(name, if is_there { "true" } else { "false" }),
            Member::Json if *name == "releaseTarget" => entity.set(name, target(source)?),
            Member::Json => entity.set(name, source.text(VALUES)?),
            Member::PerhapsJson if is_there => entity.set(name, source.text(VALUES)?),
            Member::PerhapsText | Member::Instant | Member::PerhapsJson => {}
        }
    }
    entity.members.extend(generate_unknown(source)?);
    Ok(entity)
}

/// What a release is for: at times something that names no target.
fn target(source: &mut Source<'_, '_>) -> Result<String> {
    if source.ratio(1, 8)? {
        return Ok((*source.choose(&["null", "{}", "{\"resourceId\": 7}"])?).to_owned());
    }
    let [resource, environment, deployment] = [(); 3].map(|()| source.text(&["p", "q", "p"]));
    Ok(format!(
        "{{\"resourceId\":{},\"environmentId\":{},\"deploymentId\":{}}}",
        quoted(&resource?),
        quoted(&environment?),
        quoted(&deployment?)
    ))
}

/// Resources as files of their own, and what is left of some.
pub(super) fn legacy(source: &mut Source<'_, '_>) -> Result<Vec<LegacyDocument>> {
    let mut documents = Vec::new();
    for id in legacy_ids(source)? {
        documents.push(document(source, &Arc::from(id), false)?);
    }
    Ok(documents)
}

/// A resource as older software writes it while we run.
pub(super) fn legacy_write(source: &mut Source<'_, '_>) -> Result<LegacyDocument> {
    let id = plain_id(source)?;
    document(source, &id.0, true)
}

fn document(source: &mut Source<'_, '_>, id: &Arc<str>, sound: bool) -> Result<LegacyDocument> {
    let kind = Kind::Resource;
    let mut resource = entity(source, kind)?.with_id(kind, &[Arc::clone(id)]);
    if sound {
        // When its file was written, nobody can tell.
        resource.set_instant("createdAt", source.instant()?);
    }
    let mut text = object_of(&resource.members);
    if !sound && id.split('/').all(is_plain) {
        text = if source.ratio(1, 8)? {
            // A record, but no resource.
            format!("{{\"id\":{}}}", quoted(id))
        } else {
            perhaps_damaged(source, id, text)?
        };
    }
    Ok(LegacyDocument { id: id.to_string(), text, modified: modified(source)? })
}
