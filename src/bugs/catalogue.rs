//! All planted bugs, one line each.

use super::{
    Bug, api_keys, collection, secrets, sessions, users, watermark, webhooks, worker_heartbeats,
    workspace,
};

/// Every bug, in the order of the ids.
pub static BUGS: &[&Bug] = &[
    &api_keys::a1_update_and_delete_read_before_the_lock::BUG,
    &api_keys::a2_last_use_reverts_an_update::BUG,
    &api_keys::a3_last_use_resurrects_a_key::BUG,
    &collection::a5_an_id_escapes_the_collection::BUG,
    &collection::a6_a_prefix_escapes_the_collection::BUG,
    &collection::a7_a_sibling_counts_as_inside::BUG,
    &collection::a8_claim_hides_errors::BUG,
    &secrets::a9_update_reads_before_the_lock::BUG,
    &secrets::a10_write_value_loses_a_rotation::BUG,
    &secrets::a11_get_panics_without_a_secret::BUG,
    &secrets::a12_write_value_panics_without_a_secret::BUG,
    &secrets::a13_resolve_panics_without_a_secret::BUG,
    &secrets::a14_update_panics_without_a_secret::BUG,
    &sessions::a15_messages_are_lost::BUG,
    &sessions::a16_a_message_resurrects_a_session::BUG,
    &collection::a17_expiry_is_shared::BUG,
    &users::a18_update_reads_before_the_lock::BUG,
    &users::a19_concurrent_deletes_both_succeed::BUG,
    &watermark::a20_save_keeps_a_null::BUG,
    &webhooks::a21_update_and_delete_read_before_the_lock::BUG,
    &webhooks::a22_last_use_reverts_an_update::BUG,
    &webhooks::a23_last_use_resurrects_a_webhook::BUG,
    &worker_heartbeats::a24_delete_stale_removes_a_fresh_worker::BUG,
    &worker_heartbeats::a25_get_ignores_the_older_name::BUG,
    &worker_heartbeats::a26_delete_stale_misses_the_older_name::BUG,
    &sessions::a27_the_older_layout_is_unreadable::BUG,
    &worker_heartbeats::a28_a_worker_id_escapes_the_collection::BUG,
    &users::a29_the_index_has_one_page::BUG,
    &api_keys::a30_the_index_has_one_page::BUG,
    &secrets::a31_the_index_has_one_page::BUG,
    &sessions::a32_the_index_has_one_page::BUG,
    &webhooks::a33_the_index_has_one_page::BUG,
    &worker_heartbeats::a34_one_page_of_workers::BUG,
    &api_keys::a35_one_page_of_keys::BUG,
    &users::a36_one_page_of_users::BUG,
    &webhooks::a37_one_page_of_webhooks::BUG,
    &secrets::a38_one_page_of_secrets::BUG,
    &secrets::a39_resolve_drops_a_new_value::BUG,
    &worker_heartbeats::a40_upsert_leaves_the_older_record::BUG,
    &worker_heartbeats::a41_get_prefers_the_plain_name::BUG,
    &secrets::a42_resolve_ignores_its_write::BUG,
    &sessions::a43_create_overwrites_a_session::BUG,
    &collection::a44_only_json_can_be_kept::BUG,
    &api_keys::a45_create_overwrites_a_key::BUG,
    &secrets::a46_create_overwrites_a_secret::BUG,
    &users::a47_create_overwrites_a_user::BUG,
    &webhooks::a48_create_overwrites_a_webhook::BUG,
    &collection::a49_ids_are_cleaned_like_paths::BUG,
    &worker_heartbeats::a50_legal_worker_ids_are_refused::BUG,
    &workspace::a51_a_failed_deployment_version_is_recorded::BUG,
    &workspace::a52_a_failed_job_agent_is_recorded::BUG,
    &workspace::a53_a_failed_resource_provider_is_recorded::BUG,
    &workspace::a54_a_failed_system_is_recorded::BUG,
    &workspace::a55_a_failed_deployment_is_recorded::BUG,
    &workspace::a56_a_failed_environment_is_recorded::BUG,
    &workspace::a57_a_variable_is_stored_under_its_own_id::BUG,
    &workspace::a58_memory_first_for_deployment_variables_and_their_values::BUG,
    &workspace::a59_memory_first_for_deployment_versions::BUG,
    &workspace::a60_memory_first_for_deployments::BUG,
    &workspace::a61_memory_first_for_environments::BUG,
    &workspace::a62_memory_first_for_job_agents::BUG,
    &workspace::a63_memory_first_for_both_links::BUG,
    &workspace::a64_memory_first_for_policies::BUG,
    &workspace::a65_memory_first_for_resource_providers::BUG,
    &workspace::a66_memory_first_for_resource_variables::BUG,
    &workspace::a67_memory_first_for_resources::BUG,
    &workspace::a68_memory_first_for_systems::BUG,
    &workspace::a69_memory_first_for_approval_records::BUG,
    &workspace::a70_memory_first_for_workflows_their_templates_runs_and_jobs::BUG,
    &workspace::a71_removes_are_not_traced::BUG,
];

/// A10, for those who want one bug and not all of them.
pub static A_ROTATION_IS_LOST: &Bug = &secrets::a10_write_value_loses_a_rotation::BUG;

/// The bug of that id.
#[must_use]
pub fn bug_named(id: &str) -> Option<&'static Bug> {
    BUGS.iter().copied().find(|bug| bug.id == id)
}
