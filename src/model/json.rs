//! JSON (RFC 8259) as the models read it: an own reader, so that what the
//! persistence layer takes for JSON is checked by something else.

use std::collections::BTreeMap;

/// The top-level members of a JSON text that are strings, by name; of a
/// repeated name the last counts. Empty for a text that is no object.
/// `None` when the bytes are not one JSON text.
#[must_use]
pub fn string_members(bytes: &[u8]) -> Option<BTreeMap<String, String>> {
    let text = std::str::from_utf8(bytes).ok()?;
    Reader { rest: text.as_bytes() }.document()
}

struct Reader<'a> {
    rest: &'a [u8],
}

/// What a value, at its end, turns out to be for the member that holds it.
enum Value {
    Text(String),
    /// Anything else, also a string that is no text (a lone surrogate).
    Other,
}

#[derive(Clone, Copy, PartialEq)]
enum Nest {
    Object,
    Array,
}

impl Reader<'_> {
    /// Without recursion: any depth is legal.
    fn document(mut self) -> Option<BTreeMap<String, String>> {
        let mut members = BTreeMap::new();
        let mut member = None;
        let mut open: Vec<Nest> = Vec::new();
        loop {
            self.blank();
            let value = if self.eat(b'{') {
                self.blank();
                if !self.eat(b'}') {
                    let name = self.name()?;
                    if open.is_empty() {
                        member = Some(name);
                    } else {
                        hold(&mut members, &open, member.as_ref(), Value::Other);
                    }
                    open.push(Nest::Object);
                    continue;
                }
                Value::Other
            } else if self.eat(b'[') {
                self.blank();
                if !self.eat(b']') {
                    hold(&mut members, &open, member.as_ref(), Value::Other);
                    open.push(Nest::Array);
                    continue;
                }
                Value::Other
            } else {
                self.scalar()?
            };
            hold(&mut members, &open, member.as_ref(), value);
            // After a value: the next one, or the ends of what holds it.
            loop {
                self.blank();
                match open.last() {
                    None => return self.rest.is_empty().then_some(members),
                    Some(Nest::Object) if self.eat(b',') => {
                        let name = self.name()?;
                        if open.len() == 1 {
                            member = Some(name);
                        }
                        break;
                    }
                    Some(Nest::Array) if self.eat(b',') => break,
                    Some(Nest::Object) if self.eat(b'}') => {}
                    Some(Nest::Array) if self.eat(b']') => {}
                    Some(_) => return None,
                }
                open.pop();
            }
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let eaten = self.rest.first() == Some(&byte);
        if eaten {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        eaten
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn blank(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.rest.first() {
            self.next();
        }
    }

    /// A name and its colon; `None` inside for one that is no text.
    fn name(&mut self) -> Option<Option<String>> {
        self.blank();
        if !self.eat(b'"') {
            return None;
        }
        let name = self.string()?;
        self.blank();
        self.eat(b':').then_some(name)
    }

    fn scalar(&mut self) -> Option<Value> {
        for word in ["true", "false", "null"] {
            if let Some(rest) = self.rest.strip_prefix(word.as_bytes()) {
                self.rest = rest;
                return Some(Value::Other);
            }
        }
        if self.eat(b'"') {
            return Some(self.string()?.map_or(Value::Other, Value::Text));
        }
        self.number()?;
        Some(Value::Other)
    }

    fn number(&mut self) -> Option<()> {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Some(())
    }

    /// At least one digit.
    fn digits(&mut self) -> Option<()> {
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.rest = self.rest.get(count..)?;
        (count > 0).then_some(())
    }

    /// What follows an opening quote, up to the closing one; `None` inside for
    /// a string with a lone surrogate.
    fn string(&mut self) -> Option<Option<String>> {
        let mut units = Vec::new();
        let mut whole = true;
        let mut bytes = Vec::new();
        loop {
            match self.next()? {
                b'"' => break,
                b'\\' => {
                    let unit = self.escape()?;
                    units.push(unit);
                    // A high surrogate waits for the low one that may follow.
                    if (0xd800..0xdc00).contains(&unit) && self.rest.starts_with(b"\\u") {
                        continue;
                    }
                    whole &= flush(&mut units, &mut bytes);
                }
                0..0x20 => return None,
                byte => {
                    whole &= flush(&mut units, &mut bytes);
                    bytes.push(byte);
                    // The rest of a long plain run at once.
                    let plain = |byte: &&u8| !matches!(**byte, b'"' | b'\\' | 0..0x20);
                    let run = self.rest.iter().take_while(plain).count();
                    let (run, rest) = self.rest.split_at_checked(run)?;
                    bytes.extend_from_slice(run);
                    self.rest = rest;
                }
            }
        }
        whole &= flush(&mut units, &mut bytes);
        Some(if whole { String::from_utf8(bytes).ok() } else { None })
    }

    fn escape(&mut self) -> Option<u16> {
        Some(match self.next()? {
            b'n' => 0x0a,
            b't' => 0x09,
            b'r' => 0x0d,
            b'b' => 0x08,
            b'f' => 0x0c,
            byte @ (b'"' | b'\\' | b'/') => u16::from(byte),
            b'u' => {
                let mut unit = 0_u16;
                for _ in 0..4 {
                    let digit = char::from(self.next()?).to_digit(16)?;
                    unit = unit << 4 | u16::try_from(digit).ok()?;
                }
                unit
            }
            _ => return None,
        })
    }
}

/// Writes UTF-16 units as UTF-8; false when they are no text.
fn flush(units: &mut Vec<u16>, bytes: &mut Vec<u8>) -> bool {
    if units.is_empty() {
        return true;
    }
    let text = String::from_utf16(units);
    units.clear();
    text.is_ok_and(|text| {
        bytes.extend_from_slice(text.as_bytes());
        true
    })
}

/// Notes the value of a top-level member.
fn hold(
    members: &mut BTreeMap<String, String>,
    open: &[Nest],
    member: Option<&Option<String>>,
    value: Value,
) {
    if let ([Nest::Object], Some(Some(name))) = (open, member) {
        match value {
            Value::Text(text) => members.insert(name.clone(), text),
            Value::Other => members.remove(name),
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::string_members;
    use crate::seam::Payload;

    fn members(json: &str) -> Vec<(String, String)> {
        string_members(json.as_bytes()).expect("is JSON").into_iter().collect()
    }

    #[test]
    fn the_last_of_a_repeated_name_counts() {
        let x = vec![("a".to_owned(), "x".to_owned())];
        assert_eq!(members(r#"{"a":1,"a":"x"}"#), x);
        assert_eq!(members(r#"{"a":"x","a":{"a":"y"}}"#), []);
        assert_eq!(members(r#"{"b":{"a":"y"},"a":"x","c":["a"]}"#), x);
        assert_eq!(members(r#" { "\u0061" : "\u0078" } "#), x);
        assert_eq!(members(r#"{"a":"\ud83d\ude42"}"#), [("a".to_owned(), "🙂".to_owned())]);
        assert_eq!(members(r#"{"a":"\ud800","\udc00":"b"}"#), []);
        assert_eq!(members(r#"{"a":"\ud800\u0061"}"#), []);
        assert_eq!(members(r#"[{"a":"x"}]"#), []);
    }

    proptest! {
        /// Two independent readers agree on what JSON is.
        #[test]
        fn agrees_with_the_payload_on_what_is_json(
            text in r#"[\[\]{}",:a0-9eE+.\\ud800tnf \-]{0,12}"#,
        ) {
            let bytes = text.as_bytes();
            prop_assert_eq!(
                string_members(bytes).is_some(), Payload::new(bytes).is_json(), "{:?}", text
            );
        }
    }

    #[test]
    fn agrees_with_the_payload_on_hard_cases() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        for text in [
            "",
            " ",
            "nul",
            "null",
            "1e400",
            "-",
            "-0",
            "01",
            "1.",
            ".5",
            "1e",
            "1e+",
            "1E-5",
            "\"\u{1}\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\ud800\"",
            "\u{feff}{}",
            "{} {}",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "{,}",
            "{1:2}",
            "[\u{b}1]",
            "\"",
            "{\"a\":",
            "[[]",
            "[]]",
            "tru",
            "truefalse",
            &deep,
            "{\"a\":[{\"b\":{}}],\"c\":[]}",
        ] {
            let bytes = text.as_bytes();
            let json = Payload::new(bytes).is_json();
            assert_eq!(string_members(bytes).is_some(), json, "{text:.40?} is JSON: {json}");
        }
        assert_eq!(string_members(b"\"\xff\""), None);
    }
}
