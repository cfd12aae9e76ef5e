//! Payloads as scenarios name them, with what the models know of each.

use std::{
    cell::LazyCell,
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
};

use arbitrary::Result;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    json::string_members,
    source::{Aim, Source},
};
use crate::seam::Payload;

/// The bytes of a record in a scenario. Cheap to clone; what the models ask of
/// it is found out once.
///
/// In a scenario file: text where it is text, else `{"base64": …}`, or
/// `{"filler": n}` for a JSON string of `n` bytes, quotes included.
#[derive(Clone)]
pub struct PayloadInput(Arc<Case>);

struct Case {
    payload: Payload,
    filler: Option<usize>,
    facts: OnceLock<Facts>,
}

struct Facts {
    /// By name. Few: looking through them is faster than a tree.
    strings: Option<Vec<(String, String)>>,
    hash: u64,
}

/// Longer fillers in a scenario file are cut to this, in bytes.
const LONGEST_FILLER: usize = 64 << 20;

impl PayloadInput {
    /// These bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self::of(bytes.into(), None)
    }

    /// A JSON string of `length` bytes, quotes included.
    #[must_use]
    pub fn filler(length: usize) -> Self {
        let length = length.clamp(2, LONGEST_FILLER);
        let mut bytes = vec![b'x'; length];
        for quote in [0, length - 1] {
            if let Some(byte) = bytes.get_mut(quote) {
                *byte = b'"';
            }
        }
        Self::of(bytes.into(), Some(length))
    }

    fn of(bytes: Arc<[u8]>, filler: Option<usize>) -> Self {
        // Checked once when made, as clients that validate their payloads do.
        let payload = Payload::json(Arc::clone(&bytes)).unwrap_or_else(|| Payload::new(bytes));
        Self(Arc::new(Case { payload, filler, facts: OnceLock::new() }))
    }

    /// The payload.
    #[must_use]
    pub fn payload(&self) -> &Payload {
        &self.0.payload
    }

    /// Whether it is one JSON text.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.facts().strings.is_some()
    }

    /// The non-empty string that a JSON object has under this name at its top
    /// level; of a repeated name the last counts.
    #[must_use]
    pub fn string(&self, name: &str) -> Option<&str> {
        let (_, text) = self.facts().strings.as_ref()?.iter().find(|(own, _)| own == name)?;
        (!text.is_empty()).then_some(text)
    }

    fn facts(&self) -> &Facts {
        self.0.facts.get_or_init(|| {
            let bytes = self.0.payload.bytes();
            // FNV-1a, 64 bits (draft-eastlake-fnv): the same in every run.
            let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
            });
            let strings = string_members(bytes).map(|members| members.into_iter().collect());
            Facts { strings, hash }
        })
    }
}

impl PartialEq for PayloadInput {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.payload == other.0.payload
    }
}

impl Eq for PayloadInput {}

impl PartialOrd for PayloadInput {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PayloadInput {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.payload.cmp(&other.0.payload)
    }
}

impl Hash for PayloadInput {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.facts().hash);
    }
}

/// Payloads of a scenario are made up, and shown.
impl fmt::Debug for PayloadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(self.0.payload.bytes()))
    }
}

