//! From a history without an explanation to a table that one can read.

use super::{
    faults::Unjustified,
    history::{Call, Phase},
    linearize::Unexplained,
    scenario::{Action, Scenario},
    violation::{Kind, Signature, Step, Violation},
};
use crate::model::subject::{Broken, Operation, Subject, Verdict};

/// What to show for a history that the model does not explain.
pub(super) fn history<S: Subject>(
    kind: Kind,
    calls: &[Call<S>],
    unexplained: &Unexplained<S>,
) -> Violation {
    let stuck = unexplained.stuck.as_ref();
    let rule = stuck
        .map_or("some order of the calls explains what they returned", |(_, broken)| broken.rule);
    let broken = stuck.map(|(place, broken)| (*place, broken.expected.describe()));
    let steps = steps(calls, broken.as_ref(), |k| unexplained.order.contains(&k));
    Violation { signature: Signature { kind, rule: rule.to_owned() }, steps, crash: None }
}

/// What to show for a call that says of the storage what nothing justifies.
pub(super) fn unjustified<S: Subject>(
    kind: Kind,
    calls: &[Call<S>],
    unjustified: &Unjustified,
) -> Violation {
    let broken = (unjustified.call, unjustified.expected.to_owned());
    let steps = steps(calls, Some(&broken), |_| true);
    let signature = Signature { kind, rule: unjustified.rule.to_owned() };
    Violation { signature, steps, crash: None }
}

/// The violation with the steps that led to it, each of which was right.
pub(super) fn with_steps<S: Subject>(violation: Violation, calls: &[Call<S>]) -> Violation {
    Violation { steps: steps(calls, None, |_| true), ..violation }
}

/// A row for each call; `broken` is the place of one that could not follow, and
/// what was expected of it.
fn steps<S: Subject>(
    calls: &[Call<S>],
    broken: Option<&(usize, String)>,
    is_explained: impl Fn(usize) -> bool,
) -> Vec<Step> {
    let steps = calls.iter().enumerate().map(|(k, call)| {
        let got = call.describe_outcome();
        let broken = broken.filter(|(place, _)| *place == k);
        Step {
            client: match call.phase {
                Phase::Setup => "setup".to_owned(),
                Phase::Clients => (call.client + 1).to_string(),
                Phase::Recovered => "then".to_owned(),
                Phase::Afterwards => "after".to_owned(),
            },
            operation: call.describe(),
            expected: match broken {
                Some((_, expected)) => expected.clone(),
                None if is_explained(k) => got.clone(),
                None => String::new(),
            },
            got,
            broken: broken.is_some(),
        }
    });
    // What was looked at after the run is told only where it matters.
    steps.filter(|step| step.client != "after" || step.broken).collect()
}

/// What to show for a run that ended before it had a history.
pub(super) fn without_history<Op: Operation>(
    kind: Kind,
    rule: String,
    scenario: &Scenario<Op>,
) -> Violation {
    let steps = steps_of(scenario).collect();
    Violation { signature: Signature { kind, rule }, steps, crash: None }
}

/// What to show for one client's action that was wrong, the one at `place` among the
/// scenario's.
pub(super) fn alone<Op: Operation, Seen: Verdict>(
    scenario: &Scenario<Op>,
    place: usize,
    broken: &Broken<Seen>,
    seen: &Seen,
) -> Violation {
    let mut steps: Vec<Step> = steps_of(scenario).take(place + 1).collect();
    if let Some(step) = steps.last_mut() {
        (step.expected, step.got) = (broken.expected.describe(), seen.describe());
        step.broken = true;
    }
    let signature = Signature { kind: Kind::Outcome, rule: broken.rule.to_owned() };
    Violation { signature, steps, crash: None }
}

/// The steps of a scenario, whatever came of them.
pub(super) fn steps_of<Op: Operation>(scenario: &Scenario<Op>) -> impl Iterator<Item = Step> {
    let setup = scenario.setup.iter().map(|action| ("setup".to_owned(), action));
    let clients = scenario.clients.iter().enumerate();
    let clients = clients.flat_map(|(client, actions)| {
        actions.iter().map(move |action| ((client + 1).to_string(), action))
    });
    let then = scenario.crashes().flat_map(|crash| &crash.then);
    let then = then.map(|action| ("then".to_owned(), action));
    setup.chain(clients).chain(then).map(|(client, action)| Step {
        client,
        operation: describe_action(action),
        expected: String::new(),
        got: String::new(),
        broken: false,
    })
}

/// An action in words.
pub(super) fn describe_action<Op: Operation>(action: &Action<Op>) -> String {
    match action {
        Action::Call(op) => op.describe(),
        Action::Older(action) => action.describe(),
        Action::AdvanceClock(seconds) => format!("(the clock moves by {seconds} s)"),
        Action::Reopen { variant: 0 } => "(opens the storage anew)".into(),
        Action::Reopen { variant } => format!("(opens the storage anew, variant {variant})"),
    }
}
