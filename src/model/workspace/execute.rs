//! Calling real entity stores.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;

use super::{
    entity::Entity,
    operation::{Call, WorkspaceOp},
    outcome::{Answer, ChangeSeen, WorkspaceProblem, WorkspaceSeen},
    spans,
};
use crate::{
    model::members::{from_document, to_document},
    seam::{Clock, Collection, CollectionSpec, Payload},
    store::{document::Document, error::Kind as ErrorKind},
    workspace::{
        changeset::{ChangeAction, Changeset},
        entities::{
            Deployment, DeploymentVariable, DeploymentVariableValue, DeploymentVersion,
            Environment, Job, JobAgent, Policy, Release, Resource, ResourceProvider,
            ResourceVariable, System, SystemDeployment, SystemEnvironment, UserApprovalRecord,
            Workflow, WorkflowJob, WorkflowJobTemplate, WorkflowRun,
        },
        entity,
        entity_store::EntityStore,
        error::Result,
        json::Json,
        kind::Kind,
        repository::{Items, Repository},
    },
};

/// The entity stores of some kinds, with one changeset: as much of a workspace store as
/// a scenario needs.
pub struct Workspace {
    kinds: BTreeMap<Kind, Arc<dyn EntityCalls>>,
    changeset: Arc<Changeset>,
}

/// The store of one kind of entity, whatever it is.
#[async_trait]
pub trait EntityCalls: Send + Sync {
    /// Does a call, all but [`Call::TakeChanges`].
    async fn call(&self, call: &Call) -> Answer;
}

impl Workspace {
    /// The workspace over these collections, each of which [`spec`] says how to open.
    #[must_use]
    pub fn over(collections: &[Arc<dyn Collection>], clock: &Arc<dyn Clock>) -> Self {
        let changeset = Arc::<Changeset>::default();
        let mut kinds = BTreeMap::new();
        for collection in collections {
            let name = &collection.spec().name;
            if let Some(kind) = Kind::ALL.into_iter().find(|kind| spec(*kind).name == *name) {
                kinds.insert(kind, store(kind, Arc::clone(collection), &changeset, clock));
            }
        }
        Self { kinds, changeset }
    }

    /// The same with what `replace` makes of the store of each kind.
    #[must_use]
    pub fn replaced(
        mut self,
        replace: impl Fn(Kind, Arc<dyn EntityCalls>, &Arc<Changeset>) -> Arc<dyn EntityCalls>,
    ) -> Self {
        let kinds = std::mem::take(&mut self.kinds).into_iter();
        self.kinds =
            kinds.map(|(kind, sound)| (kind, replace(kind, sound, &self.changeset))).collect();
        self
    }
}

/// The workspace that is checked.
const WORKSPACE: &str = "w";

/// Does `$call` with `$entity` standing for the type of the kind.
macro_rules! with_kind {
    ($kind:expr, $entity:ident => $call:expr, [$($name:ident),+ $(,)?]) => {
        match $kind {
            $(Kind::$name => {
                type $entity = $name;
                $call
            })+
        }
    };
}

macro_rules! with_entity {
    ($kind:expr, $entity:ident => $call:expr) => {
        with_kind!($kind, $entity => $call, [
            System, Deployment, Environment, DeploymentVersion, DeploymentVariable,
            DeploymentVariableValue, JobAgent, Job, Policy, Release, ResourceProvider, Resource,
            ResourceVariable, UserApprovalRecord, Workflow, WorkflowJobTemplate, WorkflowRun,
            WorkflowJob, SystemDeployment, SystemEnvironment,
        ])
    };
}

/// How the collection of a kind is opened.
#[must_use]
pub fn spec(kind: Kind) -> CollectionSpec {
    thread_local! {
        // Each thread has its own: they would all count the clones of shared ones.
        static SPECS: BTreeMap<Kind, CollectionSpec> = Kind::ALL
            .into_iter()
            .map(|kind| (kind, with_entity!(kind, E => Repository::<E>::spec(WORKSPACE))))
            .collect();
    }
    let known = SPECS.with(|specs| specs.get(&kind).cloned());
    known.unwrap_or_else(|| with_entity!(kind, E => Repository::<E>::spec(WORKSPACE)))
}

/// Our own store of a kind.
fn store(
    kind: Kind,
    collection: Arc<dyn Collection>,
    changeset: &Arc<Changeset>,
    clock: &Arc<dyn Clock>,
) -> Arc<dyn EntityCalls> {
    let (changeset, clock) = (Arc::clone(changeset), Arc::clone(clock));
    with_entity!(kind, E => Arc::new(EntityStore::<E>::new(collection, changeset, clock)))
}

