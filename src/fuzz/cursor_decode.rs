//! Cursors that clients send: `seam::Cursor`.
//!
//! An input is a cursor's text, unless its first byte is 0: then what follows chooses a
//! position.

use std::{cell::RefCell, sync::Arc};

use arbitrary::Unstructured;

use super::Check;
use crate::{
    backend::memory::MemoryBackend,
    fs::block_on,
    model::source::{INSTANTS, adversarial_ids},
    seam::{
        Backend, Collection, CollectionExt, CollectionSpec, Cursor, ErrorKind, Instant, ListQuery,
        Payload, Position, Record, RecordId,
    },
    sim::clock::SimClock,
};

/// What must hold of cursors.
pub(super) struct CursorDecode;

pub(super) static SOUND: CursorDecode = CursorDecode;

impl Check for CursorDecode {
    fn problem(&self, input: &[u8]) -> Option<String> {
        match input.split_first() {
            Some((0, choices)) => {
                let position = position(&mut Unstructured::new(choices)).ok().flatten()?;
                let cursor = Cursor::new(&position);
                if cursor.position().as_ref() != Some(&position) {
                    return Some(format!("{cursor:?} does not give back {position:?}"));
                }
                text_problem(cursor.as_str())
            }
            _ => text_problem(&String::from_utf8_lossy(input)),
        }
    }
}

fn position(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Option<Position>> {
    let at = if bytes.ratio(1_u8, 2)? {
        *bytes.choose(INSTANTS)?
    } else {
        let (seconds, nanoseconds) = (bytes.arbitrary()?, bytes.int_in_range(0..=999_999_999)?);
        Instant::new(seconds, nanoseconds).unwrap_or(Instant::UNIX_EPOCH)
    };
    let is_damaged = bytes.arbitrary()?;
    let id = if bytes.ratio(1_u8, 2)? {
        bytes.choose(adversarial_ids())?.0.to_string()
    } else {
        String::from_utf8_lossy(bytes.bytes(bytes.len())?).into_owned()
    };
    let Ok(id) = RecordId::new(id) else { return Ok(None) };
    Ok(Some(if is_damaged { Position::Damaged(id) } else { Position::Record(at, id) }))
}

/// A text is a cursor exactly if it is what its position is written as; a listing goes on
/// behind that position, and refuses every other text.
fn text_problem(text: &str) -> Option<String> {
    let cursor = Cursor::from_text(text);
    let position = cursor.position();
    if let Some(position) = &position
        && Cursor::new(position) != cursor
    {
        return Some(format!("{text:?} is another text for {position:?}"));
    }
    SHELF.with_borrow(|shelf| {
        let limit = u32::try_from(1 + text.len() % 4).unwrap_or(1);
        let query = ListQuery { cursor: Some(cursor), limit: Some(limit), ..ListQuery::default() };
        match (block_on(shelf.collection.list(&query)), position) {
            (Err(error), None) if error.kind() == ErrorKind::InvalidCursor => None,
            (Ok(page), Some(position)) => {
                // Listings have damaged records first, and the others by time and id.
                let is_behind = |record: &&Record| match &position {
                    Position::Damaged(_) => true,
                    Position::Record(at, id) => (record.created_at, &record.id) > (*at, id),
                };
                let expected: Vec<Record> =
                    shelf.records.iter().filter(is_behind).cloned().collect();
                let (first, then) = expected.split_at(expected.len().min(limit as usize));
                let rest = page.next_cursor.clone().map(|next| {
                    let query = ListQuery { cursor: Some(next), ..ListQuery::default() };
                    block_on(shelf.collection.list(&query)).map(|page| page.records)
                });
                let is_right = match &rest {
                    None => then.is_empty(),
                    Some(rest) => rest.as_ref().is_ok_and(|rest| rest == then),
                };
                let is_right = is_right && page.records == first && page.damaged.is_empty();
                (!is_right).then(|| {
                    format!(
                        "behind {position:?} are {first:?}, then {then:?}, not {page:?}, {rest:?}"
                    )
                })
            }
            (answer, position) => Some(format!(
                "{text:?}, which is the position {position:?}, is answered by {answer:?}"
            )),
        }
    })
}

/// A few records, in the order of listings.
struct Shelf {
    collection: Arc<dyn Collection>,
    records: Vec<Record>,
}

thread_local! {
    static SHELF: RefCell<Shelf> = RefCell::new(Shelf::filled());
}

impl Shelf {
    #[expect(clippy::expect_used, reason = "memory refuses none of these")]
    fn filled() -> Self {
        let clock = Arc::new(SimClock::new(Instant::UNIX_EPOCH, 1));
        let collection = block_on(MemoryBackend::new(clock).open(CollectionSpec::new("shelf")))
            .expect("a collection in memory");
        let mut records = Vec::new();
        for (place, at) in INSTANTS.iter().skip(1).enumerate() {
            for id in ["a", "b/c"] {
                let id = RecordId::new(format!("{id}{}", place % 3)).expect("an id");
                let data = Payload::json(&b"{}"[..]).expect("JSON");
                let record = Record::json(id, data, *at);
                let is_new = records.iter().all(|other: &Record| other.id != record.id);
                if is_new {
                    block_on(collection.create(record.clone())).expect("a new record");
                    records.push(record);
                }
            }
        }
        records.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        Self { collection, records }
    }
}
