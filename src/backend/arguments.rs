//! Whether what a reading is given can be read by: the same for every backend.

use crate::seam::{CollectionSpec, Error, KeySpec, ListQuery, Position, Result, Site};

fn refused(spec: &CollectionSpec, operation: &'static str, problem: String) -> Error {
    Error::InvalidArgument { site: Site::new(operation, &spec.name, None), problem }
}

/// The key that `find` looks in, and its place among the declared ones.
///
/// # Errors
/// `InvalidArgument` when it is not declared, or has another number of parts.
pub(super) fn declared_key<'s>(
    spec: &'s CollectionSpec,
    key: &str,
    parts: &[&str],
) -> Result<(usize, &'s KeySpec)> {
    let Some((place, declared)) = spec.key(key) else {
        let problem = format!("the key {key:?} was not declared at open");
        return Err(refused(spec, "find", problem));
    };
    if declared.parts.len() != parts.len() {
        let (wanted, given) = (declared.parts.len(), parts.len());
        let problem = format!("the key {key:?} has {wanted} parts, not {given}");
        return Err(refused(spec, "find", problem));
    }
    Ok((place, declared))
}

/// After what the page that `list` returns begins, if anything, and how many items
/// it has at most: `page_size` where the query does not say.
///
/// # Errors
/// `InvalidArgument` for a limit of 0, `InvalidCursor` for a cursor that no page had.
pub(super) fn page_bounds(
    spec: &CollectionSpec,
    query: &ListQuery,
    page_size: u32,
) -> Result<(Option<Position>, usize)> {
    let limit = query.limit.unwrap_or(page_size);
    if limit == 0 {
        return Err(refused(spec, "list", "the limit must be at least 1".to_owned()));
    }
    let after = query.cursor.as_ref().map(|cursor| {
        cursor.position().ok_or_else(|| Error::InvalidCursor(Site::new("list", &spec.name, None)))
    });
    Ok((after.transpose()?, usize::try_from(limit).unwrap_or(usize::MAX)))
}
