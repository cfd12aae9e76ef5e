//! Bugs of API keys.

pub(super) mod a1_update_and_delete_read_before_the_lock;
pub(super) mod a2_last_use_reverts_an_update;
pub(super) mod a30_the_index_has_one_page;
pub(super) mod a35_one_page_of_keys;
pub(super) mod a3_last_use_resurrects_a_key;
pub(super) mod a45_create_overwrites_a_key;
mod rerouted;
