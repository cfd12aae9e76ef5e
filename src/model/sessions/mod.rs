//! The reference model of the sessions store.

mod execute;
mod generate;
mod lists;
mod operation;
mod outcome;
mod rules;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

pub use operation::{MessageData, SessionData, SessionsOp, Wanted};
pub use outcome::{SessionsFailure, SessionsProblem, SessionsSeen};
pub use rules::SessionsModel;
use serde_json::{Value, value::RawValue};

use super::{
    legacy::LegacyDocument,
    members::raw_members,
    source::{RawId, Source},
    subject::{Broken, Moment, Reach, Subject, Surroundings, Verdict},
};
use crate::{
    seam::{Collection, CollectionSpec, RecordId},
    store::{
        instant_text::InstantText,
        sessions::{SessionStore, Sessions},
    },
};

/// The sessions store under proof. Its variant is the limit per user; 0 is
/// none.
#[derive(Clone, Copy, Debug)]
pub struct SessionsSubject;

impl Subject for SessionsSubject {
    const NAME: &'static str = "sessions";
    const OPERATIONS: &'static [&'static str] = operation::OPERATIONS;
    const CLASSES: &'static [&'static str] = outcome::CLASSES;
    const VARIANTS: u8 = 3;

    fn required(reach: &Reach) -> Vec<(&'static str, &'static str)> {
        let damaged = if reach.damage { REQUIRED_OF_DAMAGED } else { &[] };
        [REQUIRED, damaged].concat()
    }

    type Op = SessionsOp;
    type Seen = SessionsSeen;
    type Model = SessionsModel;
    type Store = dyn Sessions;
    type Memory = ();

    fn spec() -> CollectionSpec {
        SessionStore::spec()
    }

    fn open(collection: Arc<dyn Collection>, surroundings: &Surroundings) -> Arc<Self::Store> {
        let store = SessionStore::new(collection, Arc::clone(&surroundings.clock));
        Arc::new(store.with_limit_per_user(rules::limit(surroundings.variant)))
    }

    fn generate(source: &mut Source<'_, '_>) -> arbitrary::Result<SessionsOp> {
        generate::operation(source)
    }

    fn generate_legacy(source: &mut Source<'_, '_>) -> arbitrary::Result<Vec<LegacyDocument>> {
        generate::legacy(source)
    }

    fn generate_legacy_write(source: &mut Source<'_, '_>) -> arbitrary::Result<LegacyDocument> {
        generate::legacy_write(source)
    }

    fn legacy_written(model: &mut SessionsModel, document: &LegacyDocument) {
        Self::legacy_removed(model, &document.id);
        let place = Arc::from(&*document.id);
        match legacy_session(document) {
            Some(session) => {
                model.records.insert(place, session);
            }
            None => {
                model.damaged.insert(place);
            }
        }
    }

    fn is_damage(document: &LegacyDocument) -> bool {
        legacy_session(document).is_none()
    }

    fn legacy_removed(model: &mut SessionsModel, id: &str) {
        model.records.remove(id);
        model.damaged.remove(id);
    }

    fn legacy_undone(model: &mut SessionsModel, earlier: &SessionsModel, id: &str) {
        Self::legacy_removed(model, id);
        let session = earlier.records.get_key_value(id);
        model.records.extend(session.map(|(place, session)| (Arc::clone(place), session.clone())));
        model.damaged.extend(earlier.damaged.get(id).cloned());
    }

    /// Any: what it takes the place of may be gone for whoever looks for it.
    fn legacy_touches(_id: &str, _text: Option<&str>) -> Option<RecordId> {
        None
    }

    async fn execute(store: &Self::Store, op: &mut SessionsOp, _memory: &mut ()) -> SessionsSeen {
        execute::execute(store, op).await
    }

    fn step(
        model: &mut SessionsModel,
        op: &SessionsOp,
        seen: &SessionsSeen,
        moment: &Moment<'_>,
    ) -> Result<(), Broken<SessionsSeen>> {
        rules::step(model, op, seen, moment)
    }

    fn outcomes_unseen(
        model: &SessionsModel,
        op: &SessionsOp,
        moment: &Moment<'_>,
    ) -> Vec<SessionsModel> {
        rules::outcomes_unseen(model, op, moment)
    }

    fn interval(op: &SessionsOp) -> bool {
        matches!(op, SessionsOp::List { .. } | SessionsOp::ListSub { .. })
    }

    fn judge_interval(
        states: &mut dyn Iterator<Item = &SessionsModel>,
        op: &SessionsOp,
        seen: &SessionsSeen,
        _moment: &Moment<'_>,
    ) -> Result<(), Broken<SessionsSeen>> {
        lists::judge_list(states, op, seen)
    }

    fn stages(op: &SessionsOp, variant: u8) -> usize {
        rules::stages(op, variant)
    }

    fn step_stage(
        stage: usize,
        model: &mut SessionsModel,
        op: &SessionsOp,
        seen: &SessionsSeen,
        moment: &Moment<'_>,
    ) -> Result<(), Broken<SessionsSeen>> {
        rules::step_stage(stage, model, op, seen, moment)
    }

    fn stage_unseen(
        stage: usize,
        model: &SessionsModel,
        op: &SessionsOp,
        moment: &Moment<'_>,
    ) -> Vec<SessionsModel> {
        rules::stage_unseen(stage, model, op, moment)
    }

    fn partial_steps(
        stage: usize,
        model: &SessionsModel,
        op: &SessionsOp,
        moment: &Moment<'_>,
    ) -> Vec<SessionsModel> {
        rules::partial_steps(stage, model, op, moment)
    }

    /// Creations by their record; of all else the rules only ask whether there
    /// is any.
    fn writes(op: &SessionsOp, seen: Option<&SessionsSeen>) -> Option<Vec<RecordId>> {
        let place = match op {
            SessionsOp::Create(session) => format!("{}/{}", session.user_id, session.id.0),
            SessionsOp::Delete(_) => rules::REMOVAL.to_owned(),
            SessionsOp::Update { .. } | SessionsOp::AddMessage { .. } => rules::CHANGE.to_owned(),
            _ => return Some(Vec::new()),
        };
        let is_refused = seen.is_some_and(Verdict::is_refusal);
        Some(RecordId::new(place).ok().filter(|_| !is_refused).into_iter().collect())
    }

    /// By the session's id, but for calls that may remove others, too.
    fn may_change(op: &SessionsOp, seen: Option<&SessionsSeen>, document: &LegacyDocument) -> bool {
        let is_of = |id: &RawId| document.id.rsplit('/').next() == Some(&id.0);
        let may_change = match op {
            SessionsOp::Create(session) => session.is_top_level() || is_of(&session.id),
            SessionsOp::Update { session, .. } => is_of(&session.id),
            SessionsOp::AddMessage { to, .. } => is_of(&to.id),
            SessionsOp::Delete(_) => true,
            _ => false,
        };
        may_change && !seen.is_some_and(Verdict::is_refusal)
    }

    fn observations<'a>(ops: impl Iterator<Item = &'a SessionsOp>) -> Vec<SessionsOp> {
        let (mut ids, mut parents) = (BTreeSet::new(), BTreeSet::new());
        let mut users: BTreeSet<Arc<str>> =
            generate::LEGACY_USERS.iter().map(|user_id| Arc::from(*user_id)).collect();
        for op in ops {
            match op {
                SessionsOp::Create(session) => {
                    ids.insert(&session.id);
                    users.insert(Arc::clone(&session.user_id));
                    parents.extend(session.parent_session_id.clone().map(RawId));
                }
                SessionsOp::Update { session, .. } => {
                    ids.insert(&session.id);
                }
                SessionsOp::Get(wanted)
                | SessionsOp::Delete(wanted)
                | SessionsOp::Messages(wanted)
                | SessionsOp::LatestSequenceId(wanted)
                | SessionsOp::AddMessage { to: wanted, .. } => {
                    ids.insert(&wanted.id);
                }
                SessionsOp::ListSub { parent_id } => {
                    parents.insert(parent_id.clone());
                }
                SessionsOp::List { .. } => {}
            }
        }
        let lists = users.into_iter().map(|user_id| SessionsOp::List { user_id });
        let lists_sub = parents.into_iter().map(|parent_id| SessionsOp::ListSub { parent_id });
        let messages = ids.into_iter().map(|id| Wanted { id: id.clone(), user_id: None });
        lists.chain(lists_sub).chain(messages.map(SessionsOp::Messages)).collect()
    }

    fn trial() -> Vec<SessionsOp> {
        let id = RawId(Arc::from("trial"));
        let wanted = Wanted { id: id.clone(), user_id: None };
        vec![
            SessionsOp::Create(SessionData::new(id, Arc::from("trial"))),
            SessionsOp::Get(wanted.clone()),
            SessionsOp::Delete(wanted),
        ]
    }
}

