//! The file format as a whole: which file is which record.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, sample::Index};
use storeproof::{
    backend::file::{
        envelope::{Decoded, decode, encode},
        path::{PathId, RecordPath},
        stored::{Form, read_stored},
    },
    fs::FileTime,
    model::source::adversarial_ids,
    seam::{Encoding, Instant, LegacySpec, Payload, Record, RecordId},
};

const MODIFIED: FileTime = FileTime { seconds: 1_767_225_600, nanoseconds: 0 };

/// Pieces that mean something to the mapping, alone or next to each other.
const PIECES: &[&str] = &["a", "/", ".", "%", "~", " ", ".json", "2E", "l"];

fn adversarial() -> impl Iterator<Item = RecordId> {
    adversarial_ids().iter().filter_map(|raw| RecordId::new(raw.0.clone()).ok())
}

/// Every id of up to five pieces.
fn small_ids() -> BTreeSet<RecordId> {
    let mut texts = BTreeSet::from([String::new()]);
    for _ in 0..5 {
        let longer: Vec<String> = texts
            .iter()
            .flat_map(|text| PIECES.iter().map(move |piece| format!("{text}{piece}")))
            .collect();
        texts.extend(longer);
    }
    texts.into_iter().filter_map(|text| RecordId::new(text).ok()).collect()
}

fn any_id() -> impl Strategy<Value = RecordId> {
    let piece = prop_oneof![
        6 => prop::sample::select(PIECES).prop_map(str::to_owned),
        2 => any::<char>().prop_map(String::from),
        1 => prop::sample::select(vec!["\\", "é", "e\u{301}", "\u{3000}", "\u{2028}", "A", "\u{1}"])
            .prop_map(str::to_owned),
        1 => (1..260_usize).prop_map(|length| "x".repeat(length)),
        1 => (1..60_usize).prop_map(|length| "a/".repeat(length)),
    ];
    prop_oneof![
        1 => prop::sample::select(adversarial().collect::<Vec<_>>()),
        4 => prop::collection::vec(piece, 1..12)
            .prop_filter_map("an id", |pieces| RecordId::new(pieces.concat()).ok()),
    ]
}

fn any_instant() -> impl Strategy<Value = Instant> {
    (Instant::MIN.seconds()..=Instant::MAX.seconds(), 0_u32..1_000_000_000)
        .prop_map(|(seconds, nanoseconds)| Instant::new(seconds, nanoseconds).unwrap())
}

fn any_json() -> impl Strategy<Value = String> {
    let blank = || prop::sample::select(vec!["", " ", "\n", "\r\n\t  "]);
    let leaf = prop_oneof![
        prop::sample::select(vec![
            "null",
            "1e400",
            "-0.0",
            "123456789012345678901234567890",
            r#""\ud800}""#,
            r#"{"a":1,"a":2}"#,
            "\"\u{2028}<&>\"",
        ])
        .prop_map(str::to_owned),
        ".{0,10}".prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    let nested = leaf.prop_recursive(4, 20, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(" ,"))),
            prop::collection::vec(("[a-d]|data|id|version", inner), 0..4).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    });
    (blank(), nested, blank()).prop_map(|(before, json, after)| format!("{before}{json}{after}"))
}

fn any_record() -> impl Strategy<Value = Record> {
    let content = prop_oneof![
        any_json().prop_map(|json| ("json".to_owned(), json.into_bytes())),
        ("proto3|JSON|.{0,5}", prop::collection::vec(any::<u8>(), 0..40))
            .prop_filter("not json", |(encoding, _)| encoding != "json"),
    ];
    (any_id(), content, any_instant(), any_instant(), prop::option::of(any_instant())).prop_map(
        |(id, (encoding, data), created_at, updated_at, expires_at)| Record {
            id,
            data: Payload::new(data),
            encoding: Encoding::new(&encoding),
            created_at,
            updated_at,
            expires_at,
        },
    )
}

fn assert_contained(path: &RecordPath) {
    assert!(path.file_name().ends_with(".json"), "{path:?}");
    for name in path.directories().chain([path.file_name()]) {
        assert!(!name.is_empty(), "{path:?} has an empty name");
        assert!(!name.starts_with('.'), "{path:?} leads up or hides");
        assert!(name.len() <= 255, "{path:?} has too long a name");
        assert!(!name.contains(['/', '\0']), "{path:?} has a name that is none");
    }
    let joined: Vec<_> = path.directories().chain([path.file_name()]).collect();
    assert_eq!(joined.join("/"), path.as_str());
}