/// Does one call, and looks at how it was traced.
pub(super) async fn execute(store: &Workspace, op: &WorkspaceOp) -> WorkspaceSeen {
    match (&op.call, store.kinds.get(&op.kind)) {
        (Call::TakeChanges, _) => {
            let changes = store.changeset.take().into_iter();
            let changes = changes.map(|change| ChangeSeen {
                kind: change.kind,
                id: Arc::from(change.id.record().as_str()),
                is_removed: change.action == ChangeAction::Delete,
                entity: change.entity.and_then(|own| parsed(change.kind, &own)).map(Arc::new),
                at: change.at,
            });
            Answer::Changes(changes.collect()).into()
        }
        (call, Some(entities)) => {
            let (answer, spans) = spans::traced(entities.call(call)).await;
            let untraced = spans::problem(op, &answer, &spans);
            WorkspaceSeen { answer, untraced }
        }
        (_, None) => none_such().into(),
    }
}

/// What a call gives that the kind does not have.
fn none_such() -> Answer {
    Answer::refused(WorkspaceProblem::Storage(ErrorKind::InvalidArgument))
}

fn parsed(kind: Kind, payload: &Payload) -> Option<Entity> {
    Entity::parse(kind, std::str::from_utf8(payload.bytes()).ok()?)
}

#[async_trait]
impl<E: Special> EntityCalls for EntityStore<E> {
    async fn call(&self, call: &Call) -> Answer {
        answer(self, call).await.unwrap_or_else(|error| Answer::failed(&error))
    }
}

async fn answer<E: Special>(store: &EntityStore<E>, call: &Call) -> Result<Answer> {
    fn parts(id: &[Arc<str>]) -> Vec<&str> {
        id.iter().map(|part| &**part).collect()
    }
    Ok(match call {
        Call::Upsert { id, entity } => match to_entity::<E>(entity) {
            Some(entity) => store.upsert(&parts(id), entity).await.map(|()| Answer::Done)?,
            None => none_such(),
        },
        Call::UpsertBatch { entities } => {
            match entities.iter().map(to_entity::<E>).collect::<Option<Vec<_>>>() {
                Some(entities) => store.upsert_batch(&entities).await.map(|()| Answer::Done)?,
                None => none_such(),
            }
        }
        Call::Remove { id } => Answer::Removed(store.remove(&parts(id)).await?.into()),
        Call::RemoveBatch { ids } => {
            let ids: Vec<Vec<&str>> = ids.iter().map(|id| parts(id)).collect();
            let ids: Vec<&[&str]> = ids.iter().map(Vec::as_slice).collect();
            Answer::Removed(store.remove_batch(&ids).await? as u64)
        }
        Call::Get { id } => {
            Answer::Entity(store.get(&parts(id)).await?.map(|own| Box::new(from_entity(&own))))
        }
        Call::Items => items(store.items().await?),
        Call::By { key, values } => items(store.by(key, &parts(values)).await?),
        _ => match E::special(store, call).await? {
            Some(answer) => answer,
            None => none_such(),
        },
    })
}

fn to_entity<E: entity::Entity>(entity: &Entity) -> Option<E> {
    E::from_document(to_document(&entity.members)).ok()
}

fn from_entity<E: entity::Entity>(entity: &E) -> Entity {
    let members = from_document(&entity.to_document());
    Entity::of(E::KIND, members.clone()).unwrap_or(Entity { members })
}

fn items<E: entity::Entity>(items: Items<E>) -> Answer {
    Answer::Items {
        entities: items.entities.iter().map(|own| Arc::new(from_entity(own))).collect(),
        damaged: items.damaged.into_iter().map(|damaged| damaged.id).collect(),
    }
}

fn sides(sides: Vec<String>) -> Option<Answer> {
    Some(Answer::Sides(sides.into_iter().map(Arc::from).collect()))
}

/// The calls that only some kinds have.
#[async_trait]
trait Special: entity::Entity {
    /// Does a call of this kind; none: it is none.
    async fn special(store: &EntityStore<Self>, call: &Call) -> Result<Option<Answer>> {
        let _ = (store, call);
        Ok(None)
    }
}

macro_rules! nothing_special {
    ($($entity:ident),+ $(,)?) => {
        $(impl Special for $entity {})+
    };
}

