//! Bugs of webhooks.

pub(super) mod a21_update_and_delete_read_before_the_lock;
pub(super) mod a22_last_use_reverts_an_update;
pub(super) mod a23_last_use_resurrects_a_webhook;
pub(super) mod a33_the_index_has_one_page;
pub(super) mod a37_one_page_of_webhooks;
pub(super) mod a48_create_overwrites_a_webhook;
mod rerouted;
