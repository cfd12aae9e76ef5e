//! The contract of the sessions store: what every call must return, and what it
//! leaves. Sentences in quotation marks are the contract's.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    lists::judge_list,
    operation::{MessageData, SessionData, SessionsOp, Wanted},
    outcome::{SessionsFailure, SessionsProblem, SessionsSeen},
};
use crate::{
    model::{
        failure::Failure,
        subject::{Broken, Moment, Overlap},
    },
    store::error::Kind,
};

/// The state of the sessions store: the sessions with both their instants, by
/// the ids of their records. "The record id is `<user_id>/<session_id>`"; older
/// data may have them "flat at `<session_id>`".
///
/// Of what is damaged nothing is known but the record's id. (No generator makes
/// a record that only the store finds to be no session.)
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SessionsModel {
    /// The sessions.
    pub records: BTreeMap<Arc<str>, SessionData>,
    /// The records that can't be read.
    pub damaged: BTreeSet<Arc<str>>,
}

pub(super) type Verdict = Result<(), Broken<SessionsSeen>>;

/// An error that a call must return, and the rule that says so.
pub(super) struct Refusal {
    problem: SessionsProblem,
    rule: &'static str,
}

/// How many top-level sessions a user may have in a variant of the store; 0:
/// "0 is none".
pub(super) fn limit(variant: u8) -> usize {
    usize::from(variant)
}

/// Creation under a limit removes afterwards what is too many.
pub(super) fn stages(op: &SessionsOp, variant: u8) -> usize {
    // "The limit is enforced by creating a top-level session."
    let trims = matches!(op, SessionsOp::Create(session) if session.is_top_level());
    if trims && limit(variant) > 0 { 2 } else { 1 }
}

/// Judges what a call returned, and brings the model to the state after it.
pub(super) fn step(
    model: &mut SessionsModel,
    op: &SessionsOp,
    seen: &SessionsSeen,
    moment: &Moment<'_>,
) -> Verdict {
    step_stage(0, model, op, seen, moment)?;
    let further = if *seen == SessionsSeen::Done { stages(op, moment.variant) } else { 1 };
    (1..further).try_for_each(|stage| step_stage(stage, model, op, seen, moment))
}

/// Judges one stage.
pub(super) fn step_stage(
    stage: usize,
    model: &mut SessionsModel,
    op: &SessionsOp,
    seen: &SessionsSeen,
    moment: &Moment<'_>,
) -> Verdict {
    match op {
        SessionsOp::Get(wanted) => match existing(model, wanted) {
            Ok((_, session)) => {
                let rule = "get gives the session as it was last written, without its messages";
                gives(seen, SessionsSeen::Session(Box::new(without_messages(session))), rule)
            }
            Err(refusal) => refuse(seen, &refusal),
        },
        SessionsOp::Messages(wanted) => match existing(model, wanted) {
            Ok((_, session)) => {
                let rule = "messages are by sequence_id, ties in order of arrival";
                gives(seen, SessionsSeen::Messages(in_order(&session.messages)), rule)
            }
            Err(refusal) => refuse(seen, &refusal),
        },
        SessionsOp::LatestSequenceId(wanted) => match existing(model, wanted) {
            Ok((_, session)) => {
                let all = session.messages.iter().map(|message| message.sequence_id);
                let rule = "the highest sequence_id, 0 without messages";
                gives(seen, SessionsSeen::SequenceId(all.max().unwrap_or(0)), rule)
            }
            Err(refusal) => refuse(seen, &refusal),
        },
        SessionsOp::List { .. } | SessionsOp::ListSub { .. } => {
            judge_list(&mut std::iter::once(&*model), op, seen)
        }
        SessionsOp::Create(_)
        | SessionsOp::Update { .. }
        | SessionsOp::Delete(_)
        | SessionsOp::AddMessage { .. } => match apply(stage, model, op, moment) {
            Err(refusal) => refuse(seen, &refusal),
            Ok(()) => gives(seen, SessionsSeen::Done, "nothing stands in the way of this call"),
        },
    }
}

