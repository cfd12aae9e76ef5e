//! The text of a snapshot: exact bytes that people can read.
//!
//! ```text
//! format: users
//! version: 1
//! sample: full
//! bytes:
//! | {"id":"u","username":"ann"}\n
//! value:
//! {
//!   "id": "u",
//!   "username": "ann"
//! }
//! ```
//!
//! Before it may stand the three-dashed head of the tool that compares
//! snapshots in tests; it is passed over. Each line under `bytes:` begins with
//! `| `; the lines are joined without anything between them. In them `\\`,
//! `\n`, `\r`, `\t`, `\xNN` (a byte) and `\u{N}` (a character that one would not
//! see) stand for themselves as in a Rust literal; all else is UTF-8. After a
//! `\n` a new line begins, so that texts look like themselves.

use std::fmt::Write;

use serde_json::Value;

use super::Sample;

/// What was shipped: bytes, and the value that they mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The format's name.
    pub format: String,
    /// The version of the format in which the bytes were written.
    pub version: u64,
    /// The sample's name.
    pub sample: String,
    /// The very bytes.
    pub bytes: Vec<u8>,
    /// What they mean.
    pub value: Value,
}

/// Where a snapshot lies below the directory of all snapshots, without the
/// `.snap` at its end.
#[must_use]
pub fn path_of(format: &str, version: u64, sample: &str) -> String {
    format!("{format}/v{version}/{sample}")
}

impl Snapshot {
    /// The snapshot of a sample as it is written today.
    ///
    /// # Errors
    /// Why the sample has no bytes.
    pub fn of(format: &super::Format, sample: Sample) -> Result<Self, String> {
        Ok(Self {
            format: format.name.to_owned(),
            version: format.version,
            sample: sample.name.to_owned(),
            bytes: sample.bytes?,
            value: sample.value,
        })
    }

    /// Where it lies; see [`path_of`].
    #[must_use]
    pub fn path(&self) -> String {
        path_of(&self.format, self.version, &self.sample)
    }

    /// Its text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Self { format, version, sample, bytes, value } = self;
        let bytes = shown(bytes);
        format!(
            "format: {format}\nversion: {version}\nsample: {sample}\nbytes:\n{bytes}value:\n\
             {value:#}\n"
        )
    }

    /// Reads the text of the snapshot that lies at `path`; see [`path_of`].
    ///
    /// # Errors
    /// Why the text is not a snapshot, or not the one that belongs there.
    pub fn parse(path: &str, text: &str) -> Result<Self, String> {
        let not = |what: &str| format!("not a snapshot: {what}");
        let mut lines = without_head(text).lines();
        let mut header = |name: &str| {
            let line = lines.next().and_then(|line| line.strip_prefix(name));
            line.and_then(|line| line.strip_prefix(": ")).map(str::to_owned)
        };
        let format = header("format").ok_or_else(|| not("it does not say its format"))?;
        let version = header("version").and_then(|version| version.parse().ok());
        let version = version.ok_or_else(|| not("it does not say its version"))?;
        let sample = header("sample").ok_or_else(|| not("it does not say its sample"))?;
        if lines.next() != Some("bytes:") {
            return Err(not("it has no bytes"));
        }
        let mut bytes = Vec::new();
        loop {
            let line = lines.next().ok_or_else(|| not("it has no value"))?;
            if line == "value:" {
                break;
            }
            let line =
                line.strip_prefix("| ").ok_or_else(|| not("a line of bytes lacks \"| \""))?;
            push_unescaped(&mut bytes, line).ok_or_else(|| not("an unknown escape"))?;
        }
        let value = lines.collect::<Vec<_>>().join("\n");
        let value = serde_json::from_str(&value).map_err(|_| not("its value is not JSON"))?;
        let snapshot = Self { format, version, sample, bytes, value };
        if snapshot.path() != path {
            return Err(format!("it lies in the place of another one, {}", snapshot.path()));
        }
        Ok(snapshot)
    }
}

/// The text after the head that ends with the second line of three dashes.
fn without_head(text: &str) -> &str {
    let Some(rest) = text.strip_prefix("---\n") else { return text };
    rest.split_once("\n---\n").map_or(text, |(_, body)| body)
}

