//! Bugs of users.

pub(super) mod a18_update_reads_before_the_lock;
pub(super) mod a19_concurrent_deletes_both_succeed;
pub(super) mod a29_the_index_has_one_page;
pub(super) mod a36_one_page_of_users;
pub(super) mod a47_create_overwrites_a_user;
mod rerouted;
