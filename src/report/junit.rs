//! Results as JUnit XML, for programs that show those of tests: a suite for each
//! store on each backend, one for saved scenarios, and one for the baseline.

use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{Cell, Report, Shown, baseline::Comparison, terminal};
use crate::check::regression::{Outcome, RegressionResult};

/// The report as JUnit XML.
///
/// # Errors
/// When it can't be XML; what XML can't have is left out of texts.
pub fn junit(
    report: &Report,
    shown: &[Shown],
    comparison: Option<&Comparison>,
) -> Result<String, quick_junit::SerializeError> {
    let mut junit = quick_junit::Report::new("storeproof");
    if let Ok(time) = Duration::try_from_secs_f64(report.seconds) {
        junit.set_time(time);
    }
    for cell in &report.results {
        junit.add_test_suite(suite(report, cell, shown));
    }
    if !report.regressions.is_empty() {
        let mut suite = TestSuite::new("regressions");
        let regressions = report.regressions.iter();
        suite.add_test_cases(regressions.map(|result| regression(report, result)));
        junit.add_test_suite(suite);
    }
    if report.interrupted {
        junit.add_test_suite(not_to_the_end("interrupted: the rest was not run"));
    }
    if let Some(comparison) = comparison {
        junit.add_test_suite(baseline(comparison));
    }
    junit.to_string()
}

/// What is there until the results are: whoever finds it was not waited for.
///
/// # Errors
/// As [`junit`].
pub fn unfinished() -> Result<String, quick_junit::SerializeError> {
    let mut junit = quick_junit::Report::new("storeproof");
    junit.add_test_suite(not_to_the_end("it ended before it had results"));
    junit.to_string()
}

fn not_to_the_end(message: &str) -> TestSuite {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(message).set_type("interrupted");
    let mut suite = TestSuite::new("run");
    suite.add_test_case(case("run", "it comes to its end", status));
    suite
}

fn case(class: &str, name: impl Into<quick_junit::XmlString>, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(format!("storeproof.{class}"));
    case
}

fn failure(message: &str, kind: &str, description: String) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(message).set_type(kind).set_description(description);
    status
}

fn suite(report: &Report, cell: &Cell, shown: &[Shown]) -> TestSuite {
    let Cell { store, backend, .. } = cell;
    let mut suite = TestSuite::new(format!("{store} on {backend}"));
    let class = format!("{store}.{backend}");
    let speeds = report.speed.iter().flat_map(|speed| &speed.cells);
    let mut own = speeds.filter(|speed| (&speed.store, &speed.backend) == (store, backend));
    if let Some(Ok(time)) = own.next().map(|speed| Duration::try_from_secs_f64(speed.seconds)) {
        suite.set_time(time);
    }
    for (name, count) in [
        ("cases", cell.cases),
        ("operations", cell.totals.operations),
        ("schedules", cell.totals.schedules),
        ("crash_images", cell.totals.crash_images),
        ("violations", cell.totals.violations),
    ] {
        suite.add_property((name.to_owned(), count.to_string()));
    }
    let promise = "every case holds";
    let mut broken = 0;
    for shown in shown.iter().filter(|shown| (&shown.store, &shown.backend) == (store, backend)) {
        let signature = shown.violation.signature.to_string();
        let kind = shown.violation.signature.kind.describe();
        let mut text = terminal::violation(store, backend, &shown.violation);
        text += &format!("  {}\n  {}\n", shown.shrinking, terminal::replay(&shown.path));
        suite.add_test_case(case(&class, &*signature, failure(&signature, kind, text)));
        broken += 1;
    }
    if cell.cases == 0 {
        let mut status = TestCaseStatus::skipped();
        status.set_message("none was run");
        suite.add_test_case(case(&class, promise, status));
    } else if cell.totals.violations == 0 {
        suite.add_test_case(case(&class, promise, TestCaseStatus::success()));
    } else if broken == 0 {
        let message = format!("{} cases break a promise", cell.totals.violations);
        let status = failure(&message, "violation", message.clone());
        suite.add_test_case(case(&class, promise, status));
    }
    let name = "every required outcome is reached";
    let list = cell.missing.join(", ");
    match (report.is_demanding(), cell.missing.is_empty()) {
        (true, true) => _ = suite.add_test_case(case(&class, name, TestCaseStatus::success())),
        (true, false) => {
            let message = format!("never reached: {list}");
            let status = failure(&message, "never reached", message.clone());
            suite.add_test_case(case(&class, name, status));
        }
        // It is known, and asked of others.
        (false, false) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("not asked of this run; never reached: {list}"));
            suite.add_test_case(case(&class, name, status));
        }
        (false, true) => {}
    }
    suite
}

