//! Pages, selections and counts.

use storeproof::seam::{
    Collection, CollectionExt, Cursor, Instant, ListQuery, Page, Position, Record, Selection,
};

use crate::backends::{
    PAGE_SIZE, Rule, World, at, error_of, id, ids, record, record_at, rules, until,
};

pub(crate) const RULES: &[Rule] = rules![
    records_come_by_creation_then_by_the_bytes_of_their_ids,
    pages_join_to_the_whole,
    a_page_that_ends_with_the_last_record_has_no_cursor,
    without_a_limit_a_page_has_the_default_size,
    a_limit_of_none_is_refused,
    foreign_cursors_are_refused,
    a_cursor_is_a_position_under_any_query,
    a_cursor_survives_the_record_it_names,
    prefixes_are_bytes_of_the_id,
    since_is_inclusive_and_until_exclusive,
    counts_ignore_pages,
    a_drain_gives_everything,
    expired_records_take_no_room,
];

async fn list(
    collection: &dyn Collection,
    selection: Selection,
    cursor: Option<Cursor>,
    limit: Option<u32>,
) -> Page {
    collection.list(&ListQuery { selection, cursor, limit }).await.unwrap()
}

fn prefixed(prefix: &str) -> Selection {
    Selection { prefix: prefix.into(), ..Selection::all() }
}

async fn filled(world: &World, records: Vec<Record>) -> std::sync::Arc<dyn Collection> {
    let collection = world.plain().await;
    for record in records {
        collection.put(record).await.unwrap();
    }
    collection
}

async fn records_come_by_creation_then_by_the_bytes_of_their_ids(world: &World) {
    let texts = ["b", "a/b", "a-b", "a.b", "A", "é", "a", "ab", "\u{1}", "🙂", "\u{ffff}"];
    let mut records: Vec<_> = texts.iter().map(|text| record(text, "1")).collect();
    records.push(Record::json(id("zero"), records[0].data.clone(), Instant::ZERO));
    records.push(record_at("early", "1", -1));
    records.push(record_at("0", "1", 1));
    let collection = filled(world, records).await;
    let page = list(&*collection, Selection::all(), None, Some(100)).await;
    let expected = [
        "zero", "early", "\u{1}", "A", "a", "a-b", "a.b", "a/b", "ab", "b", "é", "\u{ffff}", "🙂",
        "0",
    ];
    assert_eq!(ids(&page.records), expected);
    assert!(page.damaged.is_empty());
}

