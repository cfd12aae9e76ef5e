//! A load of writes, each decided by its client and its number alone: who knows which were
//! acknowledged knows what must be stored.

use std::collections::{BTreeMap, BTreeSet};

use storeproof::{
    check::trace_hash::{hash_of, mix},
    workspace::{
        entities::{DeploymentVersion, Resource, ResourceVariable},
        entity::Entity,
        entity_store::EntityStore,
        error::Result,
        json::Json,
        kind::Kind,
        store::WorkspaceStore,
    },
};

use super::json;

/// How many write at the same time, each to entities of its own.
pub const CLIENTS: usize = 4;

/// Entities as JSON, by kind and id, without the times that the store gives them.
pub type State = BTreeMap<(Kind, String), String>;

/// One write of a client: of one entity, or of several at once.
pub enum LoadWrite {
    Resources(Vec<Resource>),
    RemoveResources(Vec<String>),
    Versions(Vec<DeploymentVersion>),
    RemoveVersions(Vec<String>),
    /// These are to be all variables of the resource.
    Variables(String, BTreeMap<String, Json>),
}

/// Whose entity this is.
pub fn client_of(id: &str) -> usize {
    let digits = id.strip_prefix('c').and_then(|rest| rest.split_once('-'));
    digits.and_then(|(number, _)| number.parse().ok()).expect("only clients write")
}

/// The write of that number of that client. What it writes is in no other write.
pub fn write_of(client: usize, number: u64) -> LoadWrite {
    let mut dice = hash_of(&[&client.to_le_bytes(), &number.to_le_bytes()]);
    let mut roll = |sides: u64| {
        dice = mix(dice.wrapping_add(0x9e37_79b9_7f4a_7c15));
        dice % sides
    };
    let stamp = format!("{client}.{number}");
    let id = |what: &str, number: u64| format!("c{client}-{what}{number}");
    let resource = |id: String, identifier: String, provider: u64| Resource {
        id,
        identifier,
        name: stamp.clone(),
        provider_id: Some(format!("provider-{provider}")),
        ..Resource::default()
    };
    let version = |id: String, deployment: u64| DeploymentVersion {
        id,
        deployment_id: format!("deployment-{deployment}"),
        name: stamp.clone(),
        ..DeploymentVersion::default()
    };
    match roll(8) {
        0 => {
            let one = id("single", roll(3));
            let identifier = format!("{one}-{}", roll(2));
            LoadWrite::Resources(vec![resource(one, identifier, roll(3))])
        }
        1 | 2 => {
            // Two that at times exchange their identifiers, and others.
            let exchanged = roll(2);
            let mut several: Vec<Resource> = (0..2)
                .map(|at| resource(id("pair", at), id("identifier", at ^ exchanged), roll(3)))
                .collect();
            for at in 0..roll(4) {
                let one = id("single", at);
                let identifier = format!("{one}-{}", roll(2));
                several.push(resource(one, identifier, roll(3)));
            }
            LoadWrite::Resources(several)
        }
        3 => match roll(2) {
            0 => LoadWrite::RemoveResources(vec![id("single", roll(3))]),
            _ => LoadWrite::RemoveResources((0..2).map(|at| id("pair", at)).collect()),
        },
        4 => LoadWrite::Versions(vec![version(id("version", roll(4)), roll(3))]),
        5 => LoadWrite::Versions((0..4).map(|at| version(id("version", at), roll(3))).collect()),
        6 => LoadWrite::RemoveVersions((0..=roll(3)).map(|at| id("version", at)).collect()),
        _ => {
            let names = roll(16);
            let named = (0..4).filter(|at| names >> at & 1 == 1);
            let changing = named.map(|at| (format!("changing-{at}"), json(&format!("{stamp:?}"))));
            let constant = ("constant".to_owned(), json("true"));
            LoadWrite::Variables(id("single", roll(2)), changing.chain([constant]).collect())
        }
    }
}

/// The JSON of an entity, without the times that the store gives it.
fn text_of<E: Entity>(entity: &E) -> String {
    entity.to_document().without(&["createdAt", "updatedAt"]).to_text()
}

/// Puts the entity into the state.
pub fn put_into<E: Entity>(state: &mut State, entity: &E) {
    let id = entity.id().unwrap().record().as_str().to_owned();
    state.insert((E::KIND, id), text_of(entity));
}

impl LoadWrite {
    /// What is stored once the write is done.
    pub fn on(&self, before: &State) -> State {
        let mut state = before.clone();
        match self {
            Self::Resources(all) => all.iter().for_each(|one| put_into(&mut state, one)),
            Self::Versions(all) => all.iter().for_each(|one| put_into(&mut state, one)),
            Self::RemoveResources(ids) => remove_from(&mut state, Kind::Resource, ids),
            Self::RemoveVersions(ids) => remove_from(&mut state, Kind::DeploymentVersion, ids),
            Self::Variables(resource, variables) => {
                let own = format!("{resource}/");
                state.retain(|(kind, id), _| {
                    *kind != Kind::ResourceVariable || !id.starts_with(&own)
                });
                for (key, value) in variables {
                    let variable = ResourceVariable {
                        resource_id: resource.clone(),
                        key: key.clone(),
                        value: value.clone(),
                        ..ResourceVariable::default()
                    };
                    put_into(&mut state, &variable);
                }
            }
        }
        state
    }

    /// Does it.
    pub async fn perform(&self, store: &WorkspaceStore) -> Result<()> {
        match self {
            Self::Resources(all) => upsert(store.resources(), all).await,
            Self::Versions(all) => upsert(store.deployment_versions(), all).await,
            Self::RemoveResources(ids) => remove(store.resources(), ids).await,
            Self::RemoveVersions(ids) => remove(store.deployment_versions(), ids).await,
            Self::Variables(resource, variables) => {
                store.resource_variables().bulk_update(resource, variables).await.map(drop)
            }
        }
    }
}

fn remove_from(state: &mut State, kind: Kind, ids: &[String]) {
    let ids: BTreeSet<&String> = ids.iter().collect();
    state.retain(|(own, id), _| *own != kind || !ids.contains(id));
}

async fn upsert<E: Entity>(store: &EntityStore<E>, entities: &[E]) -> Result<()> {
    match entities {
        [one] => store.upsert(&one.id_parts(), one.clone()).await,
        several => store.upsert_batch(several).await,
    }
}

async fn remove<E: Entity>(store: &EntityStore<E>, ids: &[String]) -> Result<()> {
    match ids {
        [one] => store.remove(&[one]).await.map(drop),
        several => {
            let parts: Vec<[&str; 1]> = several.iter().map(|id| [id.as_str()]).collect();
            let ids: Vec<&[&str]> = parts.iter().map(<[&str; 1]>::as_slice).collect();
            store.remove_batch(&ids).await.map(drop)
        }
    }
}
