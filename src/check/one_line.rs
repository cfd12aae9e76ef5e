//! Messages about what somebody handed in: it may have anything in it.

/// A message on one line, and not too long, whatever of a file is in it.
#[must_use]
pub fn one_line(message: &str) -> String {
    let plain = |c: char| matches!(c, '"' | '\'' | '\\');
    let shown = message.chars().take(MOST_OF_A_MESSAGE).flat_map(|c| {
        let escaped = (!plain(c)).then(|| c.escape_debug());
        escaped.into_iter().flatten().chain(plain(c).then_some(c))
    });
    let end = if message.chars().nth(MOST_OF_A_MESSAGE).is_some() { "…" } else { "" };
    shown.chain(end.chars()).collect()
}

const MOST_OF_A_MESSAGE: usize = 300;

#[cfg(test)]
mod tests {
    use super::{MOST_OF_A_MESSAGE, one_line};

    #[test]
    fn control_characters_are_escaped_and_the_rest_is_cut() {
        assert_eq!(one_line("a \"b\" \\ 'c'"), "a \"b\" \\ 'c'");
        assert_eq!(one_line("a\nb\u{202e}\0"), "a\\nb\\u{202e}\\0");
        let long = one_line(&"x".repeat(MOST_OF_A_MESSAGE + 1));
        assert_eq!(long.chars().count(), MOST_OF_A_MESSAGE + 1);
        assert!(long.ends_with("x…"));
    }
}
