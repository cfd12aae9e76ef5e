//! Bugs of the workspace.

pub(super) mod a51_a_failed_deployment_version_is_recorded;
pub(super) mod a52_a_failed_job_agent_is_recorded;
pub(super) mod a53_a_failed_resource_provider_is_recorded;
pub(super) mod a54_a_failed_system_is_recorded;
pub(super) mod a55_a_failed_deployment_is_recorded;
pub(super) mod a56_a_failed_environment_is_recorded;
pub(super) mod a57_a_variable_is_stored_under_its_own_id;
pub(super) mod a58_memory_first_for_deployment_variables_and_their_values;
pub(super) mod a59_memory_first_for_deployment_versions;
pub(super) mod a60_memory_first_for_deployments;
pub(super) mod a61_memory_first_for_environments;
pub(super) mod a62_memory_first_for_job_agents;
pub(super) mod a63_memory_first_for_both_links;
pub(super) mod a64_memory_first_for_policies;
pub(super) mod a65_memory_first_for_resource_providers;
pub(super) mod a66_memory_first_for_resource_variables;
pub(super) mod a67_memory_first_for_resources;
pub(super) mod a68_memory_first_for_systems;
pub(super) mod a69_memory_first_for_approval_records;
pub(super) mod a70_memory_first_for_workflows_their_templates_runs_and_jobs;
pub(super) mod a71_removes_are_not_traced;
mod plant;
mod records_failures;