/// What holds of the place of every id.
fn assert_canonical(id: &RecordId) {
    let path = RecordPath::of(id);
    assert_contained(&path);
    assert_eq!(RecordPath::parse(path.as_str()), Some(path.clone()), "{id:?} as found on disk");
    let safe = |c: char| !c.is_control() && !matches!(c, '\\' | '\u{2028}' | '\u{2029}');
    assert!(path.as_str().chars().all(safe), "{path:?} shows what is not printable");
    assert!(path.directories().all(|name| !name.ends_with(".json")), "{path:?}");
    match path.id() {
        PathId::Id(found) => assert_eq!(found, *id, "the id of {path:?}"),
        PathId::Hashed => assert!(
            id.levels().count() > 32 || id.levels().any(|level| level.len() > 66),
            "{id:?} is short, and yet hashed to {path:?}"
        ),
        PathId::Foreign => panic!("{id:?} has the place {path:?}, which is said to be nobody's"),
    }
}

#[test]
fn no_two_ids_have_one_place_and_no_file_is_a_directory() {
    let mut ids = small_ids();
    ids.extend(adversarial());
    let (mut owners, mut directories) = (BTreeMap::new(), BTreeSet::new());
    for id in &ids {
        assert_canonical(id);
        let path = RecordPath::of(id);
        if let Some(other) = owners.insert(path.clone(), id.clone()) {
            panic!("{other:?} and {id:?} have one place, {path:?}");
        }
        let mut directory = String::new();
        for name in path.directories() {
            directory += name;
            directories.insert(directory.clone());
            directory += "/";
        }
    }
    assert_eq!(owners.len(), ids.len());
    for path in owners.keys() {
        assert!(!directories.contains(path.as_str()), "{path:?} is a file and a directory");
    }
}

#[test]
fn letters_that_look_alike_have_places_of_their_own() {
    for (one, other) in [("a", "A"), ("é", "e\u{301}"), ("a", "a/"), ("/a", "./a"), ("b", "a/../b")]
    {
        let [one, other] = [one, other].map(|text| RecordPath::of(&RecordId::new(text).unwrap()));
        assert_ne!(one, other);
    }
}

fn any_path_text() -> impl Strategy<Value = String> {
    let digest = "0123456789abcdef".repeat(4);
    let piece = prop::sample::select(
        PIECES
            .iter()
            .map(|piece| (*piece).to_owned())
            .chain(
                ["%2E", "%25", "%7E", "%2F", "%00", "%C3%A9", "%FF", "\\", "\u{2028}", "\0"]
                    .map(str::to_owned),
            )
            .chain([format!("~l{digest}"), format!("~i{digest}"), "x".repeat(200)])
            .collect::<Vec<_>>(),
    );
    prop_oneof![
        prop::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat() + ".json"),
        any_id().prop_map(|id| RecordPath::of(&id).as_str().to_owned()),
        any_id().prop_map(|id| id.as_str().to_owned()),
    ]
}

