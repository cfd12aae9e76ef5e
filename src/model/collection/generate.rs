//! Making calls of a collection from bytes.

use std::sync::Arc;

use arbitrary::Result;

use super::operation::{
    ActionInput, CollectionOp, ConditionInput, CursorInput, ListInput, RecordInput, SelectionInput,
    WriteInput,
};
use crate::{
    model::{
        legacy::{
            DAMAGED, LegacyDocument, legacy_ids, modified, object_text, offset_text,
            perhaps_damaged, plain_levels,
        },
        payload::{self, PayloadInput},
        source::{Aim, Source},
    },
    seam::Encoding,
};

/// How often each operation comes, in the order of
/// [`OPERATIONS`](super::operation::OPERATIONS).
const WEIGHTS: &[u8] = &[10, 14, 10, 6, 14, 5, 5, 6, 8, 3, 5, 9, 3, 3];

/// The same where a case is about commits.
const WEIGHTS_OF_COMMITS: &[u8] = &[1, 4, 1, 5, 1, 1, 1, 0, 1, 0, 0, 15, 0, 0];

/// The same where it is about a race for a record.
const WEIGHTS_OF_ONE_RECORD: &[u8] = &[1, 10, 2, 2, 14, 6, 5, 1, 1, 1, 4, 8, 0, 1];

/// The same where it is about a race for a name.
const WEIGHTS_OF_ONE_NAME: &[u8] = &[1, 18, 6, 5, 6, 3, 4, 2, 1, 1, 2, 6, 0, 1];

