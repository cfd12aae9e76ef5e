//! Results as text that one can read at a glance.

use std::fmt::Write;

use super::{Cell, Report};
use crate::check::{
    exhaustive::Scopes,
    totals::Totals,
    violation::{Step, Violation},
};

/// A number with its digits in groups of three.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A path as one can type it.
#[must_use]
pub fn as_argument(path: &str) -> String {
    if path.contains(|c: char| c.is_whitespace() || c == '\'' || c == '"') {
        format!("'{}'", path.replace('\'', "'\\''"))
    } else {
        path.to_owned()
    }
}

/// What to type to run the scenario of this file again.
#[must_use]
pub fn replay(path: &str) -> String {
    format!("replay: storeproof replay {}", as_argument(path))
}

/// The table store × backend with its sums.
#[must_use]
pub fn table(report: &Report) -> String {
    let head = ["store", "backend", "cases", "operations", "schedules", "crash images", "verdict"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(report.results.iter().map(row_of));
    let cases = report.results.iter().map(|cell| cell.cases).fold(0, u64::saturating_add);
    rows.push(row(["total", ""], cases, &report.totals(), String::new()));
    aligned(&rows, &[2, 3, 4, 5])
}

/// What was covered of small scopes that were run in every interleaving; empty
/// where there were none.
#[must_use]
pub fn scopes(report: &Report) -> String {
    let scopes = report.totals().scopes;
    if scopes.is_empty() {
        return String::new();
    }
    let Scopes { whole, bounded, cut, interleavings } = scopes;
    format!(
        "Every interleaving of 2 clients x 2 operations: all of {} scopes, all with few preemptions \
         of {}, the first ones of {} (cut short); {} interleavings.\n",
        grouped(whole),
        grouped(bounded),
        grouped(cut),
        grouped(interleavings)
    )
}

fn row_of(cell: &Cell) -> [String; 7] {
    let verdict = match (cell.totals.violations, cell.missing.len()) {
        (0, 0) => "holds".to_owned(),
        (0, missing) => format!("{missing} outcomes never reached"),
        (violations, _) => format!("VIOLATED in {} cases", grouped(violations)),
    };
    row([&cell.store, &cell.backend], cell.cases, &cell.totals, verdict)
}

fn row([store, backend]: [&str; 2], cases: u64, totals: &Totals, verdict: String) -> [String; 7] {
    let Totals { operations, schedules, crash_images, .. } = *totals;
    let [cases, operations, schedules, crash_images] =
        [cases, operations, schedules, crash_images].map(grouped);
    [store.to_owned(), backend.to_owned(), cases, operations, schedules, crash_images, verdict]
}

/// A violation as a reader needs it: the steps as a table, and the rule.
#[must_use]
pub fn violation(store: &str, backend: &str, violation: &Violation) -> String {
    let mut text = String::new();
    let kind = violation.signature.kind.describe();
    // Writing to a string never fails.
    let _ = writeln!(text, "VIOLATION  {store} on {backend}: {kind}");
    let mut rows = vec![["client", "operation", "expected", "got", ""].map(str::to_owned)];
    rows.extend(violation.steps.iter().map(step));
    for line in aligned(&rows, &[]).lines() {
        let _ = writeln!(text, "  {line}");
    }
    for step in violation.steps.iter().filter(|step| step.broken) {
        // What the table had no room for.
        if cut(&step.expected, CELL) != step.expected || cut(&step.got, CELL) != step.got {
            let _ = writeln!(text, "  expected: {}", cut(&step.expected, LINE));
            let _ = writeln!(text, "  got:      {}", cut(&step.got, LINE));
        }
    }
    if let Some(crash) = &violation.crash {
        let _ = writeln!(text, "  crash: {crash}");
    }
    let _ = writeln!(text, "  rule:  {}", violation.signature.rule);
    text
}

fn step(step: &Step) -> [String; 5] {
    let mark = if step.broken { "<-- broken" } else { "" };
    [
        step.client.clone(),
        cut(&step.operation, OPERATION),
        cut(&step.expected, CELL),
        cut(&step.got, CELL),
        mark.to_owned(),
    ]
}

/// How many characters of an operation a table shows.
const OPERATION: usize = 60;
/// How many of what was expected, and of what came back.
const CELL: usize = 36;
/// How many of either on a line of its own.
const LINE: usize = 1_000;

/// At most so many characters, on one line. Everything is in the replay file.
fn cut(text: &str, most: usize) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Columns of equal width; those in `numbers` are aligned to the right.
#[must_use]
pub fn aligned<const N: usize>(rows: &[[String; N]], numbers: &[usize]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let room = widths.get(column).copied().unwrap_or(0);
            let _ = if numbers.contains(&column) {
                write!(line, "{cell:>room$}  ")
            } else {
                write!(line, "{cell:<room$}  ")
            };
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{aligned, cut, grouped};

    #[test]
    fn digits_stand_in_groups_of_three() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1 000"), (1_234_567, "1 234 567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn columns_line_up_and_lines_end_without_blanks() {
        let rows = [["a", "b"], ["long", "1"]].map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&rows, &[1]), "a     b\nlong  1\n");
    }

    #[test]
    fn a_cell_stays_on_one_line_of_bounded_length() {
        assert_eq!(cut("a\nb", 10), "a b");
        assert_eq!(cut(&"é".repeat(500), 10).chars().count(), 10);
    }
}
