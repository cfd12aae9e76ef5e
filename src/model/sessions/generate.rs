//! Making calls of the sessions store, and sessions of older software, from
//! bytes.

use std::sync::Arc;

use arbitrary::Result;

use super::operation::{MessageData, SessionData, SessionsOp, Wanted};
use crate::{
    model::{
        legacy::{
            LegacyDocument, legacy_ids, modified, object_text, offset_text, perhaps_damaged,
            plain_id,
        },
        members::{generate_unknown, quoted},
        source::{RawId, Source},
    },
    store::instant_text::InstantText,
};

/// How often each operation comes, in the order of
/// [`OPERATIONS`](super::operation::OPERATIONS).
const WEIGHTS: &[u8] = &[24, 6, 7, 5, 6, 8, 10, 7, 4];

/// Few, so that sessions have the same user.
const USERS: &[&str] = &["u", "u", "u", "v", "u", "u", "u", "ユーザー"];

/// What can't be a user's id.
const NO_USERS: &[&str] = &["", "u/v", "\\", "..", "u\0"];

/// Whose sessions older software left.
pub(super) const LEGACY_USERS: &[&str] = &["u", "u", "v", "ユーザー"];

/// One call.
pub(super) fn operation(source: &mut Source<'_, '_>) -> Result<SessionsOp> {
    Ok(match source.operation(WEIGHTS)? {
        0 => SessionsOp::Create(session(source)?),
        1 => SessionsOp::Get(wanted(source)?),
        2 => SessionsOp::List { user_id: user(source)? },
        3 => SessionsOp::ListSub { parent_id: source.id()? },
        4 => SessionsOp::Update { session: session(source)?, user_id: owner(source)? },
        5 => SessionsOp::Delete(wanted(source)?),
        6 => SessionsOp::AddMessage { to: wanted(source)?, message: message(source)? },
        7 => SessionsOp::Messages(wanted(source)?),
        _ => SessionsOp::LatestSequenceId(wanted(source)?),
    })
}

fn text(source: &mut Source<'_, '_>, texts: &[&str]) -> Result<Arc<str>> {
    Ok(Arc::from(*source.choose(texts)?))
}

fn user(source: &mut Source<'_, '_>) -> Result<Arc<str>> {
    if source.ratio(1, 20)? {
        return text(source, NO_USERS);
    }
    text(source, USERS)
}

fn owner(source: &mut Source<'_, '_>) -> Result<Option<Arc<str>>> {
    Ok(if source.ratio(1, 3)? { Some(user(source)?) } else { None })
}

fn wanted(source: &mut Source<'_, '_>) -> Result<Wanted> {
    Ok(Wanted { id: source.id()?, user_id: owner(source)? })
}

fn session(source: &mut Source<'_, '_>) -> Result<SessionData> {
    let mut session = SessionData::new(source.id()?, user(source)?);
    if source.ratio(1, 2)? {
        session.created_at = instant(source)?;
        session.updated_at = instant(source)?;
    }
    if source.ratio(1, 3)? {
        let parent = source.id()?;
        session.parent_session_id =
            Some(if source.ratio(1, 16)? { Arc::default() } else { parent.0 });
    }
    if source.ratio(1, 3)? {
        session.title = Some(text(source, &["t", "<b>&\u{2028}", ""])?);
    }
    if source.ratio(1, 6)? {
        session.dag_name = Some(text(source, &["d", ""])?);
        session.model = Some(text(source, &["m", ""])?);
        session.delegate_task = Some(text(source, &["check <logs>", ""])?);
    }
    if source.ratio(1, 6)? {
        for _ in 0..=source.below(2)? {
            session.messages.push(message(source)?);
        }
    }
    session.unknown = generate_unknown(source)?;
    Ok(session)
}

fn instant(source: &mut Source<'_, '_>) -> Result<Option<InstantText>> {
    Ok(InstantText::parse(&offset_text(source.instant()?)))
}

