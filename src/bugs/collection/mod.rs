//! Bugs of collections and the backends below them.

pub(super) mod a17_expiry_is_shared;
pub(super) mod a44_only_json_can_be_kept;
pub(super) mod a49_ids_are_cleaned_like_paths;
pub(super) mod a5_an_id_escapes_the_collection;
pub(super) mod a6_a_prefix_escapes_the_collection;
pub(super) mod a7_a_sibling_counts_as_inside;
pub(super) mod a8_claim_hides_errors;