/// The bytes as lines that begin with `| `.
fn shown(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        text.push_str("| ");
        for chunk in line.utf8_chunks() {
            chunk.valid().chars().for_each(|c| push_escaped(&mut text, c));
            for byte in chunk.invalid() {
                // Writing to a string does not fail.
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
        if text.ends_with(' ') {
            // Editors strip it.
            text.pop();
            text.push_str("\\x20");
        }
        text.push('\n');
    }
    text
}

fn push_escaped(text: &mut String, c: char) {
    match c {
        '\\' => text.push_str("\\\\"),
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        c if is_unseen(c) => {
            // Writing to a string does not fail.
            let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
        }
        c => text.push(c),
    }
}

/// Characters that one would not see, or not tell apart. A fixed list: a
/// snapshot's text must not change with the tables of Unicode.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{a0}' | '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{2000}'..='\u{200f}'
            | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' | '\u{3000}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

fn push_unescaped(bytes: &mut Vec<u8>, line: &str) -> Option<()> {
    let mut rest = line;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        let mut chars = escape.chars();
        match chars.next()? {
            '\\' => bytes.push(b'\\'),
            'n' => bytes.push(b'\n'),
            'r' => bytes.push(b'\r'),
            't' => bytes.push(b'\t'),
            'x' => {
                let digits = chars.as_str().get(..2)?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                chars = chars.as_str().get(2..)?.chars();
            }
            'u' => {
                let (digits, after) = chars.as_str().strip_prefix('{')?.split_once('}')?;
                let c = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                chars = after.chars();
            }
            _ => return None,
        }
        rest = chars.as_str();
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::Snapshot;

    fn snapshot(bytes: &[u8]) -> Snapshot {
        Snapshot {
            format: "users".into(),
            version: 1,
            sample: "full".into(),
            bytes: bytes.into(),
            value: json!({"value:": "\u{2028}"}),
        }
    }

    #[test]
    fn bytes_look_like_themselves() {
        let text = snapshot(b"{\n  \"a\": \"\\u00e9\"\n}\r\n\xff\0 ").to_text();
        assert!(
            text.contains("\n| {\\n\n|   \"a\": \"\\\\u00e9\"\\n\n| }\\r\\n\n| \\xff\\u{0}\\x20\n"),
            "{text}"
        );
        let text = snapshot("e\u{301}é\u{2028}".as_bytes()).to_text();
        assert!(text.contains("\n| e\\u{301}é\\u{2028}\nvalue:\n"), "{text}");
    }

    #[test]
    fn what_is_no_snapshot_says_why() {
        let good = snapshot(b"a").to_text();
        for (text, problem) in [
            (String::new(), "its format"),
            (good.replace("version: 1", "version: one"), "its version"),
            (good.replace("sample", "simple"), "its sample"),
            (good.replace("bytes:\n", ""), "no bytes"),
            (good.replace("| a", "a"), "lacks"),
            (good.replace("| a", "| \\q"), "escape"),
            (good.replace("| a", "| \\x2"), "escape"),
            (good.replace("| a", "| \\xéé"), "escape"),
            (good.replace("| a", "| \\u{d800}"), "escape"),
            (good.replace("value:\n", ""), "lacks"),
            (good.replace('}', ""), "not JSON"),
            (good.replace("format: users", "format: uses"), "place of another"),
        ] {
            let said = Snapshot::parse("users/v1/full", &text).expect_err(&text);
            assert!(said.contains(problem), "{said:?} lacks {problem:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_kept(bytes: Vec<u8>, text: String) {
            for bytes in [&bytes, &text.into_bytes()] {
                let snapshot = snapshot(bytes);
                let text = snapshot.to_text();
                prop_assert_eq!(Snapshot::parse("users/v1/full", &text), Ok(snapshot.clone()));
                let with_head = format!("---\nsource: tests/formats.rs\n---\n{}", text.trim_end());
                prop_assert_eq!(Snapshot::parse("users/v1/full", &with_head), Ok(snapshot));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = Snapshot::parse("users/v1/full", &text);
            let framed = format!("format: f\nversion: 1\nsample: s\nbytes:\n| \\{text}\nvalue:\n1");
            let _ = Snapshot::parse("f/v1/s", &framed);
        }
    }
}