nothing_special!(
    System,
    Deployment,
    Environment,
    DeploymentVersion,
    DeploymentVariable,
    DeploymentVariableValue,
    JobAgent,
    Job,
    Policy,
    ResourceProvider,
    Workflow,
    WorkflowJobTemplate,
    WorkflowRun,
    WorkflowJob,
);

#[async_trait]
impl Special for Release {
    async fn special(store: &EntityStore<Self>, call: &Call) -> Result<Option<Answer>> {
        let Call::UpsertByContent { release } = call else { return Ok(None) };
        let Some(release) = to_entity::<Self>(release) else { return Ok(None) };
        Ok(Some(Answer::Id(Arc::from(store.upsert_by_content(release).await?))))
    }
}

#[async_trait]
impl Special for Resource {
    async fn special(store: &EntityStore<Self>, call: &Call) -> Result<Option<Answer>> {
        Ok(match call {
            Call::ByIdentifier { identifier } => {
                let found = store.by_identifier(identifier).await?;
                Some(Answer::Entity(found.map(|own| Box::new(from_entity(&own)))))
            }
            Call::Summaries => Some(items(store.summaries().await?)),
            _ => None,
        })
    }
}

#[async_trait]
impl Special for ResourceVariable {
    async fn special(store: &EntityStore<Self>, call: &Call) -> Result<Option<Answer>> {
        let Call::BulkUpdate { resource, variables } = call else { return Ok(None) };
        let variables = variables
            .iter()
            .map(|(name, value)| Some((name.to_string(), Json::parse(value)?)))
            .collect::<Option<BTreeMap<_, _>>>();
        let Some(variables) = variables else { return Ok(None) };
        Ok(Some(Answer::Updated(store.bulk_update(resource, &variables).await?)))
    }
}

#[async_trait]
impl Special for UserApprovalRecord {
    async fn special(store: &EntityStore<Self>, call: &Call) -> Result<Option<Answer>> {
        let Call::Approved { version, environment } = call else { return Ok(None) };
        let approved = store.approved(version, environment).await?;
        Ok(Some(items(Items { entities: approved, damaged: Vec::new() })))
    }
}

#[async_trait]
impl Special for SystemDeployment {
    async fn special(store: &EntityStore<Self>, call: &Call) -> Result<Option<Answer>> {
        Ok(match call {
            Call::Link { id } => match &**id {
                [system, deployment] => Some(Answer::Linked(store.link(system, deployment).await?)),
                _ => None,
            },
            Call::Unlink { id } => match &**id {
                [system, deployment] => {
                    Some(Answer::Removed(store.unlink(system, deployment).await?.into()))
                }
                _ => None,
            },
            Call::Linked { key, value } => match &**key {
                "system" => sides(store.deployments_of(value).await?),
                "deployment" => sides(store.systems_of(value).await?),
                _ => None,
            },
            _ => None,
        })
    }
}

#[async_trait]
impl Special for SystemEnvironment {
    async fn special(store: &EntityStore<Self>, call: &Call) -> Result<Option<Answer>> {
        Ok(match call {
            Call::Link { id } => match &**id {
                [system, environment] => {
                    Some(Answer::Linked(store.link(system, environment).await?))
                }
                _ => None,
            },
            Call::Unlink { id } => match &**id {
                [system, environment] => {
                    Some(Answer::Removed(store.unlink(system, environment).await?.into()))
                }
                _ => None,
            },
            Call::Linked { key, value } => match &**key {
                "system" => sides(store.environments_of(value).await?),
                "environment" => sides(store.systems_of(value).await?),
                _ => None,
            },
            _ => None,
        })
    }
}

/// The JSON that our own entity of the kind is written as; none: it is none.
#[must_use]
pub fn written(kind: Kind, entity: &Entity) -> Option<String> {
    use entity::Entity as _;
    with_entity!(kind, E => to_entity::<E>(entity).map(|own| own.to_document().to_text()))
}

/// What our own entity of the kind reads.
///
/// # Errors
/// What is wrong, without any content.
pub fn read(kind: Kind, bytes: &[u8]) -> std::result::Result<Entity, String> {
    use entity::Entity as _;
    let document = Document::parse(bytes).ok_or("it is no JSON object")?;
    with_entity!(kind, E => E::from_document(document).map(|own| from_entity(&own)))
}

/// Whether a record's payload is an entity of the kind, for the model of what older
/// software left.
#[cfg(test)]
pub(super) fn is_entity(kind: Kind, record: &crate::seam::Record) -> bool {
    use entity::Entity as _;
    with_entity!(kind, E => E::from_record(record).is_ok())
}
