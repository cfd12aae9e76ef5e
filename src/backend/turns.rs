//! Who may write when: calls on the same records one after the other, in the order in
//! which they began.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use crate::seam::RecordId;

/// The line in which the calls of a collection stand.
#[derive(Default)]
pub(crate) struct Turns(Mutex<Line>);

#[derive(Default)]
struct Line {
    last: u64,
    /// Those who wait and those whose turn it is, by their numbers.
    calls: BTreeMap<u64, Waiting>,
}

struct Waiting {
    scope: Scope,
    waker: Option<Waker>,
}

/// What a call may write.
enum Scope {
    /// These records.
    Records(Vec<RecordId>),
    /// Any.
    Everything,
}

impl Scope {
    fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Everything, _) | (_, Self::Everything) => true,
            (Self::Records(own), Self::Records(others)) => own.iter().any(|id| others.contains(id)),
        }
    }
}

/// A place in the line. It is left when this is dropped.
pub(crate) struct Turn<'t> {
    turns: &'t Turns,
    number: u64,
}

impl Turns {
    /// Waits until nobody who came before writes any of these records.
    pub(crate) async fn records(&self, ids: Vec<RecordId>) -> Turn<'_> {
        self.take(Scope::Records(ids)).await
    }

    /// Waits until nobody who came before writes anything.
    pub(crate) async fn everything(&self) -> Turn<'_> {
        self.take(Scope::Everything).await
    }

    async fn take(&self, scope: Scope) -> Turn<'_> {
        let number = {
            let mut line = self.line();
            line.last += 1;
            let number = line.last;
            line.calls.insert(number, Waiting { scope, waker: None });
            number
        };
        let turn = Turn { turns: self, number };
        poll_fn(|context| turn.poll(context)).await;
        turn
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    fn poll(&self, context: &Context<'_>) -> Poll<()> {
        let mut line = self.turns.line();
        let is_next = line.calls.get(&self.number).is_none_or(|own| {
            !line.calls.range(..self.number).any(|(_, other)| own.scope.overlaps(&other.scope))
        });
        if is_next {
            return Poll::Ready(());
        }
        if let Some(own) = line.calls.get_mut(&self.number) {
            own.waker = Some(context.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let freed: Vec<Waker> = {
            let mut line = self.turns.line();
            line.calls.remove(&self.number);
            line.calls.values_mut().filter_map(|waiting| waiting.waker.take()).collect()
        };
        freed.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};

    use super::*;

    fn id(text: &str) -> RecordId {
        RecordId::new(text).unwrap()
    }

    fn poll<'t>(taking: Pin<&mut impl Future<Output = Turn<'t>>>) -> Option<Turn<'t>> {
        match taking.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(turn) => Some(turn),
            Poll::Pending => None,
        }
    }

    #[test]
    fn calls_on_other_records_do_not_wait_and_those_on_the_same_come_in_order() {
        let turns = Turns::default();
        let mut first = pin!(turns.records(vec![id("a"), id("b")]));
        let mut second = pin!(turns.records(vec![id("b"), id("c")]));
        let mut third = pin!(turns.records(vec![id("c")]));
        let mut other = pin!(turns.records(vec![id("d")]));
        let turn = poll(first.as_mut()).expect("nobody is before it");
        assert!(poll(second.as_mut()).is_none(), "b is being written");
        assert!(poll(third.as_mut()).is_none(), "who waits for c came before");
        assert!(poll(other.as_mut()).is_some(), "nobody writes d");
        drop(turn);
        let turn = poll(second.as_mut()).expect("b is free");
        assert!(poll(third.as_mut()).is_none());
        drop(turn);
        assert!(poll(third.as_mut()).is_some());
    }

    #[test]
    fn everything_waits_for_all_and_all_wait_for_it() {
        let turns = Turns::default();
        let mut first = pin!(turns.records(vec![id("a")]));
        let mut everything = pin!(turns.everything());
        let mut last = pin!(turns.records(vec![id("z")]));
        let turn = poll(first.as_mut()).unwrap();
        assert!(poll(everything.as_mut()).is_none());
        assert!(poll(last.as_mut()).is_none());
        drop(turn);
        let turn = poll(everything.as_mut()).unwrap();
        assert!(poll(last.as_mut()).is_none());
        drop(turn);
        assert!(poll(last.as_mut()).is_some());
    }

    #[test]
    fn who_gives_up_leaves_the_line() {
        let turns = Turns::default();
        let turn = poll(pin!(turns.records(vec![id("a")]))).unwrap();
        let mut last = pin!(turns.records(vec![id("a")]));
        {
            let mut second = pin!(turns.everything());
            assert!(poll(second.as_mut()).is_none());
            assert!(poll(last.as_mut()).is_none());
        }
        drop(turn);
        assert!(poll(last.as_mut()).is_some());
    }
}
