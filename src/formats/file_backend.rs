//! What the file backend has beside the records' content: where they lie, and
//! its own files.

use serde_json::{Value, json};

use super::{Format, Sample, Writer, value};
use crate::{
    backend::file::{
        formats::{
            Change, INTENT_VERSION, ToldChange, decode_intent, decode_lock_head, encode_intent,
            encode_lock_head, quarantine_name,
        },
        path::{PathId, RecordPath},
    },
    seam::{Error, RecordId},
};

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "record-path",
        version: 1,
        about: "where a record lies below its collection's directory",
        writer: Writer::ThisRelease,
        samples: path_samples,
        decode: decode_path,
    },
    Format {
        name: "intent",
        version: INTENT_VERSION,
        about: "a commit of several files, written down before it is done",
        writer: Writer::ThisRelease,
        samples: intent_samples,
        decode: |bytes| {
            let change = |change: ToldChange| {
                told(&change.path, change.before.as_deref(), change.after.as_deref())
            };
            Ok(decode_intent(bytes)?.into_iter().map(change).collect())
        },
    },
    Format {
        name: "lock-head",
        version: 1,
        about: "the head of the lock file: the generation",
        writer: Writer::ThisRelease,
        samples: lock_samples,
        decode: |bytes| {
            let (generation, several) = decode_lock_head(bytes);
            Ok(json!({ "generation": generation, "several": several }))
        },
    },
    Format {
        name: "quarantine-name",
        version: 1,
        about: "the name under which bytes are set aside",
        writer: Writer::ThisRelease,
        samples: quarantine_samples,
        decode: decode_quarantine_name,
    },
];

fn path_samples() -> Vec<Sample> {
    let sample = |name, id: &str| {
        let path = RecordId::new(id).map(|id| RecordPath::of(&id).as_str().to_owned());
        Sample::new::<Error>(name, path, json!({ "id": id }))
    };
    let long = "x".repeat(300);
    let hashed = RecordId::new(long).map(|id| RecordPath::of(&id).as_str().to_owned());
    vec![
        sample("plain", "a"),
        sample("levels", "users/ann"),
        sample("levels-that-are-empty", "/a//b/"),
        sample("levels-that-climb", "a/../."),
        sample("dots-and-blanks", ".hidden/a. /b .c"),
        sample("json-within", "a.json/b.json"),
        sample("percent-tilde-backslash", "%2e~\\\u{1}\u{7f}"),
        sample("unicode", "ユーザー/é\u{2028}e\u{301}"),
        sample("upper-case-and-reserved", "CON/A:b*?\"<>|"),
        Sample::new::<Error>("hashed", hashed, json!("hashed")),
    ]
}

fn decode_path(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text")?;
    let path = RecordPath::parse(text).ok_or("it can't be a record's file")?;
    match path.id() {
        PathId::Id(id) => Ok(json!({ "id": id.as_str() })),
        PathId::Hashed => Ok(json!("hashed")),
        PathId::Foreign => Err("it is taken for a file of older software".to_owned()),
    }
}

fn told(path: &str, before: Option<&str>, after: Option<&[u8]>) -> Value {
    json!({ "path": path, "before": before, "after": after.map(value::bytes) })
}

fn intent_samples() -> Vec<Sample> {
    // Of `old`, as sha256sum gives it.
    const OLD: &str = "cba06b5736faf67e54b07b561eae94395e774c517a7d910a54369e1263ccfbd4";
    let paths = ["a", "b/c", "ü"].map(|id| RecordId::new(id).map(|id| RecordPath::of(&id)));
    let [Ok(replaced), Ok(created), Ok(removed)] = &paths else { return Vec::new() };
    let change = |path, before, after| Change::File { path, before, after };
    let one = [change(replaced, Some(&b"old"[..]), Some(&b"\xfb\xff new"[..]))];
    let several = [
        change(replaced, Some(&b"old"[..]), Some(&b"{\"v\":1}\n"[..])),
        change(created, None, Some(&b""[..])),
        change(removed, Some(&b"old"[..]), None),
    ];
    let directory = [Change::RemoveDirectory("a.json"), change(created, None, Some(&b"new"[..]))];
    vec![
        Sample::new(
            "one",
            encode_intent(&one),
            json!([told("a.json", Some(OLD), Some(b"\xfb\xff new"))]),
        ),
        Sample::new(
            "several",
            encode_intent(&several),
            json!([
                told("a.json", Some(OLD), Some(b"{\"v\":1}\n")),
                told("b/c.json", None, Some(b"")),
                told("ü.json", Some(OLD), None),
            ]),
        ),
        Sample::new(
            "directory",
            encode_intent(&directory),
            json!([told("a.json", Some("directory"), None), told("b/c.json", None, Some(b"new"))]),
        ),
    ]
}

fn lock_samples() -> Vec<Sample> {
    let sample = |name, generation: u64, several: bool| {
        let value = json!({ "generation": generation, "several": several });
        Sample::of(name, encode_lock_head(generation, several), value)
    };
    vec![
        sample("settled", 0x0102_0304_0506_0708, false),
        sample("changing-one", 7, false),
        sample("changing-several", u64::MAX, true),
        Sample::of("new", Vec::new(), json!({ "generation": 0, "several": false })),
    ]
}

fn quarantine_samples() -> Vec<Sample> {
    let sample = |name, id: &str, begins: &str, hash: &str| {
        let made = RecordId::new(id);
        let made = made.map(|id| quarantine_name(&RecordPath::of(&id), b"damaged"));
        Sample::new::<Error>(name, made, json!({ "path_begins": begins, "hash": hash }))
    };
    let long = "ü".repeat(90);
    vec![
        sample("plain", "a", "a.json", "61f5adb7a7ab1b67"),
        sample("encoded", "b c/ü", "b c/ü.json", "cdd57ed192f60095"),
        sample("cut", &long, &"ü".repeat(25), "e70a6c25f2acfc33"),
    ]
}

/// Nobody but people reads these names so far; this is what they tell.
fn decode_quarantine_name(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text")?;
    let (path, hash) = text.rsplit_once('~').ok_or("it has no hash")?;
    let mut decoded = Vec::new();
    let mut rest = path;
    while let Some((plain, escape)) = rest.split_once('%') {
        decoded.extend_from_slice(plain.as_bytes());
        let digits = escape.get(..2).ok_or("a percent escape is cut")?;
        decoded.push(u8::from_str_radix(digits, 16).map_err(|_| "a percent escape is none")?);
        rest = escape.get(2..).unwrap_or_default();
    }
    decoded.extend_from_slice(rest.as_bytes());
    Ok(json!({ "path_begins": value::bytes(&decoded), "hash": hash }))
}
