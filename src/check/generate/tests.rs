use std::sync::LazyLock;

use super::case;
use crate::{
    check::{
        backends::{BackendUnderTest, Simulated},
        scenario::Action,
    },
    model::working_sets::WorkingSetsSubject,
    sim::disk::SimFs,
};

/// A call that is given up goes on, and reads a clock that its client may have moved.
#[test]
fn a_clock_that_must_not_move_beside_calls_stands_still_where_they_may_overlap() {
    static FILE: LazyLock<Simulated<SimFs>> = LazyLock::new(Simulated::file);
    let capabilities = FILE.capabilities();
    let (mut alone, mut with_faults, mut moved) = (0, 0, 0);
    for number in 0..2_000 {
        let scenario = case::<WorkingSetsSubject>(7, number, &capabilities);
        let moves = |action: &Action<_>| matches!(action, Action::AdvanceClock(_));
        let is_moved = scenario.clients.iter().flatten().any(moves);
        let overlaps = scenario.clients.len() > 1 || !scenario.faults.is_none();
        assert!(!(is_moved && overlaps), "case {number}: {scenario:?}");
        with_faults += usize::from(scenario.clients.len() == 1 && !scenario.faults.is_none());
        alone += usize::from(!overlaps);
        moved += usize::from(is_moved);
    }
    assert!(with_faults > 10, "{with_faults} cases of one client with faults");
    assert!(moved > 10, "of {alone} cases of one client without faults, {moved} move the clock");
}