/// All the states that a call may leave which was cut short or not.
pub(super) fn outcomes_unseen(
    model: &SessionsModel,
    op: &SessionsOp,
    moment: &Moment<'_>,
) -> Vec<SessionsModel> {
    let mut reached = Vec::new();
    let mut begun = vec![model.clone()];
    for stage in 0..stages(op, moment.variant) {
        // Every state in which the stage may be cut short, and what it leaves
        // when it is not.
        let mut place = 0;
        while let Some(state) = begun.get(place).cloned() {
            for next in partial_steps(stage, &state, op, moment) {
                if !begun.contains(&next) {
                    begun.push(next);
                }
            }
            place += 1;
        }
        let ended = begun.iter().flat_map(|state| stage_unseen(stage, state, op, moment)).collect();
        reached.append(&mut begun);
        begun = ended;
    }
    reached.append(&mut begun);
    let mut distinct = Vec::new();
    for state in reached {
        if state != *model && !distinct.contains(&state) {
            distinct.push(state);
        }
    }
    distinct
}

/// What a stage leaves that comes to its end.
pub(super) fn stage_unseen(
    stage: usize,
    model: &SessionsModel,
    op: &SessionsOp,
    moment: &Moment<'_>,
) -> Vec<SessionsModel> {
    let mut after = model.clone();
    match apply(stage, &mut after, op, moment) {
        Ok(()) => vec![after],
        Err(_) => Vec::new(),
    }
}

/// "The removal of a user's oldest sessions, the cascade of a session's delete:
/// children first, so that a crash leaves the parent" are not one moment's:
/// each session may go at a moment of its own.
pub(super) fn partial_steps(
    stage: usize,
    model: &SessionsModel,
    op: &SessionsOp,
    moment: &Moment<'_>,
) -> Vec<SessionsModel> {
    let mut states = Vec::new();
    let mut without = |place: &Arc<str>| {
        let mut after = model.clone();
        after.records.remove(place);
        states.push(after);
    };
    match op {
        SessionsOp::Delete(wanted) => {
            if existing(model, wanted).is_err() {
                return states;
            }
            let mut going = BTreeSet::new();
            for root in roots(model, wanted, moment) {
                let below = sub_sessions(model, root, |_| false).into_iter();
                let below = below.filter(|place| *place != root);
                going.extend(below.filter(|place| is_next_to_go(model, place, root, moment)));
            }
            going.into_iter().for_each(without);
        }
        SessionsOp::Create(session) if stage == 1 => {
            let own = place_of(session);
            if !model.records.contains_key(&*own) {
                return states;
            }
            let others = others_by_age(model, session);
            // What another call removes meanwhile may have been counted.
            let excess = if touches(moment, REMOVAL) {
                others.len()
            } else {
                (others.len() + 1).saturating_sub(limit(moment.variant))
            };
            for root in others.into_iter().take(excess) {
                for place in sub_sessions(model, root, |_| false) {
                    if is_next_to_go(model, place, root, moment) {
                        without(place);
                    }
                }
            }
        }
        _ => {}
    }
    states
}

/// Whether a session below `root`, or that itself, may go: "children first", as
/// far as they were there all the time. In a circle there is no first.
fn is_next_to_go(
    model: &SessionsModel,
    place: &Arc<str>,
    root: &Arc<str>,
    moment: &Moment<'_>,
) -> bool {
    children(model, place).all(|child| {
        child == root
            || child == place
            || touches(moment, child)
            || sub_sessions(model, child, |_| false).contains(place)
    })
}

/// What `Overlap` is told of a call that removes sessions, and of one that only
/// changes some: these texts are nobody's record ids.
pub(super) const REMOVAL: &str = "..";
pub(super) const CHANGE: &str = "../..";

/// Whether an overlapping call may create this record.
fn touches(moment: &Moment<'_>, place: &str) -> bool {
    match moment.overlap {
        Overlap::Ids(ids) => ids.binary_search_by(|id| id.as_str().cmp(place)).is_ok(),
        Overlap::Any => true,
    }
}

