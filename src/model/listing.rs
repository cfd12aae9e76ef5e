//! The drain's rule, for stores that list all their entities.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::seam::RecordId;

/// Judges a list by all the states that there were while it was made, each
/// the entities by id.
///
/// "Draining gives every record that was there unchanged throughout exactly
/// once, none that was absent throughout, and otherwise values each held at
/// some moment of the drain." "Lists are complete, in the order given, ties by
/// id": strictly rising by `place`, which ends with the id.
///
/// # Errors
/// The entities that were there throughout, in order: what the list must have
/// at least.
pub fn judge<'s, T, K>(
    states: impl Iterator<Item = &'s BTreeMap<Arc<str>, T>>,
    listed: &[T],
    id: impl Fn(&T) -> &str,
    place: impl Fn(&T) -> K,
) -> Result<(), Vec<T>>
where
    T: Clone + PartialEq + 's,
    K: Ord,
{
    // Every value that an id had, and whether it had that one throughout.
    let mut held: BTreeMap<&str, Vec<&T>> = BTreeMap::new();
    let mut throughout: Option<BTreeMap<&str, &T>> = None;
    for state in states {
        for (id, entity) in state {
            let values = held.entry(id).or_default();
            if !values.contains(&entity) {
                values.push(entity);
            }
        }
        let same = |(id, entity): &(&str, &T)| state.get(*id) == Some(*entity);
        throughout = Some(match throughout {
            None => state.iter().map(|(id, entity)| (&**id, entity)).collect(),
            Some(before) => before.into_iter().filter(same).collect(),
        });
    }
    let throughout = throughout.unwrap_or_default();
    let each_was_held = listed
        .iter()
        .all(|entity| held.get(id(entity)).is_some_and(|values| values.contains(&entity)));
    let in_order = listed.is_sorted_by(|a, b| place(a) < place(b));
    let none_twice = listed
        .iter()
        .enumerate()
        .all(|(at, entity)| listed.iter().take(at).all(|other| id(other) != id(entity)));
    let none_missing = throughout.values().all(|entity| listed.contains(entity));
    if each_was_held && in_order && none_twice && none_missing {
        return Ok(());
    }
    let mut expected: Vec<T> = throughout.into_values().cloned().collect();
    expected.sort_by_key(place);
    Err(expected)
}

/// Judges what a list names as damaged, by all the states that there were
/// while it was made, each the ids of the damaged records: by the same rule,
/// "by id".
///
/// # Errors
/// The records that were damaged throughout, in order: what the list must name
/// at least.
pub fn judge_damaged<'s>(
    states: impl Iterator<Item = &'s BTreeSet<Arc<str>>>,
    named: &[RecordId],
) -> Result<(), Vec<RecordId>> {
    let mut ever = BTreeSet::new();
    let mut throughout: Option<BTreeSet<&str>> = None;
    for state in states {
        ever.extend(state.iter().map(|id| &**id));
        throughout = Some(match throughout {
            None => state.iter().map(|id| &**id).collect(),
            Some(before) => before.into_iter().filter(|id| state.contains(*id)).collect(),
        });
    }
    let throughout = throughout.unwrap_or_default();
    let each_was_damaged = named.iter().all(|id| ever.contains(id.as_str()));
    let in_order = named.is_sorted_by(|a, b| a < b);
    let none_missing = throughout.iter().all(|id| named.iter().any(|named| named.as_str() == *id));
    if each_was_damaged && in_order && none_missing {
        return Ok(());
    }
    Err(throughout.into_iter().filter_map(|id| RecordId::new(id).ok()).collect())
}