/// A session that older software left, read with a reader of the model's own;
/// none where the file is no session's, or another one's than its name says:
/// "right are `<user_id>/<id>` and `<id>`".
///
/// "`created_at`/`updated_at` from the payload where it has them, else the
/// file's modification time."
fn legacy_session(document: &LegacyDocument) -> Option<SessionData> {
    let mut members = raw_members(&document.text);
    let mut take = |name: &str| members.remove(name).and_then(|raw| string(&raw));
    let mut session = SessionData::new(RawId(take("id")?), take("user_id")?);
    let nested = format!("{}/{}", session.user_id, session.id.0);
    if document.id != nested && document.id != *session.id.0 {
        return None;
    }
    session.dag_name = take("dag_name");
    session.title = take("title");
    session.model = take("model");
    session.parent_session_id = take("parent_session_id");
    session.delegate_task = take("delegate_task");
    let mut instant = |name| {
        let given = take(name).and_then(|text| InstantText::parse(&text));
        Some(given.unwrap_or_else(|| document.modified.into()))
    };
    session.created_at = instant("created_at");
    session.updated_at = instant("updated_at");
    if let Some(messages) = members.remove("messages") {
        let messages: Option<Vec<Box<RawValue>>> = serde_json::from_str(&messages).ok()?;
        let messages = messages.unwrap_or_default();
        session.messages =
            messages.iter().map(|raw| legacy_message(raw.get())).collect::<Option<_>>()?;
    }
    session.unknown = members;
    Some(session)
}

