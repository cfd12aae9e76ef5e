//! Lines in, lines out.

use std::io::{self, BufRead, Read, Write};

use super::server::Server;

/// The longest line that is read, its end not counted. A longer one is passed
/// over and answered with a parse error, so that no peer can fill the memory.
pub const MAX_LINE_BYTES: usize = 256 << 20;

/// Answers line after line, each before the next one is read, until the input
/// ends. A last line without an end is a line as well.
///
/// # Errors
/// Those of the streams.
pub fn serve(server: &mut Server, input: impl BufRead, output: impl Write) -> io::Result<()> {
    serve_lines(server, input, output, MAX_LINE_BYTES)
}

fn serve_lines(
    server: &mut Server,
    mut input: impl BufRead,
    mut output: impl Write,
    longest: usize,
) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        // One byte more than the longest line, for its end.
        let limit = u64::try_from(longest).unwrap_or(u64::MAX).saturating_add(1);
        if input.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let answer = if line.last() == Some(&b'\n') {
            line.pop();
            server.answer(&line)
        } else if line.len() > longest {
            pass_over_line(&mut input)?;
            Some(Server::refuse_long_line(longest))
        } else {
            server.answer(&line)
        };
        if let Some(mut answer) = answer {
            answer.push('\n');
            output.write_all(answer.as_bytes())?;
            output.flush()?;
        }
    }
}

/// Reads up to and including the next end of line, keeping nothing.
fn pass_over_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let (length, ended) = match input.fill_buf() {
            Ok(bytes) => match bytes.iter().position(|byte| *byte == b'\n') {
                Some(place) => (place + 1, true),
                None => (bytes.len(), bytes.is_empty()),
            },
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        input.consume(length);
        if ended {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io::BufReader, sync::Arc};

    use super::serve_lines;
    use crate::{
        driver::{BackendChoice, Server},
        seam::{OsEntropy, SystemClock},
    };

    fn answers(input: &[u8], longest: usize) -> Vec<String> {
        let clock = Arc::new(SystemClock);
        let mut server = Server::new(BackendChoice::Memory, clock, Arc::new(OsEntropy));
        let mut output = Vec::new();
        // A small buffer: lines are longer than what comes at once.
        let input = BufReader::with_capacity(7, input);
        serve_lines(&mut server, input, &mut output, longest).unwrap();
        let text = String::from_utf8(output).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
        text.lines().map(str::to_owned).collect()
    }

    const CLOSE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"close"}"#;
    const CLOSED: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;

    #[test]
    fn every_line_is_answered_also_the_last_without_an_end() {
        assert_eq!(answers(b"", 100), [""; 0]);
        assert_eq!(answers(CLOSE.as_bytes(), 100), [CLOSED]);
        let two = format!("{CLOSE}\r\n{CLOSE}\n");
        assert_eq!(answers(two.as_bytes(), 100), [CLOSED, CLOSED]);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_the_next_one_is_read() {
        let longest = CLOSE.len();
        let fits = format!("{CLOSE}\n{CLOSE}");
        assert_eq!(answers(fits.as_bytes(), longest), [CLOSED, CLOSED]);
        for long in [format!("{CLOSE} \n{CLOSE}\n"), format!("{}\n{CLOSE}", "x".repeat(1_000))] {
            let said = answers(long.as_bytes(), longest);
            assert_eq!(said.len(), 2, "{said:?}");
            assert!(said[0].contains("-32700") && said[0].contains("\"id\":null"), "{said:?}");
            assert_eq!(said[1], CLOSED);
        }
        assert_eq!(answers("x".repeat(1_000).as_bytes(), longest).len(), 1);
    }
}