/// Bytes for a table: text where they are text, cut where they are long.
#[must_use]
pub fn shown(bytes: &[u8]) -> String {
    const LONGEST: usize = 60;
    let Ok(text) = std::str::from_utf8(bytes) else {
        let head = bytes.get(..16).unwrap_or(bytes);
        return format!("{} bytes, base64 {}", bytes.len(), STANDARD.encode(head));
    };
    if text.is_empty() {
        return "nothing".to_owned();
    }
    match text.char_indices().nth(LONGEST) {
        None => text.escape_debug().to_string().replace("\\\"", "\""),
        Some((end, _)) => {
            let head = text.get(..end).unwrap_or_default();
            format!(
                "{}… ({} bytes)",
                head.escape_debug().to_string().replace("\\\"", "\""),
                text.len()
            )
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Text(String),
    Base64 { base64: String },
    Filler { filler: usize },
}

impl Serialize for PayloadInput {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let bytes = self.0.payload.bytes();
        let form = match (self.0.filler, std::str::from_utf8(bytes)) {
            (Some(filler), _) => Form::Filler { filler },
            (None, Ok(text)) => Form::Text(text.to_owned()),
            (None, Err(_)) => Form::Base64 { base64: STANDARD.encode(bytes) },
        };
        form.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PayloadInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Ok(match Form::deserialize(deserializer)? {
            Form::Text(text) => Self::new(text.as_bytes()),
            Form::Base64 { base64 } => {
                Self::new(&STANDARD.decode(base64).map_err(serde::de::Error::custom)?)
            }
            Form::Filler { filler } => Self::filler(filler),
        })
    }
}

/// The payloads that generators choose from.
struct Pools {
    hot: Vec<PayloadInput>,
    one_record: [PayloadInput; 3],
    one_name: [PayloadInput; 3],
    adversarial: Vec<PayloadInput>,
    not_json: Vec<PayloadInput>,
    large: [PayloadInput; 2],
}

/// Few, so that expectations of compare-and-swap meet and unique names collide.
const HOT: &[&str] = &[
    r#"{"name":"x"}"#,
    r#"{"name":"y","group":"g"}"#,
    r#"{"group":"g","kind":"k"}"#,
    "{}",
    r#"{"name":"x","group":"h","kind":"plain"}"#,
    r#"{"n":1}"#,
];

/// Where clients race for a record: fewer. What is there before has no name, so that
/// they race for names as well.
const ONE_RECORD: [&str; 3] =
    [r#"{"group":"g","kind":"k"}"#, r#"{"name":"x"}"#, r#"{"name":"y","group":"g"}"#];

/// Where they race for a name.
const ONE_NAME: [&str; 3] =
    [r#"{"name":"x"}"#, r#"{"name":"x","group":"g"}"#, r#"{"group":"g","kind":"k"}"#];

const ADVERSARIAL: &[&str] = &[
    "null",
    "[]",
    r#""x""#,
    "1e400",
    "-0",
    " { \"v\": \"<b>&\" }\n",
    "\"\u{2028}\u{2029}\"",
    "123456789012345678901234567890",
    r#"{"name":"x","name":"y"}"#,
    r#"{"name":"y","name":7}"#,
    r#"{"n\u0061me":"\u0078"}"#,
    r#"{"name":{"name":"x"}}"#,
    r#"{"name":"","group":"","kind":"k"}"#,
    r#"{"name":"\ud800"}"#,
    r#"{"\ud800":1,"group":"h"}"#,
    r#"[{"name":"x"}]"#,
    r#"{"id":"b","encoding":"json","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","data":{"name":"x"}}"#,
    r#"{"version":1,"id":"a","encoding":"proto3","created_at":"0001-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","expires_at":"2026-01-01T00:00:00Z","data":"eA=="}"#,
    r#"{"version":99,"id":"a","encoding":"json","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","data":1}"#,
    r#"{"id":7,"encoding":"utf-8","data":null}"#,
];

const NOT_JSON: &[&[u8]] =
    &[b"", b" ", b"{", b"{} {}", b"nul", b"\xef\xbb\xbf{}", b"\"\xff\"", b"\xff\xfe\x00x", b"'a'"];

thread_local! {
    // Each thread has its own: clones of shared payloads would make all threads
    // of a campaign count on one cache line.
    static POOLS: LazyCell<Pools> = LazyCell::new(|| {
        let text = |text: &&str| PayloadInput::new(text.as_bytes());
        let deep = "[".repeat(200) + &"]".repeat(200);
        Pools {
            hot: HOT.iter().map(text).collect(),
            one_record: ONE_RECORD.each_ref().map(text),
            one_name: ONE_NAME.each_ref().map(text),
            adversarial: ADVERSARIAL.iter().map(text).chain([text(&&*deep)]).collect(),
            not_json: NOT_JSON.iter().map(|bytes| PayloadInput::new(bytes)).collect(),
            large: [PayloadInput::filler(64 << 10), PayloadInput::filler(1 << 20)],
        }
    });
}

/// A payload: mostly a hot one, at times any, rarely a large one.
///
/// # Errors
/// As `arbitrary` reports them.
pub fn generate(source: &mut Source<'_, '_>) -> Result<PayloadInput> {
    let ticket = source.below(1_024)?;
    // At the end of the bytes everything is 0: not the largest then.
    POOLS.with(|pools| match ticket {
        1_023 => {
            let [large, larger] = &pools.large;
            Ok(if source.ratio(1, 16)? { larger.clone() } else { large.clone() })
        }
        1..64 => source.choose(&pools.not_json).cloned(),
        64..192 => source.choose(&pools.adversarial).cloned(),
        _ => hot(source),
    })
}

/// A hot payload: one that is likely to be stored already.
///
/// # Errors
/// As `arbitrary` reports them.
pub fn hot(source: &mut Source<'_, '_>) -> Result<PayloadInput> {
    POOLS.with(|pools| {
        let hot = match source.focus().aim {
            Aim::Filling => pools.one_record.get(..1).unwrap_or_default(),
            Aim::OneRecord => pools.one_record.as_slice(),
            Aim::OneName => pools.one_name.as_slice(),
            Aim::Anything | Aim::Commits => pools.hot.as_slice(),
        };
        // The smaller of two draws: the first are the hottest.
        let place = source.below(hot.len())?.min(source.below(hot.len())?);
        hot.get(place).cloned().ok_or(arbitrary::Error::IncorrectFormat)
    })
}

/// Bytes that are one JSON text.
///
/// # Errors
/// As `arbitrary` reports them.
pub fn json(source: &mut Source<'_, '_>) -> Result<PayloadInput> {
    if source.ratio(1, 2)? {
        return hot(source);
    }
    POOLS.with(|pools| source.choose(&pools.adversarial).cloned())
}

/// The simplest payloads, the simplest first.
pub fn simplest() -> impl Iterator<Item = PayloadInput> {
    ["{}", r#"{"name":"x"}"#].iter().map(|text| PayloadInput::new(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{ADVERSARIAL, HOT, NOT_JSON, PayloadInput};

    #[test]
    fn pools_hold_what_their_names_say() {
        for text in HOT.iter().chain(ADVERSARIAL) {
            assert!(PayloadInput::new(text.as_bytes()).is_json(), "{text} is JSON");
        }
        for bytes in NOT_JSON {
            assert!(!PayloadInput::new(bytes).is_json(), "{bytes:?} is not JSON");
        }
    }

    #[test]
    fn a_scenario_file_keeps_every_payload() {
        let cases = HOT.iter().chain(ADVERSARIAL).map(|text| text.as_bytes());
        for bytes in cases.chain(NOT_JSON.iter().copied()) {
            let input = PayloadInput::new(bytes);
            let text = serde_json::to_string(&input).unwrap();
            let back: PayloadInput = serde_json::from_str(&text).unwrap();
            assert_eq!(back.payload().bytes(), bytes, "by way of {text}");
        }
        let filler = PayloadInput::filler(1 << 20);
        assert_eq!(serde_json::to_string(&filler).unwrap(), r#"{"filler":1048576}"#);
        assert_eq!(serde_json::from_str::<PayloadInput>(r#"{"filler":1048576}"#).unwrap(), filler);
        assert!(filler.is_json() && filler.payload().bytes().len() == 1 << 20);
    }

    #[test]
    fn only_non_empty_strings_are_found() {
        let input = PayloadInput::new(br#"{"a":"x","b":"","c":1}"#);
        assert_eq!(input.string("a"), Some("x"));
        assert_eq!([input.string("b"), input.string("c"), input.string("d")], [None; 3]);
    }
}