fn legacy_message(text: &str) -> Option<MessageData> {
    let mut members = raw_members(text);
    Some(MessageData {
        kind: members.remove("type").and_then(|raw| string(&raw)).unwrap_or_default(),
        sequence_id: match members.remove("sequence_id") {
            Some(raw) => raw.parse().ok()?,
            None => 0,
        },
        content: members.remove("content").and_then(|raw| string(&raw)),
        unknown: members,
    })
}

fn string(text: &str) -> Option<Arc<str>> {
    match serde_json::from_str(text) {
        Ok(Value::String(text)) => Some(Arc::from(text)),
        _ => None,
    }
}

/// What every campaign must have reached.
const REQUIRED: &[(&str, &str)] = &[
    ("create", "done"),
    ("create", "invalid_session_id"),
    ("create", "invalid_user_id"),
    ("create", "session_already_exists"),
    ("get", "session"),
    ("get", "session_not_found"),
    ("get", "invalid_session_id"),
    ("get", "invalid_user_id"),
    ("list", "list"),
    ("list", "list_empty"),
    ("list", "invalid_user_id"),
    ("list_sub", "list"),
    ("list_sub", "list_empty"),
    ("list_sub", "invalid_session_id"),
    ("update", "done"),
    ("update", "session_not_found"),
    ("update", "invalid_session_id"),
    ("update", "invalid_user_id"),
    ("delete", "done"),
    ("delete", "session_not_found"),
    ("delete", "invalid_session_id"),
    ("delete", "invalid_user_id"),
    ("add_message", "done"),
    ("add_message", "session_not_found"),
    ("add_message", "invalid_session_id"),
    ("add_message", "invalid_user_id"),
    ("messages", "messages"),
    ("messages", "messages_none"),
    ("messages", "session_not_found"),
    ("messages", "invalid_session_id"),
    ("messages", "invalid_user_id"),
    ("latest_sequence_id", "sequence_id"),
    ("latest_sequence_id", "sequence_id_zero"),
    ("latest_sequence_id", "session_not_found"),
    ("latest_sequence_id", "invalid_session_id"),
    ("latest_sequence_id", "invalid_user_id"),
];

/// What a campaign on storage with damaged records must have reached besides.
const REQUIRED_OF_DAMAGED: &[(&str, &str)] = &[
    ("get", "corrupt"),
    ("delete", "corrupt"),
    ("list", "list_with_damage"),
    ("list_sub", "list_with_damage"),
    ("update", "corrupt"),
    ("add_message", "corrupt"),
    ("messages", "corrupt"),
    ("latest_sequence_id", "corrupt"),
];
