//! Making calls of the heartbeats store, and heartbeats of older software, from
//! bytes.

use std::sync::{Arc, LazyLock};

use arbitrary::Result;

use super::{
    operation::{HeartbeatData, HeartbeatsOp},
    place::{is_plain, older_name},
};
use crate::{
    model::{
        legacy::{
            self, LegacyDocument, in_the_way, is_raw_file_name, modified, object_text,
            perhaps_damaged, plain_id,
        },
        members::{Members, generate_unknown, object_of, quoted},
        source::{RawId, Source},
    },
    seam::Instant,
};

/// How often each operation comes, in the order of
/// [`OPERATIONS`](super::operation::OPERATIONS).
const WEIGHTS: &[u8] = &[18, 10, 6, 8];

/// One call.
pub(super) fn operation(source: &mut Source<'_, '_>) -> Result<HeartbeatsOp> {
    Ok(match source.operation(WEIGHTS)? {
        0 => HeartbeatsOp::Upsert(heartbeat(source)?),
        1 => HeartbeatsOp::Get { worker_id: worker_id(source)? },
        2 => HeartbeatsOp::List,
        _ => HeartbeatsOp::DeleteStale { before: before(source)? },
    })
}

/// Half of them near the heartbeats that there are.
fn before(source: &mut Source<'_, '_>) -> Result<Instant> {
    if source.ratio(1, 2)? {
        return source.instant();
    }
    let at = source.choose(TIMES)?;
    let (seconds, rest) = (at.div_euclid(1_000), at.rem_euclid(1_000));
    let nanoseconds = u32::try_from(rest).unwrap_or_default() * 1_000_000;
    Ok(Instant::new(seconds, nanoseconds).unwrap_or(Instant::UNIX_EPOCH))
}

/// Heartbeats around the time that clocks show; 0 is now.
const TIMES: &[i64] = &[
    1_767_225_600_000,
    1_767_225_600_000,
    1_767_225_600_001,
    1_767_225_599_999,
    1_767_225_601_000,
    0,
    0,
    -1,
    i64::MAX,
];

/// The case's ids, and at times one that is taken for a record of another
/// worker.
fn worker_id(source: &mut Source<'_, '_>) -> Result<RawId> {
    static LOOKALIKES: LazyLock<Vec<RawId>> = LazyLock::new(|| {
        let hash = older_name("a");
        let texts = [
            hash.clone(),
            hash.to_uppercase(),
            format!("id/{hash}"),
            format!("id/{}", older_name(&hash)),
            "id/a".to_owned(),
            "id/id/a".to_owned(),
            format!("id/{}", "x".repeat(1_021)),
        ];
        texts.iter().map(|text| RawId(Arc::from(&**text))).collect()
    });
    if source.ratio(1, 24)? { source.choose(&LOOKALIKES).cloned() } else { source.id() }
}

fn heartbeat(source: &mut Source<'_, '_>) -> Result<HeartbeatData> {
    let mut heartbeat = HeartbeatData::new(worker_id(source)?, *source.choose(TIMES)?);
    if source.ratio(1, 3)? {
        let labels = ["\"1\"", "\"a\\u003cb\"", "\"東京\""];
        heartbeat.labels = Some(members(source, &["zone", "gpu"], &labels)?);
    }
    if source.ratio(1, 3)? {
        let values = ["4", "123456789012345678901234567890", "[{\"dag_name\":\"etl\",\"x\":{}}]"];
        let names = ["total_pollers", "running_tasks", "of tomorrow"];
        heartbeat.stats = Some(members(source, &names, &values)?);
    }
    heartbeat.unknown = generate_unknown(source)?;
    Ok(heartbeat)
}

fn members(source: &mut Source<'_, '_>, names: &[&str], values: &[&str]) -> Result<Members> {
    let mut members = Members::new();
    for _ in 0..source.below(3)? {
        members.insert(Arc::from(*source.choose(names)?), Arc::from(*source.choose(values)?));
    }
    Ok(members)
}

/// Heartbeats as older software wrote them, under the hash of the worker's id;
/// at times there is one under the worker's own name as well, or instead.
pub(super) fn legacy(source: &mut Source<'_, '_>) -> Result<Vec<LegacyDocument>> {
    let mut documents: Vec<LegacyDocument> = Vec::new();
    for _ in 0..source.below(6)? {
        let worker_id = worker_id(source)?;
        if !worker_id.is_legal() {
            continue;
        }
        let older = older_name(&worker_id.0);
        let is_plain = is_plain(&worker_id.0);
        let names = match source.below(4)? {
            0 if is_plain => vec![worker_id.0.to_string()],
            1 if is_plain => vec![worker_id.0.to_string(), older],
            _ => vec![older],
        };
        for name in names {
            let is_free = documents.iter().all(|other| !in_the_way(&other.id, &name));
            if is_raw_file_name(&name) && is_free {
                let mut heartbeat = heartbeat(source)?;
                heartbeat.worker_id = worker_id.clone();
                let text = object_text(source, &json_members(&heartbeat))?;
                let text = perhaps_none(source, &name, &worker_id, text)?;
                documents.push(LegacyDocument { id: name, text, modified: modified(source)? });
            }
        }
    }
    Ok(documents)
}

/// At times a document that is no heartbeat of that worker, for one reason or
/// another.
fn perhaps_none(
    source: &mut Source<'_, '_>,
    name: &str,
    worker_id: &RawId,
    text: String,
) -> Result<String> {
    if !source.ratio(1, 16)? || !legacy::is_plain(name) {
        return perhaps_damaged(source, name, text);
    }
    let id = quoted(&worker_id.0);
    Ok(match source.below(3)? {
        0 => format!("{{\"workerId\":{id},\"lastHeartbeatAt\":\"now\"}}"),
        1 => format!("{{\"workerId\":{id},\"stats\":[]}}"),
        _ => "{\"workerId\":\"another\",\"lastHeartbeatAt\":1}".to_owned(),
    })
}

/// A heartbeat as older software writes it while we run.
pub(super) fn legacy_write(source: &mut Source<'_, '_>) -> Result<LegacyDocument> {
    let mut heartbeat = heartbeat(source)?;
    heartbeat.worker_id = plain_id(source)?;
    let text = object_text(source, &json_members(&heartbeat))?;
    let id = older_name(&heartbeat.worker_id.0);
    Ok(LegacyDocument { id, text, modified: modified(source)? })
}

/// The members of a heartbeat's JSON object, as older software ordered them.
fn json_members(heartbeat: &HeartbeatData) -> Vec<String> {
    let mut members = vec![format!("\"workerId\":{}", quoted(&heartbeat.worker_id.0))];
    for (name, value) in [("labels", &heartbeat.labels), ("stats", &heartbeat.stats)] {
        members.extend(value.as_ref().map(|value| format!("\"{name}\":{}", object_of(value))));
    }
    members.push(format!("\"lastHeartbeatAt\":{}", heartbeat.last_heartbeat_at));
    let unknown = heartbeat.unknown.iter();
    members.extend(unknown.map(|(name, value)| format!("{}:{value}", quoted(name))));
    members
}
