//! What becomes of a schedule when a part of what it schedules goes.
//!
//! Preemptions keep naming the points that they named. Where such a point is gone,
//! who ran next still does: otherwise a client that has nothing to do with the
//! failure could not go, only because it stands between two that have.

use std::borrow::Cow;

use crate::sim::schedule::Preemption;

/// Where a run begins: the choice of the first client.
fn is_start(preemption: &Preemption) -> bool {
    preemption.step == "start"
}

/// Client `client` no longer has its action number `action`; `is_last`: none came
/// after it. It is left at the beginning of the next action, or at the end of the
/// one before, for whom it was last left for.
pub(super) fn forget_action(
    list: &mut Vec<Preemption>,
    client: usize,
    action: usize,
    is_last: bool,
) {
    let is_in = |preemption: &Preemption| {
        preemption.client == client && preemption.operation == action && !is_start(preemption)
    };
    let left_for = list.iter().rposition(is_in).and_then(|place| {
        let to = list.get(place)?.to;
        let (operation, step) = match (is_last, action.checked_sub(1)) {
            (false, _) => (action, "begin"),
            (true, Some(before)) => (before, "end"),
            (true, None) => return None,
        };
        Some((place, Preemption { client, operation, step: step.into(), occurrence: 0, to }))
    });
    let mut kept: Vec<Preemption> = Vec::with_capacity(list.len());
    for (place, mut preemption) in std::mem::take(list).into_iter().enumerate() {
        if is_in(&preemption) {
            let instead = left_for.as_ref().filter(|(last, _)| *last == place);
            kept.extend(instead.map(|(_, instead)| instead.clone()));
            continue;
        }
        if preemption.client == client && preemption.operation > action {
            preemption.operation -= 1;
        }
        kept.push(preemption);
    }
    *list = kept;
}

/// Client `gone` is no longer there, and those after it have numbers less by one.
/// Who ran when it was left now runs at once.
pub(super) fn forget_client(list: &mut Vec<Preemption>, gone: usize) {
    let new = |client: usize| if client > gone { client - 1 } else { client };
    let left_for = |from: usize| {
        let later = list.iter().skip(from);
        later.filter(|p| p.client == gone && !is_start(p)).map(|p| p.to).next()
    };
    let mut kept = Vec::with_capacity(list.len());
    if gone == 0 && !list.iter().any(is_start) {
        let first = left_for(0).map(new).filter(|first| *first != 0);
        kept.extend(first.map(|to| Preemption {
            client: 0,
            operation: 0,
            step: Cow::Borrowed("start"),
            occurrence: 0,
            to,
        }));
    }
    for (place, preemption) in list.iter().enumerate() {
        let start = is_start(preemption);
        if preemption.client == gone && !start {
            continue;
        }
        let to = if preemption.to == gone { left_for(place + 1) } else { Some(preemption.to) };
        let client = if start { 0 } else { new(preemption.client) };
        let to = to.filter(|to| *to != gone).map(new).filter(|to| *to != client);
        kept.extend(to.map(|to| Preemption { client, to, ..preemption.clone() }));
    }
    *list = kept;
}

#[cfg(test)]
mod tests {
    use super::{forget_action, forget_client};
    use crate::sim::schedule::Preemption;

    fn at(client: usize, operation: usize, step: &'static str, to: usize) -> Preemption {
        Preemption { client, operation, step: step.into(), occurrence: 0, to }
    }

    #[test]
    fn who_ran_after_a_client_that_goes_runs_in_its_place() {
        let mut list = vec![
            at(0, 0, "start", 1),
            at(1, 0, "get", 2),
            at(2, 0, "end", 0),
            at(0, 1, "put", 2),
            at(0, 2, "put", 1),
        ];
        forget_client(&mut list, 2);
        let expected = [at(0, 0, "start", 1), at(1, 0, "get", 0), at(0, 2, "put", 1)];
        assert_eq!(list, expected, "what nobody follows is dropped");
        let mut list = vec![at(0, 0, "get", 2), at(2, 0, "get", 1)];
        forget_client(&mut list, 0);
        assert_eq!(list, [at(0, 0, "start", 1), at(1, 0, "get", 0)], "the first one goes");
    }

    #[test]
    fn a_client_is_still_left_where_an_action_is_gone() {
        let list = vec![at(0, 0, "begin", 1), at(0, 0, "get", 1), at(0, 1, "get", 1)];
        let mut first = list.clone();
        forget_action(&mut first, 0, 0, false);
        assert_eq!(first, [at(0, 0, "begin", 1), at(0, 0, "get", 1)]);
        let mut last = list;
        forget_action(&mut last, 0, 1, true);
        assert_eq!(last, [at(0, 0, "begin", 1), at(0, 0, "get", 1), at(0, 0, "end", 1)]);
    }
}
