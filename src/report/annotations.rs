//! Results as workflow commands of GitHub Actions, which shows them beside a change.
//!
//! A command is a line `::error title=…::message`. The message has `%`, CR and LF
//! encoded as a URL has them, a property `:` and `,`, too.

use std::fmt::Write;

use super::{Report, Shown, baseline::Comparison, terminal};

/// A line for each thing that is wrong, and for each that is worth knowing.
#[must_use]
pub fn annotations(report: &Report, shown: &[Shown], comparison: Option<&Comparison>) -> String {
    let mut lines = String::new();
    for Shown { store, backend, violation, path, .. } in shown {
        let title = format!("{store} on {backend}: {}", violation.signature.kind.describe());
        let text = terminal::violation(store, backend, violation);
        let text = format!("{text}  {}", terminal::replay(path));
        command(&mut lines, "error", &title, &text);
    }
    for regression in report.failed_regressions() {
        let title = format!("saved scenario: {}", regression.outcome.describe());
        let mut text = format!("{}\n", regression.file);
        if let Some(violation) = &regression.violation {
            text += &terminal::violation(&regression.store, &regression.backend, violation);
        }
        text += &format!("  {}", terminal::replay(&regression.file));
        command(&mut lines, "error", &title, &text);
    }
    let level = if report.is_demanding() { "error" } else { "warning" };
    // What one part does not reach, others do.
    let whole = report.results.iter().filter(|_| report.shard.is_none());
    for cell in whole.filter(|cell| !cell.missing.is_empty()) {
        let title = format!("{} on {}: never reached", cell.store, cell.backend);
        command(&mut lines, level, &title, &cell.missing.join(", "));
    }
    for worse in comparison.iter().flat_map(|comparison| &comparison.worse) {
        command(&mut lines, "error", "worse than the baseline", &worse.to_string());
    }
    for note in comparison.iter().flat_map(|comparison| &comparison.notes) {
        command(&mut lines, "warning", "the baseline", note);
    }
    lines
}

fn command(lines: &mut String, level: &str, title: &str, message: &str) {
    let message = encoded(message, &[]);
    let title = encoded(title, &[':', ',']);
    // Writing to a string never fails.
    let _ = writeln!(lines, "::{level} title={title}::{message}");
}

fn encoded(text: &str, further: &[char]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '\r' | '\n') || further.contains(&c) {
            let _ = write!(encoded, "%{:02X}", u32::from(c));
        } else {
            encoded.push(c);
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::annotations;
    use crate::{
        check::violation::{Kind, Signature, Violation},
        report::{
            Cell, Report, Shown,
            baseline::{Comparison, Worse},
        },
    };

    #[test]
    fn each_problem_is_one_line() {
        let cell = Cell {
            store: "users".to_owned(),
            backend: "file".to_owned(),
            missing: vec!["get:a".to_owned(), "get:b".to_owned()],
            ..Cell::default()
        };
        let report = Report {
            profile: "smoke".to_owned(),
            results: vec![cell.clone()],
            ..Report::default()
        };
        let shown = Shown {
            store: "users".to_owned(),
            backend: "file".to_owned(),
            violation: Violation {
                signature: Signature { kind: Kind::Deadlock, rule: "100%\r\n".to_owned() },
                steps: Vec::new(),
                crash: None,
            },
            path: "it's.json".to_owned(),
            shrinking: String::new(),
        };
        let comparison = Comparison {
            worse: vec![Worse::Lost("users.get:x".to_owned())],
            notes: vec!["not compared are speeds: none".to_owned()],
        };
        let text = annotations(&report, &[shown], Some(&comparison));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(
            lines[0].starts_with("::error title=users on file%3A deadlock::VIOLATION"),
            "{text}"
        );
        assert!(lines[0].contains("100%25%0D%0A"), "{text}");
        assert!(lines[0].ends_with(r"%0A  replay: storeproof replay 'it'\''s.json'"), "{text}");
        assert_eq!(lines[1], "::warning title=users on file%3A never reached::get:a, get:b");
        assert!(lines[2].starts_with("::error title=worse than the baseline::users.get:x was"));
        assert!(lines[3].starts_with("::warning title=the baseline::not compared are speeds"));
        let demanding =
            Report { profile: "default".to_owned(), results: vec![cell], ..Report::default() };
        assert!(annotations(&demanding, &[], None).starts_with("::error title=users"));
        let part = Report { shard: Some("1/2".to_owned()), ..demanding };
        assert_eq!(annotations(&part, &[], None), "", "what a part misses says nothing");
        assert_eq!(annotations(&Report::default(), &[], None), "");
    }
}
