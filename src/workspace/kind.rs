//! What kinds of entity there are.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A kind of entity, or of link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each stands for the entity of its name")]
pub enum Kind {
    System,
    Deployment,
    Environment,
    DeploymentVersion,
    DeploymentVariable,
    DeploymentVariableValue,
    JobAgent,
    Job,
    Policy,
    Release,
    ResourceProvider,
    Resource,
    ResourceVariable,
    UserApprovalRecord,
    Workflow,
    WorkflowJobTemplate,
    WorkflowRun,
    WorkflowJob,
    SystemDeployment,
    SystemEnvironment,
}

impl Kind {
    /// All of them, the links last.
    pub const ALL: [Self; 20] = [
        Self::System,
        Self::Deployment,
        Self::Environment,
        Self::DeploymentVersion,
        Self::DeploymentVariable,
        Self::DeploymentVariableValue,
        Self::JobAgent,
        Self::Job,
        Self::Policy,
        Self::Release,
        Self::ResourceProvider,
        Self::Resource,
        Self::ResourceVariable,
        Self::UserApprovalRecord,
        Self::Workflow,
        Self::WorkflowJobTemplate,
        Self::WorkflowRun,
        Self::WorkflowJob,
        Self::SystemDeployment,
        Self::SystemEnvironment,
    ];

    /// Its name: in collections, changes and errors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Deployment => "deployment",
            Self::Environment => "environment",
            Self::DeploymentVersion => "deployment_version",
            Self::DeploymentVariable => "deployment_variable",
            Self::DeploymentVariableValue => "deployment_variable_value",
            Self::JobAgent => "job_agent",
            Self::Job => "job",
            Self::Policy => "policy",
            Self::Release => "release",
            Self::ResourceProvider => "resource_provider",
            Self::Resource => "resource",
            Self::ResourceVariable => "resource_variable",
            Self::UserApprovalRecord => "user_approval_record",
            Self::Workflow => "workflow",
            Self::WorkflowJobTemplate => "workflow_job_template",
            Self::WorkflowRun => "workflow_run",
            Self::WorkflowJob => "workflow_job",
            Self::SystemDeployment => "system_deployment",
            Self::SystemEnvironment => "system_environment",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
