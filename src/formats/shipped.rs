//! The snapshots that this program carries. `scripts/review-formats --accept`
//! writes this file; a test says so when it is not up to date.

macro_rules! snapshot {
    ($path:literal) => {
        ($path, include_str!(concat!("../../snapshots/", $path, ".snap")))
    };
}

/// Where each lies below `snapshots/`, without `.snap`, and its text.
pub const SHIPPED: &[(&str, &str)] = &[
    snapshot!("cursor/v1/damaged"),
    snapshot!("cursor/v1/record"),
    snapshot!("cursor/v1/year-0000"),
    snapshot!("cursor/v1/year-9999"),
    snapshot!("envelope-unversioned/v0/json-indented-with-offsets"),
    snapshot!("envelope-unversioned/v0/json"),
    snapshot!("envelope-unversioned/v0/proto3"),
    snapshot!("envelope/v1/encoding-with-quotes"),
    snapshot!("envelope/v1/encoding-without-name"),
    snapshot!("envelope/v1/id-with-escapes"),
    snapshot!("envelope/v1/json-as-given"),
    snapshot!("envelope/v1/json-expiring"),
    snapshot!("envelope/v1/json-that-looks-like-an-envelope"),
    snapshot!("envelope/v1/json"),
    snapshot!("envelope/v1/proto3-empty"),
    snapshot!("envelope/v1/proto3"),
    snapshot!("formats-list/v1/checked"),
    snapshot!("formats-list/v1/listed"),
    snapshot!("intent/v1/one"),
    snapshot!("intent/v1/several"),
    snapshot!("lock-head/v1/changing-one"),
    snapshot!("lock-head/v1/changing-several"),
    snapshot!("lock-head/v1/new"),
    snapshot!("lock-head/v1/settled"),
    snapshot!("quarantine-name/v1/cut"),
    snapshot!("quarantine-name/v1/encoded"),
    snapshot!("quarantine-name/v1/plain"),
    snapshot!("record-path/v1/dots-and-blanks"),
    snapshot!("record-path/v1/hashed"),
    snapshot!("record-path/v1/json-within"),
    snapshot!("record-path/v1/levels-that-are-empty"),
    snapshot!("record-path/v1/levels-that-climb"),
    snapshot!("record-path/v1/levels"),
    snapshot!("record-path/v1/percent-tilde-backslash"),
    snapshot!("record-path/v1/plain"),
    snapshot!("record-path/v1/unicode"),
    snapshot!("record-path/v1/upper-case-and-reserved"),
    snapshot!("replay/v1/collection-operations"),
    snapshot!("replay/v1/crash-legacy-and-preemptions"),
    snapshot!("replay/v1/killed-at-any-step"),
    snapshot!("replay/v1/random-schedule"),
    snapshot!("replay/v1/threads"),
    snapshot!("replay/v1/users-operations"),
    snapshot!("report/v1/holds"),
    snapshot!("report/v1/violated"),
    snapshot!("users-flat/v0/compact"),
    snapshot!("users-flat/v0/indented"),
    snapshot!("users-flat/v0/without-times"),
    snapshot!("users/v1/empty-but-present"),
    snapshot!("users/v1/full"),
    snapshot!("users/v1/members-of-another-release"),
    snapshot!("users/v1/smallest"),
];