async fn pages_join_to_the_whole(world: &World) {
    let records = (0..7).map(|place| record_at(&format!("r{place}"), "1", place % 3)).collect();
    let collection = filled(world, records).await;
    let whole = list(&*collection, Selection::all(), None, Some(100)).await.records;
    for limit in 1..=8 {
        let (mut joined, mut cursor) = (Vec::new(), None);
        loop {
            let page = list(&*collection, Selection::all(), cursor, Some(limit)).await;
            assert!(page.records.len() <= limit as usize);
            assert!(page.next_cursor.is_none() || page.records.len() == limit as usize);
            joined.extend(page.records);
            // A cursor may be kept and sent as text.
            cursor = page.next_cursor.map(|cursor| Cursor::from_text(cursor.as_str()));
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(joined, whole, "by pages of {limit}");
    }
}

async fn a_page_that_ends_with_the_last_record_has_no_cursor(world: &World) {
    let collection = filled(world, vec![record("a", "1"), record("b", "1")]).await;
    let page = list(&*collection, Selection::all(), None, Some(2)).await;
    assert_eq!((page.records.len(), page.next_cursor), (2, None));
    let empty = list(&*collection, prefixed("x"), None, Some(2)).await;
    assert_eq!(empty, Page::default());
    // Records that are not selected don't count as more.
    let page = list(&*collection, prefixed("a"), None, Some(1)).await;
    assert_eq!((page.records.len(), page.next_cursor), (1, None));
}

async fn without_a_limit_a_page_has_the_default_size(world: &World) {
    let records = ["a", "b", "c"].map(|text| record(text, "1")).to_vec();
    let collection = filled(world, records).await;
    let page = list(&*collection, Selection::all(), None, None).await;
    assert_eq!(page.records.len(), PAGE_SIZE as usize);
    let rest = list(&*collection, Selection::all(), page.next_cursor, None).await;
    assert_eq!((ids(&rest.records), rest.next_cursor), (vec!["c"], None));
    let page = list(&*collection, Selection::all(), None, Some(u32::MAX)).await;
    assert_eq!(page.records.len(), 3);
}

async fn a_limit_of_none_is_refused(world: &World) {
    let collection = world.plain().await;
    let query = ListQuery { limit: Some(0), ..ListQuery::default() };
    assert_eq!(error_of(collection.list(&query).await), "invalid_argument");
}

async fn foreign_cursors_are_refused(world: &World) {
    let collection = filled(world, vec![record("a", "1")]).await;
    for text in ["", "a", "1", "MQ==", "1.r.0.0", "2.d.YQ", "\0"] {
        let query = ListQuery { cursor: Some(Cursor::from_text(text)), ..ListQuery::default() };
        assert_eq!(error_of(collection.list(&query).await), "invalid_cursor", "{text:?}");
    }
}

async fn a_cursor_is_a_position_under_any_query(world: &World) {
    let texts = ["a1", "a2", "b1", "b2"];
    let collection = filled(world, texts.map(|text| record(text, "1")).to_vec()).await;
    let page = list(&*collection, prefixed("a"), None, Some(1)).await;
    let rest = list(&*collection, prefixed("b"), page.next_cursor.clone(), Some(9)).await;
    assert_eq!(ids(&rest.records), ["b1", "b2"]);
    let later = Selection { since: Some(at(1)), ..Selection::all() };
    assert_eq!(list(&*collection, later, page.next_cursor.clone(), None).await, Page::default());
    let earlier = Selection { until: Some(at(0)), ..Selection::all() };
    assert_eq!(list(&*collection, earlier, page.next_cursor, None).await, Page::default());
    let end = Cursor::new(&Position::Record(Instant::MAX, id("z")));
    assert_eq!(list(&*collection, Selection::all(), Some(end), None).await, Page::default());
}

async fn a_cursor_survives_the_record_it_names(world: &World) {
    let texts = ["a", "b", "c"];
    let collection = filled(world, texts.map(|text| record(text, "1")).to_vec()).await;
    let page = list(&*collection, Selection::all(), None, Some(2)).await;
    collection.delete(&id("b")).await.unwrap();
    let rest = list(&*collection, Selection::all(), page.next_cursor, Some(2)).await;
    assert_eq!(ids(&rest.records), ["c"]);
}

async fn prefixes_are_bytes_of_the_id(world: &World) {
    let texts = ["a", "a/b", "a/bc", "a-b", "..", "../x/y", "%41", "_x", "é", "e\u{301}", "A/b"];
    let collection = filled(world, texts.map(|text| record(text, "1")).to_vec()).await;
    for prefix in ["", "a", "a/", "a/b", "a/bc", "..", "../", "../x/", "%", "_", "é", "e", "A", "z"]
    {
        let mut expected: Vec<_> =
            texts.into_iter().filter(|text| text.starts_with(prefix)).collect();
        expected.sort_unstable();
        let page = list(&*collection, prefixed(prefix), None, Some(100)).await;
        assert_eq!(ids(&page.records), expected, "with the prefix {prefix:?}");
        let count = collection.count(&prefixed(prefix)).await.unwrap();
        assert_eq!(count, expected.len() as u64, "with the prefix {prefix:?}");
    }
}

async fn since_is_inclusive_and_until_exclusive(world: &World) {
    let records = (0..4).map(|place| record_at(&format!("r{place}"), "1", place)).collect();
    let collection = filled(world, records).await;
    for (since, until, expected) in [
        (Some(1), None, &["r1", "r2", "r3"][..]),
        (None, Some(2), &["r0", "r1"]),
        (Some(1), Some(3), &["r1", "r2"]),
        (Some(2), Some(2), &[]),
        (Some(3), Some(1), &[]),
        (Some(9), None, &[]),
        (None, Some(-9), &[]),
    ] {
        let selection =
            Selection { since: since.map(at), until: until.map(at), ..Selection::all() };
        let page = list(&*collection, selection.clone(), None, Some(9)).await;
        assert_eq!(ids(&page.records), expected, "{since:?} {until:?}");
        let count = collection.count(&selection).await.unwrap();
        assert_eq!(count, expected.len() as u64, "{since:?} {until:?}");
    }
}

async fn counts_ignore_pages(world: &World) {
    let records = (0..5).map(|place| record(&format!("r{place}"), "1")).collect();
    let collection = filled(world, records).await;
    assert_eq!(collection.count(&Selection::all()).await.unwrap(), 5);
}

async fn a_drain_gives_everything(world: &World) {
    let records: Vec<_> = (0..9).map(|place| record(&format!("r{place}"), "1")).collect();
    let collection = filled(world, records.clone()).await;
    let all = collection.drain(Selection::all()).await.unwrap();
    assert_eq!((all.records, all.next_cursor), (records, None));
}

async fn expired_records_take_no_room(world: &World) {
    let records = vec![until(record("a", "1"), 10), record("b", "1"), until(record("c", "1"), 10)];
    let collection = filled(world, records).await;
    world.clock.set(at(10));
    let page = list(&*collection, Selection::all(), None, Some(1)).await;
    assert_eq!((ids(&page.records), page.next_cursor), (vec!["b"], None));
    assert_eq!(collection.count(&Selection::all()).await.unwrap(), 1);
}