/// Brings the model to the state after a stage, or says why the call is
/// refused. "Input is judged before state."
fn apply(
    stage: usize,
    model: &mut SessionsModel,
    op: &SessionsOp,
    moment: &Moment<'_>,
) -> Result<(), Refusal> {
    match op {
        SessionsOp::Create(given) if stage == 0 => create(model, given, moment),
        SessionsOp::Create(given) => {
            trim(model, given, moment);
            Ok(())
        }
        SessionsOp::Update { session: given, user_id } => {
            // "Its `user_id` is ignored."
            let wanted = Wanted { id: given.id.clone(), user_id: user_id.clone() };
            let session = existing_mut(model, &wanted)?;
            // "`update` changes title and `updated_at` only"; "an update
            // without title removes it".
            session.title = given.title.clone();
            // "`updated_at` on update: the caller's, even an earlier one; none
            // given: the stored one."
            if given.updated_at.is_some() {
                session.updated_at = given.updated_at.clone();
            }
            Ok(())
        }
        SessionsOp::Delete(wanted) => match existing(model, wanted) {
            Ok((root, _)) => {
                let root = Arc::clone(root);
                remove(model, &root, moment);
                Ok(())
            }
            // "`delete` quarantine[s] its bytes first": where the user is named.
            // Otherwise nobody can tell whose it is.
            Err(refusal) => match damaged(model, wanted).cloned() {
                Some(place) if wanted.user_id.is_some() && refusal.problem == CORRUPT.problem => {
                    model.damaged.remove(&place);
                    Ok(())
                }
                _ => Err(refusal),
            },
        },
        SessionsOp::AddMessage { to, message } => {
            let session = existing_mut(model, to)?;
            // "`add_message` appends, sets `updated_at` to now, and sets an
            // empty title from the first user message"; "a title comes from any
            // user message with content while the title is empty".
            let is_empty = |text: &Option<Arc<str>>| text.as_deref().is_none_or(str::is_empty);
            if is_empty(&session.title) && &*message.kind == "user" && !is_empty(&message.content) {
                session.title = message.content.as_deref().map(title);
            }
            session.messages.push(message.clone());
            session.updated_at = Some(moment.now.into());
            Ok(())
        }
        _ => Ok(()),
    }
}

fn create(
    model: &mut SessionsModel,
    given: &SessionData,
    moment: &Moment<'_>,
) -> Result<(), Refusal> {
    legal(&given.id.0, INVALID_SESSION_ID)?;
    legal(&given.user_id, INVALID_USER_ID)?;
    // A record id has "at most 1 024 bytes".
    let place = place_of(given);
    if place.len() > 1_024 {
        return Err(INVALID_SESSION_ID);
    }
    // "To `create` it is there", what can't be read; whose id it had is not
    // known, so that it holds no other.
    if model.damaged.contains(&place) {
        return Err(ID_TAKEN);
    }
    // "Unique: id."
    if model.records.values().any(|other| other.id == given.id) {
        return Err(ID_TAKEN);
    }
    let mut session = given.clone();
    // "Missing `created_at` at creation: now."
    session.created_at.get_or_insert_with(|| moment.now.into());
    session.updated_at.get_or_insert_with(|| moment.now.into());
    model.records.insert(place, session);
    Ok(())
}

/// "With a limit per user, creating one too many removes the user's oldest
/// top-level sessions with their sub-sessions, never the one just created, and
/// never because of another user."
///
/// What others create meanwhile need not count, and need not go.
fn trim(model: &mut SessionsModel, own: &SessionData, moment: &Moment<'_>) {
    if !model.records.contains_key(&place_of(own)) {
        return;
    }
    let others: Vec<Arc<str>> = others_by_age(model, own)
        .into_iter()
        .filter(|place| !touches(moment, place))
        .cloned()
        .collect();
    let excess = (others.len() + 1).saturating_sub(limit(moment.variant));
    for place in others.iter().take(excess) {
        remove(model, place, moment);
    }
}