fn regression(report: &Report, result: &RegressionResult) -> TestCase {
    let replay = format!("{}\n", terminal::replay(&result.file));
    let status = match (result.outcome, &result.violation) {
        (Outcome::Holds, _) => TestCaseStatus::success(),
        (Outcome::Broken, Some(violation)) => {
            let text = terminal::violation(&result.store, &result.backend, violation) + "  ";
            let signature = violation.signature.to_string();
            failure(&signature, violation.signature.kind.describe(), text + &replay)
        }
        (Outcome::Broken, None) => failure("it is broken", "violation", replay),
        (Outcome::Stale, _) => failure(
            "its schedule or its faults name points that are gone: save it anew",
            "stale",
            replay,
        ),
        (Outcome::NotRun, _) if report.interrupted => TestCaseStatus::skipped(),
        (Outcome::NotRun, _) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message("not run: the time for saved scenarios was over").set_type("time");
            status
        }
    };
    case("regressions", &*result.file, status)
}

fn baseline(comparison: &Comparison) -> TestSuite {
    let mut suite = TestSuite::new("baseline");
    if comparison.worse.is_empty() {
        let name = "nothing is worse than in the baseline";
        suite.add_test_case(case("baseline", name, TestCaseStatus::success()));
    }
    for worse in &comparison.worse {
        let text = worse.to_string();
        let status = failure(&text, "worse than the baseline", text.clone());
        suite.add_test_case(case("baseline", &*text, status));
    }
    suite
}

#[cfg(test)]
mod tests {
    use super::junit;
    use crate::{
        check::{
            regression::{Outcome, RegressionResult},
            totals::Totals,
            violation::{Kind, Signature, Step, Violation},
        },
        report::{
            Cell, Report, Shown,
            baseline::{Comparison, Worse},
        },
    };

    fn violation() -> Violation {
        Violation {
            signature: Signature { kind: Kind::Outcome, rule: "\"a\" < b & c".to_owned() },
            steps: vec![Step {
                client: "1".to_owned(),
                operation: "get \"\u{1}<&]]>\"".to_owned(),
                expected: "done".to_owned(),
                got: "not_found".to_owned(),
                broken: true,
            }],
            crash: None,
        }
    }

    #[test]
    fn a_failure_has_its_signature_its_steps_and_how_to_replay_it() {
        let cell = |backend: &str, violations| Cell {
            store: "users".to_owned(),
            backend: backend.to_owned(),
            cases: 40,
            totals: Totals { violations, ..Totals::default() },
            ..Cell::default()
        };
        let result = |file: &str, outcome| RegressionResult {
            file: file.to_owned(),
            digest: String::new(),
            store: "users".to_owned(),
            backend: "memory".to_owned(),
            outcome,
            violation: None,
        };
        let mut complete = cell("sqlite", 0);
        complete.missing.push("get:corrupt".to_owned());
        let report = Report {
            profile: "smoke".to_owned(),
            seconds: 1.5,
            results: vec![cell("memory", 0), cell("file", 2), complete],
            regressions: vec![
                result("sound.json", Outcome::Holds),
                RegressionResult {
                    violation: Some(violation()),
                    ..result("broken.json", Outcome::Broken)
                },
                result("stale.json", Outcome::Stale),
                result("late.json", Outcome::NotRun),
            ],
            ..Report::default()
        };
        let shown = Shown {
            store: "users".to_owned(),
            backend: "file".to_owned(),
            violation: violation(),
            path: "out/users-file-7.json".to_owned(),
            shrinking: "shrunk to 1 steps in 3 runs".to_owned(),
        };
        let comparison =
            Comparison { worse: vec![Worse::Lost("users.get:x".to_owned())], notes: Vec::new() };
        let text = junit(&report, &[shown], Some(&comparison)).unwrap();
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!("junit", text);
        });
    }

    #[test]
    fn a_demanding_run_says_what_was_never_reached() {
        let cell = Cell { missing: vec!["get:x".to_owned()], ..Cell::default() };
        let report =
            Report { profile: "deep".to_owned(), results: vec![cell], ..Report::default() };
        let text = junit(&report, &[], None).unwrap();
        assert!(text.contains(r#"<failure message="never reached: get:x""#), "{text}");
    }
}
