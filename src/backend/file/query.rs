//! What a look-up chooses from the index.

use std::{
    ops::Bound,
    sync::{Arc, LazyLock},
};

use crate::seam::{Cursor, Damaged, Instant, KeyValue, Position, RecordId, Selection};

use super::{
    catalog::{Catalog, Entry},
    path::RecordPath,
};

/// A look-up whose arguments are right.
pub(super) enum Query {
    /// One page.
    Page { selection: Selection, after: Option<Position>, limit: usize },
    /// Who has a value of the key number `place`.
    Holders { place: usize, value: Arc<KeyValue> },
    /// How many.
    Count(Selection),
}

/// What was chosen, to be read from the files.
#[derive(Default)]
pub(super) struct Choice {
    pub(super) damaged: Vec<Damaged>,
    pub(super) wanted: Vec<Wanted>,
    pub(super) next_cursor: Option<Cursor>,
    pub(super) count: u64,
}

/// A record that was chosen.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) id: RecordId,
    pub(super) path: RecordPath,
    pub(super) created_at: Instant,
    pub(super) expires_at: Option<Instant>,
}

/// The first of all ids: where a range of some instant's ids begins.
pub(super) fn first_id() -> &'static RecordId {
    #[expect(clippy::expect_used, reason = "the constant is an id")]
    static FIRST: LazyLock<RecordId> = LazyLock::new(|| RecordId::new("\u{1}").expect("an id"));
    &FIRST
}

/// Chooses among what the index knows at `now`.
pub(super) fn choose(catalog: &Catalog, query: &Query, now: Instant) -> Choice {
    match query {
        Query::Page { selection, after, limit } => page(catalog, selection, after, *limit, now),
        Query::Holders { place, value } => Choice {
            damaged: catalog.damaged().iter().filter_map(|id| named(catalog, id)).collect(),
            wanted: catalog
                .holders(*place, value, first_id())
                .filter_map(|id| wanted(catalog.entry(id)?, now))
                .collect(),
            ..Choice::default()
        },
        Query::Count(selection) => {
            Choice { count: count(catalog, selection, now), ..Choice::default() }
        }
    }
}

fn wanted(entry: &Entry, now: Instant) -> Option<Wanted> {
    let facts = entry.content.as_ref().ok().filter(|facts| !facts.is_expired(now))?;
    Some(Wanted {
        id: entry.id.clone(),
        path: entry.path.clone(),
        created_at: facts.created_at,
        expires_at: facts.expires_at,
    })
}

fn named(catalog: &Catalog, id: &RecordId) -> Option<Damaged> {
    Some(Damaged { id: id.clone(), message: catalog.entry(id)?.message()? })
}

fn page(
    catalog: &Catalog,
    selection: &Selection,
    after: &Option<Position>,
    limit: usize,
    now: Instant,
) -> Choice {
    let mut choice = Choice::default();
    let damaged_from = match after {
        None => Some(Bound::Unbounded),
        Some(Position::Damaged(id)) => Some(Bound::Excluded(id.clone())),
        Some(Position::Record(..)) => None,
    };
    let mut last = None;
    if let Some(from) = damaged_from {
        let selected = catalog
            .damaged()
            .range((from, Bound::Unbounded))
            .filter(|id| selection.contains_damaged(id.as_str()));
        for id in selected {
            if choice.damaged.len() == limit {
                choice.next_cursor = last.as_ref().map(Cursor::new);
                return choice;
            }
            choice.damaged.extend(named(catalog, id));
            last = Some(Position::Damaged(id.clone()));
        }
    }
    let from = match (after, selection.since) {
        (Some(Position::Record(at, id)), since) if since.is_none_or(|since| *at >= since) => {
            Bound::Excluded((*at, id.clone()))
        }
        (_, Some(since)) => Bound::Included((since, first_id().clone())),
        (_, None) => Bound::Unbounded,
    };
    let selected = catalog
        .order()
        .range((from, Bound::Unbounded))
        .take_while(|(at, _)| selection.until.is_none_or(|until| *at < until))
        .filter(|(at, id)| selection.contains(id.as_str(), *at))
        .filter_map(|(_, id)| wanted(catalog.entry(id)?, now));
    for wanted in selected {
        if choice.damaged.len() + choice.wanted.len() == limit {
            choice.next_cursor = last.as_ref().map(Cursor::new);
            return choice;
        }
        last = Some(Position::Record(wanted.created_at, wanted.id.clone()));
        choice.wanted.push(wanted);
    }
    choice
}

fn count(catalog: &Catalog, selection: &Selection, now: Instant) -> u64 {
    let counted = if *selection == Selection::all() {
        let end = (now, last_bound());
        let expired = catalog.expiries().range(..=end).count();
        catalog.order().len().saturating_sub(expired)
    } else {
        catalog
            .by_id(&selection.prefix)
            .take_while(|(id, _)| id.as_str().starts_with(&selection.prefix))
            .filter(|(_, entry)| is_selected(entry, selection, now))
            .count()
    };
    u64::try_from(counted).unwrap_or(u64::MAX)
}

/// The last of all ids: where a range of some instant's ids ends.
fn last_bound() -> RecordId {
    #[expect(clippy::expect_used, reason = "the constant is an id")]
    static LAST: LazyLock<RecordId> = LazyLock::new(|| {
        RecordId::new("\u{10ffff}".repeat(RecordId::MAX_BYTES / 4)).expect("an id")
    });
    LAST.clone()
}

fn is_selected(entry: &Entry, selection: &Selection, now: Instant) -> bool {
    entry.content.as_ref().is_ok_and(|facts| {
        !facts.is_expired(now) && selection.contains(entry.id.as_str(), facts.created_at)
    })
}

/// The selected record with the smallest id after `after`.
pub(super) fn first_by_id(
    catalog: &Catalog,
    selection: &Selection,
    after: Option<&RecordId>,
    now: Instant,
) -> Option<RecordId> {
    let first = after.map_or("", RecordId::as_str).max(&selection.prefix);
    catalog
        .by_id(first)
        .take_while(|(id, _)| id.as_str().starts_with(&selection.prefix))
        .filter(|(id, _)| after != Some(id))
        .find(|(_, entry)| is_selected(entry, selection, now))
        .map(|(id, _)| id.clone())
}

/// The records that have expired by `now`.
pub(super) fn expired(catalog: &Catalog, now: Instant) -> Vec<RecordId> {
    catalog.expiries().range(..=(now, last_bound())).map(|(_, id)| id.clone()).collect()
}