fn message(source: &mut Source<'_, '_>) -> Result<MessageData> {
    let kinds = ["user", "user", "assistant", "user", "error", "ui_action", "user_prompt", ""];
    let mut message = MessageData {
        kind: text(source, &kinds)?,
        sequence_id: *source.choose(&[1, 2, 3, 1, 0, 2, -1, i64::MAX])?,
        ..MessageData::default()
    };
    if source.ratio(3, 4)? {
        message.content = Some(match source.below(8)? {
            0 => Arc::default(),
            1 => Arc::from("é".repeat(50)),
            2 => Arc::from("é".repeat(46) + "🙂" + &"あ".repeat(4)),
            3 => Arc::from("x".repeat(80)),
            _ => text(source, &["hi", "<b>&\u{2028}\"", "]"])?,
        });
    }
    if source.ratio(1, 6)? {
        let value = text(source, &["0.00123", "{\"content\":\"]\"}", "null", "\"m1\""])?;
        message.unknown.insert(text(source, &["id", "cost", "llm_data"])?, value);
    }
    Ok(message)
}

/// Sessions as older software left them: in a directory for each user, or,
/// between, flat; now and then one id twice, and now and then damaged.
pub(super) fn legacy(source: &mut Source<'_, '_>) -> Result<Vec<LegacyDocument>> {
    let mut documents: Vec<LegacyDocument> = Vec::new();
    for id in legacy_ids(source)? {
        if !is_legal(&id) {
            continue;
        }
        for _ in 0..=usize::from(source.ratio(1, 4)?) {
            let mut made = document(source, &id, false)?;
            made.text = perhaps_damaged(source, &made.id, made.text)?;
            if documents.iter().all(|other| other.id != made.id) {
                documents.push(made);
            }
        }
    }
    Ok(documents)
}

/// A session as older software writes it while we run.
pub(super) fn legacy_write(source: &mut Source<'_, '_>) -> Result<LegacyDocument> {
    let id = plain_id(source)?.0;
    document(source, if is_legal(&id) { &id } else { "a" }, true)
}

/// Without what no session's id holds.
fn is_legal(id: &str) -> bool {
    !id.contains(['/', '\\']) && !id.contains("..")
}

/// `timed`: with its times inside.
fn document(source: &mut Source<'_, '_>, id: &str, timed: bool) -> Result<LegacyDocument> {
    let mut session = session(source)?;
    session.id = RawId(Arc::from(id));
    session.user_id = text(source, LEGACY_USERS)?;
    if timed {
        // None is its own parent: a removal that looks for sub-sessions after
        // older software wrote it, and for the session before, takes both.
        session.parent_session_id.take_if(|parent| **parent == *id);
        session.created_at = instant(source)?;
        session.updated_at = instant(source)?;
    }
    let is_flat = source.ratio(1, 3)?;
    let place = if is_flat { id.to_owned() } else { format!("{}/{id}", session.user_id) };
    let mut members = session_members(&session);
    members.extend(legacy_messages(source, &session)?);
    members
        .extend(session.unknown.iter().map(|(name, value)| format!("{}: {value}", quoted(name))));
    let text = object_text(source, &members)?;
    Ok(LegacyDocument { id: place, text, modified: modified(source)? })
}

/// The `messages` of older software: `null` where there are none, by one that
/// knew none not at all.
fn legacy_messages(source: &mut Source<'_, '_>, session: &SessionData) -> Result<Option<String>> {
    if session.messages.is_empty() {
        return Ok(match source.below(3)? {
            0 => None,
            1 => Some("\"messages\": null".to_owned()),
            _ => Some("\"messages\": []".to_owned()),
        });
    }
    let mut messages = Vec::new();
    for message in &session.messages {
        messages.push(object_text(source, &message.members())?);
    }
    let separator = *source.choose(&[",", ",\n    ", " , "])?;
    Ok(Some(format!("\"messages\": [\n{}\n  ]", messages.join(separator))))
}

/// The members of a session's JSON object before its messages, as older
/// software ordered them.
fn session_members(session: &SessionData) -> Vec<String> {
    let instant = |at: &Option<InstantText>| at.as_ref().map(|at| Arc::from(at.as_str()));
    let members = [
        ("id", Some(Arc::clone(&session.id.0))),
        ("user_id", Some(Arc::clone(&session.user_id))),
        ("dag_name", session.dag_name.clone()),
        ("title", session.title.clone()),
        ("model", session.model.clone()),
        ("created_at", instant(&session.created_at)),
        ("updated_at", instant(&session.updated_at)),
        ("parent_session_id", session.parent_session_id.clone()),
        ("delegate_task", session.delegate_task.clone()),
    ];
    let given = members.into_iter().filter_map(|(name, text)| Some((name, text?)));
    given.map(|(name, text)| format!("{}: {}", quoted(name), quoted(&text))).collect()
}
