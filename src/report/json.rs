//! JSON for people.

use zeroize::Zeroizing;

/// Below this depth nothing is broken into lines: what is nested deeper is not
/// read by people, and blanks would grow with the square of the depth.
const DEEPEST: usize = 24;

/// A JSON text with a member a line, indented by two spaces. Values keep their
/// text. It is made in one piece and overwritten when dropped, as there may be
/// secrets in it.
#[must_use]
pub fn indented(json: &str) -> Zeroizing<String> {
    let mut length = 0;
    write_indented(json, &mut |c| length += c.len_utf8());
    let mut text = Zeroizing::new(String::with_capacity(length));
    write_indented(json, &mut |c| text.push(c));
    text
}

fn write_indented(json: &str, write: &mut dyn FnMut(char)) {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut is_escaped = false;
    let mut has_just_opened = false;
    for c in json.chars() {
        if in_string {
            write(c);
            in_string = is_escaped || c != '"';
            is_escaped = c == '\\' && !is_escaped;
            continue;
        }
        if c.is_ascii_whitespace() {
            continue;
        }
        let closes = matches!(c, '}' | ']');
        if closes {
            depth = depth.saturating_sub(1);
        }
        if has_just_opened != closes {
            line(depth, write);
        }
        has_just_opened = matches!(c, '{' | '[');
        depth += usize::from(has_just_opened);
        in_string = c == '"';
        write(c);
        match c {
            ':' => write(' '),
            ',' => line(depth, write),
            _ => {}
        }
    }
    write('\n');
}

fn line(depth: usize, write: &mut dyn FnMut(char)) {
    if depth < DEEPEST {
        write('\n');
        (0..2 * depth).for_each(|_| write(' '));
    }
}

#[cfg(test)]
mod tests {
    use super::indented;

    #[test]
    fn every_member_is_on_a_line_of_its_own() {
        let json = r#"{"a":[1,{"b \" ,{":"\\"},[ ]],"c":1e400,"d":{}}"#;
        let expected = "{\n  \"a\": [\n    1,\n    {\n      \"b \\\" ,{\": \"\\\\\"\n    },\n    []\n  ],\n  \"c\": 1e400,\n  \"d\": {}\n}\n";
        assert_eq!(*indented(json), expected);
        assert_eq!(*indented(&indented(json)), expected, "once more changes nothing");
    }

    #[test]
    fn depth_does_not_cost_its_square() {
        let deep = "[".repeat(50_000) + &"]".repeat(50_000);
        assert!(indented(&deep).len() < 4 * deep.len());
    }
}
