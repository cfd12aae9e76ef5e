//! Every rule of the seam, on every backend.

mod claims;
mod commits;
mod expiry;
mod keys;
mod listing;
mod records;

use super::backends::every_backend_keeps;

#[test]
fn records_are_kept_as_they_were_put() {
    every_backend_keeps(records::RULES);
}

#[test]
fn commits_happen_wholly_or_not_at_all() {
    every_backend_keeps(commits::RULES);
}

#[test]
fn keys_are_kept_by_the_collection() {
    every_backend_keeps(keys::RULES);
}

#[test]
fn listings_are_complete_and_in_order() {
    every_backend_keeps(listing::RULES);
}

#[test]
fn expired_records_are_absent() {
    every_backend_keeps(expiry::RULES);
}

#[test]
fn claims_and_quarantine_take_records_away_once() {
    every_backend_keeps(claims::RULES);
}