/// The other top-level sessions of a session's user, "oldest by
/// (`created_at`, id)".
fn others_by_age<'a>(model: &'a SessionsModel, own: &SessionData) -> Vec<&'a Arc<str>> {
    let own_place = place_of(own);
    let mut others: Vec<_> = model
        .records
        .iter()
        .filter(|(place, session)| {
            session.user_id == own.user_id && session.is_top_level() && **place != own_place
        })
        .collect();
    others.sort_by(|(_, a), (_, b)| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
    others.into_iter().map(|(place, _)| place).collect()
}

/// "Descendants are removed at every depth, whoever owns them." Those that are
/// created meanwhile need not be.
fn remove(model: &mut SessionsModel, root: &Arc<str>, moment: &Moment<'_>) {
    let gone = sub_sessions(model, root, |place| touches(moment, place));
    let gone: Vec<Arc<str>> = gone.into_iter().cloned().collect();
    for place in gone {
        model.records.remove(&place);
    }
}

/// A session and all below it, but for what `is_passed_over` says, and for what
/// is only below such.
fn sub_sessions<'a>(
    model: &'a SessionsModel,
    root: &'a Arc<str>,
    is_passed_over: impl Fn(&str) -> bool,
) -> BTreeSet<&'a Arc<str>> {
    let mut all = BTreeSet::from([root]);
    let mut ahead = vec![root];
    while let Some(place) = ahead.pop() {
        for child in children(model, place).filter(|child| !is_passed_over(child)) {
            if all.insert(child) {
                ahead.push(child);
            }
        }
    }
    all
}

fn children<'a>(
    model: &'a SessionsModel,
    place: &Arc<str>,
) -> impl Iterator<Item = &'a Arc<str>> + use<'a> {
    let id = model.records.get(place).map(|session| session.id.clone());
    let is_child = move |session: &SessionData| {
        id.as_ref().is_some_and(|id| session.parent_session_id.as_ref() == Some(&id.0))
    };
    model.records.iter().filter(move |(_, session)| is_child(session)).map(|(place, _)| place)
}

/// The session that a call is about. "Operations by bare id take the one with
/// the smallest (`created_at`, user id), and all take an optional `user_id`";
/// "with one that is not the owner: `not_found`".
fn existing<'a>(
    model: &'a SessionsModel,
    wanted: &Wanted,
) -> Result<(&'a Arc<str>, &'a SessionData), Refusal> {
    legal(&wanted.id.0, INVALID_SESSION_ID)?;
    if let Some(user_id) = &wanted.user_id {
        legal(user_id, INVALID_USER_ID)?;
    }
    candidates(model, wanted)
        .min_by_key(|(place, session)| (&session.created_at, &session.user_id, *place))
        .ok_or_else(|| match damaged(model, wanted) {
            None => NO_SUCH_SESSION,
            // "A stored record that can't be read is `Corrupt`."
            Some(_) => CORRUPT,
        })
}

fn candidates<'a>(
    model: &'a SessionsModel,
    wanted: &Wanted,
) -> impl Iterator<Item = (&'a Arc<str>, &'a SessionData)> {
    model.records.iter().filter(|(_, session)| {
        let is_users = |user_id: &Arc<str>| session.user_id == *user_id;
        session.id == wanted.id && wanted.user_id.as_ref().is_none_or(is_users)
    })
}

/// The sessions that a removal may be about which found its own a while ago: the
/// first one, and while such may have come since, the next.
fn roots<'a>(model: &'a SessionsModel, wanted: &Wanted, moment: &Moment<'_>) -> Vec<&'a Arc<str>> {
    let mut all: Vec<_> = candidates(model, wanted).collect();
    all.sort_by_key(|(place, session)| (&session.created_at, &session.user_id, *place));
    let old = all.iter().position(|(place, _)| !touches(moment, place));
    all.into_iter().take(old.map_or(usize::MAX, |old| old + 1)).map(|(place, _)| place).collect()
}

