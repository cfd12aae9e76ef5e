//! Bugs of heartbeats.

pub(super) mod a24_delete_stale_removes_a_fresh_worker;
pub(super) mod a25_get_ignores_the_older_name;
pub(super) mod a26_delete_stale_misses_the_older_name;
pub(super) mod a28_a_worker_id_escapes_the_collection;
pub(super) mod a34_one_page_of_workers;
pub(super) mod a40_upsert_leaves_the_older_record;
pub(super) mod a41_get_prefers_the_plain_name;
pub(super) mod a50_legal_worker_ids_are_refused;
mod rerouted;
