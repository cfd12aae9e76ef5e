//! The entities of the workspace, a format for each kind.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Format, Sample, Writer, value};
use crate::{
    model::{
        members::to_document,
        workspace::{Entity, full, plain, read, written},
    },
    workspace::kind::Kind,
};

macro_rules! formats {
    ($($name:literal, $kind:ident, $about:literal;)+) => {
        pub(super) const FORMATS: &[Format] = &[$(Format {
            name: $name,
            version: 1,
            about: $about,
            writer: Writer::ThisRelease,
            samples: || samples(Kind::$kind),
            decode: |bytes| read(Kind::$kind, bytes).map(|own| value_of(&own)),
        }),+];
    };
}

formats! {
    "workspace-system", System, "the payload of a system";
    "workspace-deployment", Deployment, "the payload of a deployment";
    "workspace-environment", Environment, "the payload of an environment";
    "workspace-deployment-version", DeploymentVersion, "the payload of a deployment_version";
    "workspace-deployment-variable", DeploymentVariable, "the payload of a deployment_variable";
    "workspace-deployment-variable-value", DeploymentVariableValue, "the payload of a deployment_variable_value";
    "workspace-job-agent", JobAgent, "the payload of a job_agent";
    "workspace-job", Job, "the payload of a job";
    "workspace-policy", Policy, "the payload of a policy";
    "workspace-release", Release, "the payload of a release";
    "workspace-resource-provider", ResourceProvider, "the payload of a resource_provider";
    "workspace-resource", Resource, "the payload of a resource";
    "workspace-resource-variable", ResourceVariable, "the payload of a resource_variable";
    "workspace-user-approval-record", UserApprovalRecord, "the payload of a user_approval_record";
    "workspace-workflow", Workflow, "the payload of a workflow";
    "workspace-workflow-job-template", WorkflowJobTemplate, "the payload of a workflow_job_template";
    "workspace-workflow-run", WorkflowRun, "the payload of a workflow_run";
    "workspace-workflow-job", WorkflowJob, "the payload of a workflow_job";
    "workspace-system-deployment", SystemDeployment, "the payload of a system_deployment";
    "workspace-system-environment", SystemEnvironment, "the payload of a system_environment";
}

fn value_of(entity: &Entity) -> Value {
    value::with_unknown(Map::new(), &to_document(&entity.members))
}

fn samples(kind: Kind) -> Vec<Sample> {
    let id: Vec<Arc<str>> = plain(kind, &[]).id(kind).iter().map(|_| Arc::from("a/%b")).collect();
    let sample = |name, entity: Entity| {
        let bytes = written(kind, &entity).ok_or("it is no such entity");
        Sample::new(name, bytes, value_of(&entity))
    };
    vec![sample("smallest", plain(kind, &id)), sample("full", full(kind, &id))]
}
