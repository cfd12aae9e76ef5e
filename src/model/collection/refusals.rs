//! The errors that a collection must return, each with the rule that says so.

use std::sync::Arc;

use super::{
    outcome::{CollectionSeen, Failure},
    rules::Verdict,
};
use crate::{
    model::{source::RawId, subject::Broken},
    seam::{ErrorKind, RecordId},
};

/// An error that a call must return, and the rule that says so.
pub(super) struct Refusal {
    kind: ErrorKind,
    key: Option<&'static str>,
    rule: &'static str,
}

/// "A non-empty UTF-8 string without NUL, at most 1 024 bytes."
pub(super) fn judge_id(RawId(text): &RawId) -> Result<(), Refusal> {
    let legal = !text.is_empty() && text.len() <= 1_024 && !text.as_bytes().contains(&0);
    if legal { Ok(()) } else { Err(INVALID_ID) }
}

pub(super) fn legal(id: &RawId) -> Result<RecordId, Refusal> {
    judge_id(id)?;
    RecordId::new(Arc::clone(&id.0)).map_err(|_| INVALID_ID)
}

pub(super) fn refuse(seen: &CollectionSeen, refusal: &Refusal) -> Verdict {
    if let CollectionSeen::Failed(Failure { kind, unknown: false, key, .. }) = seen
        && (*kind, key.as_deref()) == (refusal.kind, refusal.key)
    {
        return Ok(());
    }
    let expected = CollectionSeen::refused(refusal.kind, refusal.key);
    Err(Broken { expected: Box::new(expected), rule: refusal.rule })
}

const fn refusal(kind: ErrorKind, rule: &'static str) -> Refusal {
    Refusal { kind, key: None, rule }
}

pub(super) const INVALID_ID: Refusal = refusal(
    ErrorKind::InvalidId,
    "an id is a non-empty UTF-8 string without NUL of at most 1024 bytes; that is judged first",
);
pub(super) const NOT_JSON: Refusal = refusal(
    ErrorKind::InvalidRecord,
    "data with the encoding json must be one valid JSON text, and nothing changes otherwise",
);
pub(super) const TWICE: Refusal =
    refusal(ErrorKind::InvalidArgument, "no id is named twice in one commit");
pub(super) const LIMIT: Refusal = refusal(ErrorKind::InvalidArgument, "a limit is at least 1");
pub(super) const CURSOR: Refusal =
    refusal(ErrorKind::InvalidCursor, "a cursor that is not ours is refused");
pub(super) const UNDECLARED: Refusal = refusal(
    ErrorKind::InvalidArgument,
    "find takes a declared key with as many parts as it was declared with",
);
pub(super) const ABSENT: Refusal = refusal(ErrorKind::NotFound, "there is no such record");
pub(super) const THERE: Refusal =
    refusal(ErrorKind::AlreadyExists, "there is a record already where there must be none");
pub(super) const OTHER_DATA: Refusal =
    refusal(ErrorKind::Conflict, "the stored bytes are not the expected ones");
pub(super) const DAMAGED: Refusal =
    refusal(ErrorKind::Corrupt, "a stored record that can't be read is corrupt to this call");
pub(super) const NEWER: Refusal = refusal(
    ErrorKind::Corrupt,
    "a record of a newer release is corrupt to every call but quarantine",
);
pub(super) const NOTHING_TO_CLAIM: Refusal =
    refusal(ErrorKind::NotFound, "claim finds nothing when no good record is selected");
pub(super) const TAKEN: Refusal = Refusal {
    kind: ErrorKind::KeyTaken,
    key: Some("name"),
    rule: "a unique value has one owner: the commit gives it to a record that did not hold it, and another one would hold it too",
};
