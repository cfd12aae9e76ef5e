//! The workspace store: one repository a kind, in memory, in a durable backend or in both,
//! and the changes to all of them.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    changeset::{Change, Changeset},
    entities::{
        Deployment, DeploymentVariable, DeploymentVariableValue, DeploymentVersion, Environment,
        Job, JobAgent, Policy, Release, Resource, ResourceProvider, ResourceVariable, System,
        SystemDeployment, SystemEnvironment, UserApprovalRecord, Workflow, WorkflowJob,
        WorkflowJobTemplate, WorkflowRun,
    },
    entity::Entity,
    entity_store::EntityStore,
    error::Result,
    kind::Kind,
    repository::Repository,
};
use crate::{
    backend::{hybrid::HybridBackend, memory::MemoryBackend},
    seam::{Backend, Clock},
};

/// Where the entities of a kind are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// In memory alone: gone with the process.
    Memory,
    /// In the durable backend, and read from it.
    Durable,
    /// In the durable backend, and read from a working set in memory.
    Hybrid,
}

/// How a workspace store is put together.
pub struct Builder {
    id: String,
    clock: Arc<dyn Clock>,
    memory: Arc<dyn Backend>,
    /// The durable backend, and the working set over it.
    durable: Option<(Arc<dyn Backend>, HybridBackend)>,
    rest: Placement,
    kinds: BTreeMap<Kind, Placement>,
}

impl Builder {
    fn new(id: String, clock: Arc<dyn Clock>) -> Self {
        let memory = Arc::new(MemoryBackend::new(Arc::clone(&clock)));
        Self { id, clock, memory, durable: None, rest: Placement::Memory, kinds: BTreeMap::new() }
    }

    /// Keeps all kinds in this backend, and reads them from it, but for those that
    /// further calls place elsewhere.
    #[must_use]
    pub fn durable(mut self, backend: Arc<dyn Backend>) -> Self {
        let hybrid = HybridBackend::new(Arc::clone(&backend), Arc::clone(&self.clock));
        self.durable = Some((backend, hybrid));
        self.rest = Placement::Durable;
        self
    }

    /// Reads all kinds of the durable backend from working sets over it, but for those
    /// that further calls place elsewhere.
    #[must_use]
    pub fn all_hybrid(mut self) -> Self {
        self.rest = Placement::Hybrid;
        self
    }

    /// Reads the entities of this kind from a working set over the durable backend.
    #[must_use]
    pub fn hybrid(self, kind: Kind) -> Self {
        self.place(kind, Placement::Hybrid)
    }

    /// Places the entities of this kind.
    #[must_use]
    pub fn place(mut self, kind: Kind, placement: Placement) -> Self {
        self.kinds.insert(kind, placement);
        self
    }

    /// Opens every repository: what the durable backend holds is there then, and read
    /// into memory where that is its place.
    ///
    /// # Errors
    /// `Storage`: `InvalidName` or `InvalidArgument` when the id has anything but 1 to 38 of
    /// `A-Z a-z 0-9 - _`, and then nothing is made; `InvalidArgument` when a kind is placed in
    /// a durable backend and there is none; those of the storage.
    pub async fn open(self) -> Result<WorkspaceStore> {
        WorkspaceStore::open(&self).await
    }

    fn backend_of(&self, kind: Kind) -> Result<Arc<dyn Backend>> {
        let placement = self.kinds.get(&kind).copied().unwrap_or(self.rest);
        match (placement, &self.durable) {
            (Placement::Memory, _) => Ok(Arc::clone(&self.memory)),
            (Placement::Durable, Some((durable, _))) => Ok(Arc::clone(durable)),
            (Placement::Hybrid, Some((_, hybrid))) => Ok(Arc::new(hybrid.clone())),
            (_, None) => Err(crate::seam::Error::InvalidArgument {
                site: crate::seam::Site::new("open", &Arc::from(kind.name()), None),
                problem: "it is to be durable, and the builder was given no durable backend"
                    .to_owned(),
            }
            .into()),
        }
    }

    async fn entities<E: Entity>(&self, changeset: &Arc<Changeset>) -> Result<EntityStore<E>> {
        let backend = self.backend_of(E::KIND)?;
        let collection = backend.open(Repository::<E>::spec(&self.id)).await?;
        Ok(EntityStore::new(collection, Arc::clone(changeset), Arc::clone(&self.clock)))
    }
}

macro_rules! workspace_store {
    ($($(#[$doc:meta])* $field:ident: $entity:ident,)+) => {
        /// The entities of one workspace.
        pub struct WorkspaceStore {
            id: String,
            changeset: Arc<Changeset>,
            hybrid: Option<HybridBackend>,
            $($field: EntityStore<$entity>,)+
        }

        impl WorkspaceStore {
            async fn open(builder: &Builder) -> Result<Self> {
                // Of all kinds, before any of them is made.
                $(Repository::<$entity>::spec(&builder.id).validate()?;)+
                let changeset = Arc::<Changeset>::default();
                Ok(Self {
                    id: builder.id.clone(),
                    hybrid: builder.durable.as_ref().map(|(_, hybrid)| hybrid.clone()),
                    $($field: builder.entities(&changeset).await?,)+
                    changeset,
                })
            }

            $($(#[$doc])*
            #[must_use]
            pub fn $field(&self) -> &EntityStore<$entity> {
                &self.$field
            })+
        }
    };
}

workspace_store! {
    /// The systems.
    systems: System,
    /// The deployments.
    deployments: Deployment,
    /// The environments.
    environments: Environment,
    /// The versions of deployments.
    deployment_versions: DeploymentVersion,
    /// The variables of deployments.
    deployment_variables: DeploymentVariable,
    /// Their values.
    deployment_variable_values: DeploymentVariableValue,
    /// The agents that run jobs.
    job_agents: JobAgent,
    /// The jobs.
    jobs: Job,
    /// The policies.
    policies: Policy,
    /// The releases.
    releases: Release,
    /// The providers of resources.
    resource_providers: ResourceProvider,
    /// The resources.
    resources: Resource,
    /// The variables of resources.
    resource_variables: ResourceVariable,
    /// What users said of versions.
    user_approval_records: UserApprovalRecord,
    /// The workflows.
    workflows: Workflow,
    /// The jobs of workflows, as they are to run.
    workflow_job_templates: WorkflowJobTemplate,
    /// The runs of workflows.
    workflow_runs: WorkflowRun,
    /// The jobs of these runs.
    workflow_jobs: WorkflowJob,
    /// Which deployments belong to which systems.
    system_deployments: SystemDeployment,
    /// Which environments belong to which systems.
    system_environments: SystemEnvironment,
}

impl WorkspaceStore {
    /// How the store of the workspace of that id is put together: all in memory, unless
    /// the builder is told otherwise. `clock` tells when things change.
    #[must_use]
    pub fn builder(id: impl Into<String>, clock: Arc<dyn Clock>) -> Builder {
        Builder::new(id.into(), clock)
    }

    /// The id of the workspace.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Hands over the changes since this was last called, in the order of the writes: each
    /// is handed over once. They are this store's own, and gone with it.
    #[must_use]
    pub fn take_changes(&self) -> Vec<Change> {
        self.changeset.take()
    }

    /// Sees what others changed in the durable backend, where entities are read from
    /// working sets.
    ///
    /// # Errors
    /// When the durable backend can't be read.
    pub async fn refresh(&self) -> Result<()> {
        match &self.hybrid {
            None => Ok(()),
            Some(hybrid) => Ok(hybrid.refresh().await?),
        }
    }
}
