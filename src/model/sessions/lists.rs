//! What lists of sessions must give. Sentences in quotation marks are the contract's.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    operation::{SessionData, SessionsOp},
    outcome::SessionsSeen,
    rules::{
        INVALID_SESSION_ID, INVALID_USER_ID, SessionsModel, Verdict, legal, refuse,
        without_messages,
    },
};
use crate::{
    model::{listing, subject::Broken},
    store::instant_text::InstantText,
};

/// "Draining gives every record that was there unchanged throughout exactly
/// once, none that was absent throughout, and otherwise values each held at
/// some moment of the drain." "`list` is by `updated_at`, newest first", "ties
/// by id", and "includes sub-sessions"; "`list_sub` is ordered as `list`".
pub(super) fn judge_list(
    states: &mut dyn Iterator<Item = &SessionsModel>,
    op: &SessionsOp,
    seen: &SessionsSeen,
) -> Verdict {
    let is_meant = |session: &SessionData| match op {
        SessionsOp::List { user_id } => session.user_id == *user_id,
        SessionsOp::ListSub { parent_id } => {
            session.parent_session_id.as_ref() == Some(&parent_id.0)
        }
        _ => false,
    };
    let input = match op {
        SessionsOp::ListSub { parent_id } => legal(&parent_id.0, INVALID_SESSION_ID),
        SessionsOp::List { user_id } => legal(user_id, INVALID_USER_ID),
        _ => Ok(()),
    };
    if let Err(refusal) = input {
        return refuse(seen, &refusal);
    }
    // "Name the damaged ones beside them", those that may be of the wanted.
    let may_be_meant = |place: &str| match op {
        SessionsOp::List { user_id } => {
            place.split_once('/').is_none_or(|(owner, _)| *owner == **user_id)
        }
        _ => true,
    };
    let mut damaged_states = Vec::new();
    // Every value that a record had, and those that had one throughout.
    let mut held: BTreeMap<&str, BTreeSet<SessionData>> = BTreeMap::new();
    let mut throughout: Option<BTreeMap<&str, SessionData>> = None;
    for state in states {
        let damaged = state.damaged.iter().filter(|place| may_be_meant(place));
        damaged_states.push(damaged.cloned().collect::<BTreeSet<_>>());
        let meant = state.records.iter().filter(|(_, session)| is_meant(session));
        let meant: BTreeMap<&str, SessionData> =
            meant.map(|(place, session)| (&**place, without_messages(session))).collect();
        for (place, session) in &meant {
            held.entry(place).or_default().insert(session.clone());
        }
        // Unchanged is a record whose messages are, too: but they are not
        // given, so that they don't show.
        throughout = Some(match throughout {
            None => meant,
            Some(before) => before
                .into_iter()
                .filter(|(place, session)| meant.get(place) == Some(session))
                .collect(),
        });
    }
    let throughout = throughout.unwrap_or_default();
    let (listed, named, is_list) = match seen {
        SessionsSeen::List { sessions, damaged } => (sessions.as_slice(), damaged.as_slice(), true),
        _ => (&[][..], &[][..], false),
    };
    let damage = listing::judge_damaged(damaged_states.iter(), named);
    if is_list
        && damage.is_ok()
        && listed.is_sorted_by(|a, b| newest_first(a) <= newest_first(b))
        && each_is_a_record_of_its_own(listed, &held, &throughout)
    {
        return Ok(());
    }
    let mut sessions: Vec<SessionData> = throughout.into_values().collect();
    sessions.sort_by(|a, b| newest_first(a).cmp(&newest_first(b)));
    let damaged = damage.err().unwrap_or_else(|| named.to_vec());
    Err(Broken {
        expected: Box::new(SessionsSeen::List { sessions, damaged }),
        rule: "lists give each session that was there unchanged exactly once, newest updated_at first, then by id, name what is damaged and may be one, and give nothing that was not there",
    })
}

fn newest_first(session: &SessionData) -> (Reverse<&Option<InstantText>>, &str) {
    (Reverse(&session.updated_at), &session.id.0)
}

/// Whether every listed session is the value of another record, and those that
/// did not change are among them.
fn each_is_a_record_of_its_own(
    listed: &[SessionData],
    held: &BTreeMap<&str, BTreeSet<SessionData>>,
    throughout: &BTreeMap<&str, SessionData>,
) -> bool {
    // Only older data has records that may be taken for each other: those of
    // one id and user, at both of their places.
    let mut free: BTreeSet<&str> = held.keys().copied().collect();
    for session in listed {
        let had = |place: &&&str| held.get(**place).is_some_and(|all| all.contains(session));
        // One that did not change stands for this very value.
        let fixed = |place: &&&str| throughout.get(**place) == Some(session);
        let candidates = || free.iter().filter(had);
        let place = candidates()
            .find(fixed)
            .or_else(|| candidates().find(|place| !throughout.contains_key(**place)));
        let Some(place) = place.copied() else { return false };
        free.remove(place);
    }
    throughout.keys().all(|place| !free.contains(place))
}