/// The same where there is to be something: puts.
const WEIGHTS_OF_FILLING: &[u8] = &[0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// One call.
pub(super) fn operation(source: &mut Source<'_, '_>) -> Result<CollectionOp> {
    let weights = match source.focus().aim {
        Aim::Anything => WEIGHTS,
        Aim::Commits => WEIGHTS_OF_COMMITS,
        Aim::OneRecord => WEIGHTS_OF_ONE_RECORD,
        Aim::OneName => WEIGHTS_OF_ONE_NAME,
        Aim::Filling => WEIGHTS_OF_FILLING,
    };
    Ok(match source.operation(weights)? {
        0 => CollectionOp::Get { id: source.id()? },
        1 => CollectionOp::Put(record(source)?),
        2 => CollectionOp::Create(record(source)?),
        3 => CollectionOp::Delete { id: source.id()? },
        4 => CollectionOp::CompareAndSwap {
            id: source.id()?,
            expected: payload::hot(source)?,
            next: payload::generate(source)?,
        },
        5 => CollectionOp::CompareAndDelete { id: source.id()?, expected: payload::hot(source)? },
        6 => CollectionOp::Update { id: source.id()?, data: payload::generate(source)? },
        7 => find(source)?,
        8 => CollectionOp::List(list(source)?),
        9 => CollectionOp::Count(selection(source)?),
        10 => CollectionOp::Claim(selection(source)?),
        11 if source.focus().aim == Aim::Commits => commit_of_several(source)?,
        11 => {
            let mut writes = Vec::new();
            // More writes than records would hardly ever be a commit.
            let most = source.focus().ids.len().min(3);
            for _ in 0..=source.below(most)? {
                writes.push(write(source)?);
            }
            CollectionOp::Commit { writes }
        }
        12 => CollectionOp::PurgeExpired,
        _ => CollectionOp::Quarantine { id: source.id()?, expected: stored(source)? },
    })
}

/// Writes to some of the case's records, each once: most of them go through.
fn commit_of_several(source: &mut Source<'_, '_>) -> Result<CollectionOp> {
    let mut writes = Vec::new();
    for id in source.distinct_ids()? {
        let action = match source.below(3)? {
            0 => ActionInput::Delete(id),
            _ => ActionInput::Put(RecordInput { id, ..record(source)? }),
        };
        let when = match source.below(16)? {
            0 => ConditionInput::Present,
            _ => ConditionInput::Any,
        };
        writes.push(WriteInput { action, when });
    }
    Ok(CollectionOp::Commit { writes })
}

fn record(source: &mut Source<'_, '_>) -> Result<RecordInput> {
    let id = source.id()?;
    if source.focus().aim == Aim::Filling {
        let (data, encoding) = (payload::hot(source)?, Encoding::JSON);
        let (created_at, updated_at) = (source.instant()?, source.instant()?);
        return Ok(RecordInput { id, data, encoding, created_at, updated_at, expires_at: None });
    }
    let data = payload::generate(source)?;
    let encoding = match source.below(64)? {
        0 => Encoding::new(""),
        1 => Encoding::new("JSON"),
        2..10 => Encoding::PROTO3,
        _ => Encoding::JSON,
    };
    let created_at = source.instant()?;
    let updated_at = if source.ratio(3, 4)? { created_at } else { source.instant()? };
    let expires_at = if source.ratio(1, 5)? { Some(source.instant()?) } else { None };
    Ok(RecordInput { id, data, encoding, created_at, updated_at, expires_at })
}

fn write(source: &mut Source<'_, '_>) -> Result<WriteInput> {
    let action = match source.below(9)? {
        0..4 => ActionInput::Put(record(source)?),
        4 | 5 => ActionInput::Replace { id: source.id()?, data: payload::generate(source)? },
        6 | 7 => ActionInput::Delete(source.id()?),
        _ => ActionInput::Check(source.id()?),
    };
    let when = match source.below(16)? {
        0..6 => ConditionInput::Any,
        6..10 => ConditionInput::Absent,
        10..12 => ConditionInput::Present,
        12..15 => ConditionInput::Data(payload::hot(source)?),
        _ => ConditionInput::Stored(stored(source)?),
    };
    Ok(WriteInput { action, when })
}

/// Bytes that may be what is stored, damaged or not.
fn stored(source: &mut Source<'_, '_>) -> Result<PayloadInput> {
    if source.ratio(1, 4)? {
        return Ok(PayloadInput::new(source.choose(DAMAGED)?.as_bytes()));
    }
    payload::hot(source)
}

fn find(source: &mut Source<'_, '_>) -> Result<CollectionOp> {
    let text = |source: &mut Source<'_, '_>, texts: &[&str]| Ok(Arc::from(*source.choose(texts)?));
    Ok(match source.below(16)? {
        0..7 => CollectionOp::Find {
            key: Arc::from("name"),
            parts: vec![text(source, &["x", "x", "y", "z"])?],
        },
        7..14 => CollectionOp::Find {
            key: Arc::from("group"),
            parts: vec![text(source, &["g", "g", "h"])?, text(source, &["plain", "k"])?],
        },
        14 => CollectionOp::Find {
            key: text(source, &["name", "group", "names", ""])?,
            parts: vec![text(source, &["x", "g"])?; source.below(4)?],
        },
        _ => CollectionOp::Find {
            key: Arc::from("group"),
            parts: vec![text(source, &["", "g"])?, text(source, &["", "plain"])?],
        },
    })
}

fn list(source: &mut Source<'_, '_>) -> Result<ListInput> {
    let selection = selection(source)?;
    let cursor = match source.below(16)? {
        0..9 => CursorInput::None,
        9..15 => CursorInput::Next,
        _ => CursorInput::Text(Arc::from(*source.choose(&["", "x", "1.r.0.0", "2.d.YQ", "MQ=="])?)),
    };
    let limit = match source.below(16)? {
        0..6 => None,
        6..10 => Some(1),
        10..13 => Some(2),
        13 => Some(3),
        14 => Some(u32::MAX),
        _ => Some(0),
    };
    Ok(ListInput { selection, cursor, limit })
}

fn selection(source: &mut Source<'_, '_>) -> Result<SelectionInput> {
    let mut selection = SelectionInput::default();
    match source.below(16)? {
        0..11 => {}
        11..14 => {
            // Half a name: cut where a character ends.
            let id = source.id()?.0;
            let end = source.below(4)?;
            let end = id.char_indices().nth(end).map_or(id.len(), |(end, _)| end);
            selection.prefix = id.get(..end).unwrap_or_default().to_owned();
        }
        _ => {
            let prefixes =
                ["..", "../x/", "../collection2/", "../", "%", "_", "a", "a/", "\u{e9}", "."];
            selection.prefix = (*source.choose(&prefixes)?).to_owned();
        }
    }
    if source.ratio(1, 6)? {
        selection.since = Some(source.instant()?);
    }
    if source.ratio(1, 6)? {
        selection.until = Some(source.instant()?);
    }
    Ok(selection)
}

/// What older software may have left: payloads in files under raw ids.
pub(super) fn legacy(source: &mut Source<'_, '_>) -> Result<Vec<LegacyDocument>> {
    let mut documents = Vec::new();
    for id in legacy_ids(source)? {
        let text = legacy_text(source)?;
        let text = perhaps_damaged(source, &id, text)?;
        documents.push(LegacyDocument { id, text, modified: modified(source)? });
    }
    Ok(documents)
}

/// A payload as older software wrote it: with or without times of its own,
/// compact or indented by two spaces.
fn legacy_text(source: &mut Source<'_, '_>) -> Result<String> {
    let mut members = vec![match source.below(6)? {
        0 => r#""name": "x""#.to_owned(),
        1 => r#""name": "y", "group": "g""#.to_owned(),
        2 => r#""group": "g", "kind": "k""#.to_owned(),
        // Keys of its own that an envelope has too.
        3 => r#""id": "other", "encoding": "utf-8", "data": null, "more": 1"#.to_owned(),
        4 => r#""v": "<b>&\u2028", "n": 123456789012345678901234567890"#.to_owned(),
        _ => r#""n": 1"#.to_owned(),
    }];
    for name in ["created_at", "updated_at"] {
        match source.below(8)? {
            0..4 => members.push(format!(r#""{name}": "{}""#, offset_text(source.instant()?))),
            4 => members.push(format!(r#""{name}": "yesterday""#)),
            5 => members.push(format!(r#""{name}": 7"#)),
            _ => {}
        }
    }
    object_text(source, &members)
}

/// A payload as older software writes it while we run.
pub(super) fn legacy_write(source: &mut Source<'_, '_>) -> Result<LegacyDocument> {
    let id = plain_levels(source)?.0.to_string();
    let name = match source.below(3)? {
        0 => r#""name": "x""#,
        1 => r#""name": "y", "group": "g""#,
        _ => r#""n": 2"#,
    };
    let (created_at, updated_at) = (source.instant()?, source.instant()?);
    let times = [("created_at", created_at), ("updated_at", updated_at)];
    let times = times.map(|(name, at)| format!(r#""{name}": "{}""#, offset_text(at)));
    let members = [vec![name.to_owned()], times.to_vec()].concat();
    let text = object_text(source, &members)?;
    Ok(LegacyDocument { id, text, modified: modified(source)? })
}
