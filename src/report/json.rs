//! JSON for people.

/// Below this depth nothing is broken into lines: what is nested deeper is not
/// read by people, and blanks would grow with the square of the depth.
const DEEPEST: usize = 24;

/// A JSON text with a member a line, indented by two spaces. Values keep their
/// text.
#[must_use]
pub fn indented(json: &str) -> String {
    let mut text = String::with_capacity(json.len() * 3 / 2);
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut is_escaped = false;
    let mut rest = json.chars().peekable();
    let line = |text: &mut String, depth: usize| {
        if depth < DEEPEST {
            text.push('\n');
            text.extend(std::iter::repeat_n("  ", depth));
        }
    };
    while let Some(c) = rest.next() {
        if in_string {
            text.push(c);
            in_string = is_escaped || c != '"';
            is_escaped = c == '\\' && !is_escaped;
            continue;
        }
        match c {
            ' ' | '\t' | '\n' | '\r' => {}
            '{' | '[' => {
                text.push(c);
                depth += 1;
                while rest.next_if(char::is_ascii_whitespace).is_some() {}
                if !matches!(rest.peek(), Some('}' | ']')) {
                    line(&mut text, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                if !text.ends_with(['{', '[']) {
                    line(&mut text, depth);
                }
                text.push(c);
            }
            ',' => {
                text.push(c);
                line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            c => {
                in_string = c == '"';
                text.push(c);
            }
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::indented;

    #[test]
    fn every_member_is_on_a_line_of_its_own() {
        let json = r#"{"a":[1,{"b \" ,{":"\\"},[ ]],"c":1e400,"d":{}}"#;
        let expected = "{\n  \"a\": [\n    1,\n    {\n      \"b \\\" ,{\": \"\\\\\"\n    },\n    []\n  ],\n  \"c\": 1e400,\n  \"d\": {}\n}\n";
        assert_eq!(indented(json), expected);
        assert_eq!(indented(&indented(json)), expected, "once more changes nothing");
    }

    #[test]
    fn depth_does_not_cost_its_square() {
        let deep = "[".repeat(50_000) + &"]".repeat(50_000);
        assert!(indented(&deep).len() < 4 * deep.len());
    }
}