/// The first damaged record that may be the session, by its place alone.
fn damaged<'a>(model: &'a SessionsModel, wanted: &Wanted) -> Option<&'a Arc<str>> {
    model.damaged.iter().find(|place| match place.split_once('/') {
        None => ***place == *wanted.id.0,
        Some((owner, id)) => {
            *id == *wanted.id.0 && wanted.user_id.as_ref().is_none_or(|user_id| *owner == **user_id)
        }
    })
}

fn existing_mut<'a>(
    model: &'a mut SessionsModel,
    wanted: &Wanted,
) -> Result<&'a mut SessionData, Refusal> {
    let place = Arc::clone(existing(model, wanted)?.0);
    model.records.get_mut(&place).ok_or(NO_SUCH_SESSION)
}

/// "The record id is `<user_id>/<session_id>`."
fn place_of(session: &SessionData) -> Arc<str> {
    Arc::from(format!("{}/{}", session.user_id, session.id.0))
}

/// "`session.get`, `.list` and `.list_sub` give sessions without `messages`."
pub(super) fn without_messages(session: &SessionData) -> SessionData {
    SessionData { messages: Vec::new(), ..session.clone() }
}

/// "`messages` are by `sequence_id`, ties in order of arrival."
fn in_order(messages: &[MessageData]) -> Vec<MessageData> {
    let mut ordered: Vec<(i64, usize)> = messages
        .iter()
        .enumerate()
        .map(|(arrival, message)| (message.sequence_id, arrival))
        .collect();
    ordered.sort_unstable();
    ordered.into_iter().filter_map(|(_, arrival)| messages.get(arrival).cloned()).collect()
}

/// "At most 50 characters; longer ones are cut to 47 and `...`"; "characters
/// are Unicode scalar values".
fn title(content: &str) -> Arc<str> {
    let characters: Vec<char> = content.chars().collect();
    match characters.get(..47) {
        Some(head) if characters.len() > 50 => {
            Arc::from(format!("{}...", head.iter().collect::<String>()))
        }
        _ => Arc::from(content),
    }
}

/// "Ids and user ids hold no `/`, `\` or `..`", and are record ids: "a
/// non-empty UTF-8 string without NUL, at most 1 024 bytes".
pub(super) fn legal(id: &str, refusal: Refusal) -> Result<(), Refusal> {
    let forbidden = id.contains("..") || id.bytes().any(|byte| matches!(byte, b'/' | b'\\' | 0));
    if id.is_empty() || id.len() > 1_024 || forbidden { Err(refusal) } else { Ok(()) }
}

fn gives(seen: &SessionsSeen, expected: SessionsSeen, rule: &'static str) -> Verdict {
    if *seen == expected { Ok(()) } else { Err(Broken { expected: Box::new(expected), rule }) }
}

pub(super) fn refuse(seen: &SessionsSeen, refusal: &Refusal) -> Verdict {
    if let SessionsSeen::Failed(SessionsFailure { problem, unknown: false, .. }) = seen
        && *problem == refusal.problem
    {
        return Ok(());
    }
    let expected = Box::new(SessionsSeen::Failed(Failure::refused(refusal.problem)));
    Err(Broken { expected, rule: refusal.rule })
}

pub(super) const INVALID_SESSION_ID: Refusal = Refusal {
    problem: SessionsProblem::InvalidSessionId,
    rule: "a session's id holds no /, \\ or .., and fits a record id; that is judged first",
};
pub(super) const INVALID_USER_ID: Refusal = Refusal {
    problem: SessionsProblem::InvalidUserId,
    rule: "a user's id holds no /, \\ or .., and is a record id; that is judged before state",
};
const ID_TAKEN: Refusal = Refusal {
    problem: SessionsProblem::SessionAlreadyExists,
    rule: "one id has one session, whoever's it is",
};
const CORRUPT: Refusal = Refusal {
    problem: SessionsProblem::Storage(Kind::Corrupt),
    rule: "there is only a record that can't be read and may be this session",
};
const NO_SUCH_SESSION: Refusal = Refusal {
    problem: SessionsProblem::SessionNotFound,
    rule: "there is no such session, or none of that user",
};
