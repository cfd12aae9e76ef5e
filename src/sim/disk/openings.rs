//! Which files are open, and who holds or awaits their locks.

use std::{
    collections::{BTreeMap, VecDeque},
    task::Waker,
};

use super::trace::NodeId;

/// One opening of a file: what POSIX calls an open file description. An
/// exclusive lock belongs to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpeningId(u64);

/// One call that waits for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// The open files of one disk.
#[derive(Debug, Default)]
pub(super) struct Openings {
    files: BTreeMap<NodeId, OpenFile>,
    next: u64,
}

#[derive(Debug, Default)]
struct OpenFile {
    openings: u32,
    holder: Option<Holder>,
    /// In order of arrival. Those whose opening was given the lock stay until
    /// they are polled and see it.
    waiters: VecDeque<Waiter>,
}

#[derive(Debug)]
struct Holder {
    opening: OpeningId,
    /// Some call of this opening has returned with the lock.
    seen: bool,
}

#[derive(Debug)]
struct Waiter {
    ticket: Ticket,
    opening: OpeningId,
    waker: Waker,
}

/// What asking for a lock came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The opening has got it just now.
    Taken,
    /// The opening has it already.
    Held,
    /// Another has it; whoever waits is woken.
    Waiting(Ticket),
}

/// What closing a file came to.
#[derive(Debug, Default)]
pub(super) struct Closed {
    /// It held the lock, which is now free or the next one's.
    pub(super) unlocked: bool,
    /// Nobody has the file open any more.
    pub(super) last: bool,
    /// To be woken once no lock of ours is held.
    pub(super) wake: Vec<Waker>,
}

impl Openings {
    pub(super) fn open(&mut self, file: NodeId) -> OpeningId {
        self.files.entry(file).or_default().openings += 1;
        OpeningId(self.number())
    }

    pub(super) fn is_open(&self, file: NodeId) -> bool {
        self.files.contains_key(&file)
    }

    pub(super) fn close(&mut self, file: NodeId, opening: OpeningId) -> Closed {
        let mut closed = Closed::default();
        let Some(open) = self.files.get_mut(&file) else {
            return closed;
        };
        if open.is_held_by(opening) {
            closed.unlocked = true;
            closed.wake = open.hand_on();
        }
        open.openings = open.openings.saturating_sub(1);
        if open.openings == 0 {
            self.files.remove(&file);
            closed.last = true;
        }
        closed
    }

    /// Takes the lock if it is free; none when another has it.
    pub(super) fn try_lock(&mut self, file: NodeId, opening: OpeningId) -> Option<Asked> {
        let open = self.files.entry(file).or_default();
        match &mut open.holder {
            None => {
                open.holder = Some(Holder { opening, seen: true });
                Some(Asked::Taken)
            }
            Some(holder) if holder.opening == opening => {
                let first = !std::mem::replace(&mut holder.seen, true);
                Some(if first { Asked::Taken } else { Asked::Held })
            }
            Some(_) => None,
        }
    }

    /// Takes the lock, or queues for it. `ticket` is what an earlier poll of
    /// the same call came to.
    pub(super) fn poll_lock(
        &mut self,
        file: NodeId,
        opening: OpeningId,
        ticket: Option<Ticket>,
        waker: &Waker,
    ) -> Asked {
        if let Some(asked) = self.try_lock(file, opening) {
            if let (Some(ticket), Some(open)) = (ticket, self.files.get_mut(&file)) {
                open.waiters.retain(|waiter| waiter.ticket != ticket);
            }
            return asked;
        }
        let fresh = Ticket(self.number());
        let waiters = &mut self.files.entry(file).or_default().waiters;
        let queued = waiters.iter_mut().find(|waiter| Some(waiter.ticket) == ticket);
        if let Some(waiter) = queued {
            waiter.waker.clone_from(waker);
            return Asked::Waiting(waiter.ticket);
        }
        waiters.push_back(Waiter { ticket: fresh, opening, waker: waker.clone() });
        Asked::Waiting(fresh)
    }

    /// A call gives up. What it was given and has not seen goes on to the next.
    pub(super) fn give_up(
        &mut self,
        file: NodeId,
        opening: OpeningId,
        ticket: Ticket,
    ) -> Vec<Waker> {
        let Some(open) = self.files.get_mut(&file) else {
            return Vec::new();
        };
        open.waiters.retain(|waiter| waiter.ticket != ticket);
        let unseen =
            matches!(&open.holder, Some(holder) if holder.opening == opening && !holder.seen);
        if unseen { open.hand_on() } else { Vec::new() }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl OpenFile {
    fn is_held_by(&self, opening: OpeningId) -> bool {
        matches!(&self.holder, Some(holder) if holder.opening == opening)
    }

    /// Gives the lock to the opening that waits longest. Nobody else can take
    /// it meanwhile, so that the order is that of arrival.
    fn hand_on(&mut self) -> Vec<Waker> {
        let Some(opening) = self.waiters.front().map(|waiter| waiter.opening) else {
            self.holder = None;
            return Vec::new();
        };
        self.holder = Some(Holder { opening, seen: false });
        let calls = self.waiters.iter().filter(|waiter| waiter.opening == opening);
        calls.map(|waiter| waiter.waker.clone()).collect()
    }
}