#[derive(Clone, Debug)]
enum Value {
    Instant(&'static str),
    Text(&'static str),
    Other(&'static str),
}

/// Members as an envelope may have them, with one thing or another changed.
fn any_members() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    use Value::{Instant, Other, Text};
    let good = |with_version: bool, with_expiry: bool, encoding| {
        let mut members = vec![
            ("id", Text("\"a\"")),
            ("encoding", Text(encoding)),
            ("created_at", Instant("\"2026-01-01T00:00:00Z\"")),
            ("updated_at", Instant("\"2026-01-01T00:00:00+09:00\"")),
            ("data", Text("\"/wD+\"")),
        ];
        if with_version {
            members.push(("version", Other("1")));
        }
        if with_expiry {
            members.push(("expires_at", Instant("\"9999-12-31T23:59:59Z\"")));
        }
        members
    };
    let value = prop::sample::select(vec![
        Instant("\"2026-01-01T00:00:00Z\""),
        Text("\"x\""),
        Text("\"\""),
        Text("\"json\""),
        Text("\"\\ud800\""),
        Text("\"2026-13-01T00:00:00Z\""),
        Other("null"),
        Other("1"),
        Other("-1"),
        Other("1.5"),
        Other("[]"),
        Other("{}"),
        Other("true"),
    ]);
    let name = prop::sample::select(vec![
        "id",
        "encoding",
        "created_at",
        "updated_at",
        "expires_at",
        "data",
        "version",
        "name",
    ]);
    let encoding = prop::sample::select(vec!["\"json\"", "\"proto3\"", "\"\""]);
    (any::<bool>(), any::<bool>(), encoding)
        .prop_map(move |(version, expiry, encoding)| good(version, expiry, encoding))
        .prop_shuffle()
        .prop_flat_map(move |members| {
            let changes =
                prop::collection::vec((0..4_u8, any::<Index>(), name.clone(), value.clone()), 0..2);
            (Just(members), changes)
        })
        .prop_map(|(mut members, changes)| {
            for (kind, place, name, value) in changes {
                let place = place.index(members.len());
                match kind {
                    0 => drop(members.remove(place)),
                    1 => members.push((name, value)),
                    _ => members[place].1 = value,
                }
            }
            members
        })
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Versioned,
    Unversioned,
    Document,
    Damaged,
}

/// What persistence.md says of these members, with values judged by hand.
fn verdict(members: &[(&'static str, Value)]) -> Verdict {
    let values = |name: &str| -> Vec<&Value> {
        members.iter().filter(|(key, _)| *key == name).map(|(_, value)| value).collect()
    };
    let is_string = |value: &Value| !matches!(value, Value::Other(_));
    let known = ["id", "encoding", "created_at", "updated_at", "data", "expires_at", "version"];
    if members.iter().any(|(key, _)| !known.contains(key))
        || known[..5].iter().any(|key| values(key).len() != 1)
        || known[5..].iter().any(|key| values(key).len() > 1)
    {
        return Verdict::Document;
    }
    let strings = ["id", "encoding", "created_at", "updated_at", "expires_at"];
    let rightly_typed = strings.iter().flat_map(|key| values(key)).all(is_string);
    let is_json = matches!(values("encoding")[0], Value::Text("\"json\""));
    let versions = values("version");
    if !rightly_typed
        || !(is_json || is_string(values("data")[0]))
        || !versions.iter().all(|version| matches!(version, Value::Other("1")))
    {
        return Verdict::Document;
    }
    let lone = |value: &Value| matches!(value, Value::Text("\"\\ud800\""));
    let instants = ["created_at", "updated_at", "expires_at"];
    let usable =
        instants.iter().flat_map(|key| values(key)).all(|value| matches!(value, Value::Instant(_)))
            && !lone(values("id")[0])
            && !matches!(values("id")[0], Value::Text("\"\""))
            && !lone(values("encoding")[0])
            && (is_json
                || matches!(values("data")[0], Value::Text("\"/wD+\"" | "\"\"" | "\"json\"")));
    match (versions.is_empty(), usable) {
        (false, true) => Verdict::Versioned,
        (true, true) => Verdict::Unversioned,
        (false, false) => Verdict::Damaged,
        (true, false) => Verdict::Document,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn places_are_injective_contained_and_have_an_inverse(one in any_id(), other in any_id()) {
        assert_canonical(&one);
        prop_assert_eq!(RecordPath::of(&one) == RecordPath::of(&other), one == other);
    }

    #[test]
    fn a_raw_name_and_its_id_are_inverse(id in any_id()) {
        if let Some(path) = RecordPath::raw(&id) {
            assert_contained(&path);
            prop_assert_eq!(path.as_str(), format!("{id}.json"));
            prop_assert_eq!(path.raw_id(), Some(id));
            prop_assert_eq!(RecordPath::parse(path.as_str()), Some(path));
        }
    }

    #[test]
    fn any_name_on_disk_is_the_place_of_one_id_at_most(text in any_path_text()) {
        let Some(path) = RecordPath::parse(&text) else { return Ok(()) };
        assert_contained(&path);
        prop_assert_eq!(path.as_str(), &text);
        if let PathId::Id(id) = path.id() {
            prop_assert!(RecordPath::of(&id) == path, "{id:?} is not at {path:?}");
        }
        match path.raw_id() {
            Some(id) => prop_assert_eq!(RecordPath::raw(&id), Some(path)),
            None => prop_assert!(path.id() != PathId::Foreign, "no file can be at {path:?}"),
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written(record in any_record(), other in any_id()) {
        let bytes = encode(&record).unwrap();
        let legacy = LegacySpec::default();
        let stored = read_stored(&RecordPath::of(&record.id), &bytes, MODIFIED, &legacy);
        prop_assert_eq!(&stored.id, &record.id);
        prop_assert_eq!(stored.form, Form::Versioned);
        prop_assert_eq!(stored.content, Ok(record.clone()));
        if other != record.id {
            let elsewhere = read_stored(&RecordPath::of(&other), &bytes, MODIFIED, &legacy);
            prop_assert!(elsewhere.content.is_err(), "{:?} was read at {other:?}", record.id);
        }
    }

    #[test]
    fn no_document_is_taken_for_an_envelope_nor_the_reverse(members in any_members()) {
        let text: Vec<_> = members
            .iter()
            .map(|(name, value)| {
                let (Value::Instant(json) | Value::Text(json) | Value::Other(json)) = value;
                format!("\"{name}\":{json}")
            })
            .collect();
        let text = format!("{{{}}}", text.join(","));
        let found = match decode(text.as_bytes()) {
            Decoded::Versioned(_) => Verdict::Versioned,
            Decoded::Unversioned(_) => Verdict::Unversioned,
            Decoded::Document(data) => {
                prop_assert_eq!(data.bytes(), text.as_bytes());
                Verdict::Document
            }
            Decoded::Damaged { .. } => Verdict::Damaged,
        };
        prop_assert_eq!(found, verdict(&members), "{}", text);
    }

    #[test]
    fn a_flat_document_keeps_its_bytes(json in any_json(), text in any_path_text()) {
        let Some(path) = RecordPath::parse(&text) else { return Ok(()) };
        let Some(id) = path.raw_id() else { return Ok(()) };
        let stored = read_stored(&path, json.as_bytes(), MODIFIED, &LegacySpec::default());
        prop_assert_eq!(&stored.id, &id);
        prop_assert_eq!(stored.form, Form::Unversioned);
        let at = Instant::new(MODIFIED.seconds, MODIFIED.nanoseconds).unwrap();
        let expected = Record::json(id, Payload::new(json.as_bytes()), at);
        prop_assert_eq!(stored.content, Ok(expected));
    }

    #[test]
    fn any_bytes_at_any_place_are_read_without_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..60),
        text in any_path_text(),
        seconds in any::<i64>(),
        nanoseconds in any::<u32>(),
    ) {
        let Some(path) = RecordPath::parse(&text) else { return Ok(()) };
        let modified = FileTime { seconds, nanoseconds };
        let stored = read_stored(&path, &bytes, modified, &LegacySpec::default());
        if let Ok(record) = stored.content {
            prop_assert_eq!(record.id, stored.id);
        }
    }

    #[test]
    fn a_changed_file_is_never_a_record_of_another_place(
        record in any_record(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = encode(&record).unwrap();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        assert_within_its_place(&record.id, &bytes);
    }
}

/// The file at the place of `id` may be that record, the older one of that
/// name, or damaged under one of these two names.
fn assert_within_its_place(id: &RecordId, bytes: &[u8]) {
    let path = RecordPath::of(id);
    let stored = read_stored(&path, bytes, MODIFIED, &LegacySpec::default());
    let shown = || String::from_utf8_lossy(bytes).into_owned();
    let is_raw = path.raw_id().is_some_and(|raw| raw == stored.id);
    match (&stored.content, stored.form) {
        (Ok(record), Form::Versioned) => {
            assert_eq!((&record.id, &stored.id), (id, id), "{}", shown());
        }
        (Ok(record), Form::Unversioned) => {
            assert!(is_raw, "{:?} was read at {path:?}: {}", stored.id, shown());
            assert_eq!(record.id, stored.id, "{}", shown());
        }
        (Err(_), _) => {
            let known = is_raw || stored.id == *id || path.raw_id().is_none();
            assert!(known, "{:?} names the damaged {path:?}", stored.id);
            let is_own = stored.id == *id || path.id() == PathId::Hashed || is_raw;
            assert!(is_own, "{:?} at {path:?} of {id:?}: {}", stored.id, shown());
        }
    }
}

fn samples() -> Vec<Record> {
    let ids = ["a", "%", "a/..", "a\"\\b", &"x".repeat(201)];
    let mut samples = Vec::new();
    for id in ids {
        let id = RecordId::new(id).unwrap();
        let data = Payload::new(&br#" {"id":"b","data":[1,{"version":2}]} "#[..]);
        let json = Record::json(id, data, Instant::UNIX_EPOCH);
        let expires_at = Some(Instant::MAX);
        let data = Payload::new(&b"{}"[..]);
        samples.push(Record { encoding: Encoding::PROTO3, data, expires_at, ..json.clone() });
        samples.push(json);
    }
    samples
}

#[test]
fn a_file_that_was_cut_short_is_damaged() {
    for record in samples() {
        let bytes = encode(&record).unwrap();
        let path = RecordPath::of(&record.id);
        for length in 0..bytes.len() {
            let cut = &bytes[..length];
            let stored = read_stored(&path, cut, MODIFIED, &LegacySpec::default());
            assert!(stored.content.is_err(), "{:?} was read", String::from_utf8_lossy(cut));
            assert_within_its_place(&record.id, cut);
            if path.id() == PathId::Hashed {
                assert!(stored.blocks(&path, &record.id));
            } else {
                assert_eq!(stored.id, record.id);
            }
        }
    }
}

#[test]
fn a_single_changed_byte_never_makes_another_record() {
    for record in samples() {
        let bytes = encode(&record).unwrap();
        for place in 0..bytes.len() {
            for byte in b"\0 \"\\,:{}[]0129aAz/%.~-+_\x7f\x80\xff" {
                let mut changed = bytes.clone();
                changed[place] = *byte;
                assert_within_its_place(&record.id, &changed);
            }
        }
    }
}
