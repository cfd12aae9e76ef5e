//! Bugs of secrets.

pub(super) mod a10_write_value_loses_a_rotation;
pub(super) mod a11_get_panics_without_a_secret;
pub(super) mod a12_write_value_panics_without_a_secret;
pub(super) mod a13_resolve_panics_without_a_secret;
pub(super) mod a14_update_panics_without_a_secret;
pub(super) mod a31_the_index_has_one_page;
pub(super) mod a38_one_page_of_secrets;
pub(super) mod a39_resolve_drops_a_new_value;
pub(super) mod a42_resolve_ignores_its_write;
pub(super) mod a46_create_overwrites_a_secret;
pub(super) mod a9_update_reads_before_the_lock;
mod rerouted;
mod taken_for_granted;
