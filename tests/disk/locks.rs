//! Locks exclude every other opening, are released by closing, and are given in
//! order of arrival.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
};

use storeproof::fs::{Access, Fs};

use super::{alone, real, simulated};

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Count {
    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn poll<T>(future: Pin<&mut impl Future<Output = T>>, count: &Arc<Count>) -> Poll<T> {
    future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(count))))
}

fn opened<F: Fs>(fs: &F) -> F::File {
    alone(fs.open_file(&fs.root(), "lock", Access::ReadWrite)).expect("the file is there")
}

fn prepared<F: Fs>(fs: F) -> F {
    alone(fs.create_file(&fs.root(), "lock")).expect("the name is free");
    fs
}

fn try_lock<F: Fs>(fs: &F, file: &F::File) -> bool {
    alone(fs.try_lock(file)).expect("locks work here")
}

fn lock_excludes_other_openings<F: Fs>(fs: &F) {
    let (first, second) = (opened(fs), opened(fs));
    alone(fs.lock(&first)).expect("nobody has it");
    assert!(!try_lock(fs, &second), "two openings hold the lock");
    assert!(try_lock(fs, &first), "the holder asks again and is refused");
    alone(fs.lock(&first)).expect("the holder waits for itself");
    drop(first);
    assert!(try_lock(fs, &second), "closing did not release the lock");
    // A reader's opening is as good as a writer's.
    let third = alone(fs.open_file(&fs.root(), "lock", Access::Read)).expect("it is there");
    assert!(!try_lock(fs, &third));
    drop(second);
    assert!(try_lock(fs, &third));
    // The lock is the file's, not the name's.
    alone(fs.rename(&fs.root(), "lock", &fs.root(), "old")).expect("renamed");
    let other = alone(fs.create_file(&fs.root(), "lock")).expect("the name is free");
    assert!(try_lock(fs, &other), "another file of that name is locked");
    let renamed = alone(fs.open_file(&fs.root(), "old", Access::Read)).expect("it is there");
    assert!(!try_lock(fs, &renamed), "renaming released the lock");
}

#[test]
fn a_lock_excludes_every_other_opening_on_the_simulated_disk() {
    lock_excludes_other_openings(&prepared(simulated()));
}

#[test]
fn a_lock_excludes_every_other_opening_on_real_files() {
    let (_dir, fs) = real();
    lock_excludes_other_openings(&prepared(fs));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a blocking call takes a thread to block")]
fn waiting_for_a_real_lock_blocks_until_it_is_released() {
    let (_dir, fs) = real();
    let fs = prepared(fs);
    let (holder, waiter) = (opened(&fs), opened(&fs));
    alone(fs.lock(&holder)).expect("nobody has it");
    let (events, order) = mpsc::channel();
    let waiting = std::thread::spawn({
        let events = events.clone();
        move || {
            events.send("waits").expect("the test is there");
            alone(fs.lock(&waiter)).expect("it is given in the end");
            events.send("has it").expect("the test is there");
        }
    });
    assert_eq!(order.recv(), Ok("waits"));
    // Time enough for a lock that does not exclude to be given.
    assert!(order.recv_timeout(std::time::Duration::from_millis(20)).is_err(), "not excluded");
    events.send("released").expect("the test is there");
    drop(holder);
    assert_eq!((order.recv(), order.recv()), (Ok("released"), Ok("has it")));
    waiting.join().expect("it ended well");
}

#[test]
fn waiters_are_woken_one_by_one_in_order_of_arrival() {
    let fs = prepared(simulated());
    let holder = opened(&fs);
    alone(fs.lock(&holder)).expect("nobody has it");
    let (first, second) = (opened(&fs), opened(&fs));
    let counts = [Arc::<Count>::default(), Arc::default()];
    let mut first_wait = pin!(fs.lock(&first));
    let mut second_wait = pin!(fs.lock(&second));
    assert!(poll(first_wait.as_mut(), &counts[0]).is_pending());
    assert!(poll(second_wait.as_mut(), &counts[1]).is_pending());

    drop(holder);
    assert_eq!(counts.each_ref().map(|count| count.get()), [1, 0], "only the first is woken");
    // Neither the other waiter nor a newcomer gets in between.
    assert!(poll(second_wait.as_mut(), &counts[1]).is_pending(), "overtaken by the second");
    let newcomer = opened(&fs);
    assert!(!try_lock(&fs, &newcomer), "overtaken by a newcomer");
    assert!(poll(first_wait.as_mut(), &counts[0]).is_ready());
    assert_eq!(counts[1].get(), 0, "the second is woken while the first has the lock");
}

#[test]
fn spurious_polls_change_nothing_but_the_waker() {
    let fs = prepared(simulated());
    let (holder, waiter) = (opened(&fs), opened(&fs));
    alone(fs.lock(&holder)).expect("nobody has it");
    let (old, new) = (Arc::<Count>::default(), Arc::<Count>::default());
    let mut wait = pin!(fs.lock(&waiter));
    for count in [&old, &old, &new] {
        assert!(poll(wait.as_mut(), count).is_pending());
    }
    drop(holder);
    assert_eq!((old.get(), new.get()), (0, 1), "only the last waker counts, and only once");
    assert!(poll(wait.as_mut(), &new).is_ready());
}

#[test]
fn a_dropped_waiter_leaves_the_queue() {
    let fs = prepared(simulated());
    let holder = opened(&fs);
    alone(fs.lock(&holder)).expect("nobody has it");
    let (gone, stays) = (opened(&fs), opened(&fs));
    let count = Arc::<Count>::default();
    let mut stays_wait = pin!(fs.lock(&stays));
    {
        let mut gone_wait = pin!(fs.lock(&gone));
        assert!(poll(gone_wait.as_mut(), &Arc::default()).is_pending());
        assert!(poll(stays_wait.as_mut(), &count).is_pending());
    }
    drop(holder);
    assert_eq!(count.get(), 1, "the lock was given to one who had left");
    assert!(poll(stays_wait.as_mut(), &count).is_ready());
    assert!(!try_lock(&fs, &gone));
}

#[test]
fn a_waiter_dropped_after_it_was_woken_hands_the_lock_on() {
    let fs = prepared(simulated());
    let holder = opened(&fs);
    alone(fs.lock(&holder)).expect("nobody has it");
    let (gone, stays) = (opened(&fs), opened(&fs));
    let count = Arc::<Count>::default();
    let mut stays_wait = pin!(fs.lock(&stays));
    {
        let mut gone_wait = pin!(fs.lock(&gone));
        let woken = Arc::<Count>::default();
        assert!(poll(gone_wait.as_mut(), &woken).is_pending());
        assert!(poll(stays_wait.as_mut(), &count).is_pending());
        drop(holder);
        assert_eq!(woken.get(), 1);
    }
    assert_eq!(count.get(), 1, "the wake-up is lost");
    assert!(poll(stays_wait.as_mut(), &count).is_ready());
}

#[test]
fn two_calls_of_one_opening_get_the_lock_together() {
    let fs = prepared(simulated());
    let (holder, waiter) = (opened(&fs), opened(&fs));
    alone(fs.lock(&holder)).expect("nobody has it");
    let counts = [Arc::<Count>::default(), Arc::default()];
    let mut first = pin!(fs.lock(&waiter));
    {
        let mut second = pin!(fs.lock(&waiter));
        assert!(poll(first.as_mut(), &counts[0]).is_pending());
        assert!(poll(second.as_mut(), &counts[1]).is_pending());
        drop(holder);
        assert_eq!(counts.each_ref().map(|count| count.get()), [1, 1]);
        assert!(poll(second.as_mut(), &counts[1]).is_ready());
    }
    assert!(!try_lock(&fs, &opened(&fs)), "one call's end released the other's lock");
    assert!(poll(first.as_mut(), &counts[0]).is_ready());
}

#[test]
fn one_of_two_calls_that_is_dropped_leaves_the_lock_to_the_other() {
    let fs = prepared(simulated());
    let (holder, waiter, next) = (opened(&fs), opened(&fs), opened(&fs));
    alone(fs.lock(&holder)).expect("nobody has it");
    let count = Arc::<Count>::default();
    let mut stays = pin!(fs.lock(&waiter));
    let mut next_wait = pin!(fs.lock(&next));
    {
        let mut gone = pin!(fs.lock(&waiter));
        assert!(poll(gone.as_mut(), &Arc::default()).is_pending());
        assert!(poll(stays.as_mut(), &Arc::default()).is_pending());
        assert!(poll(next_wait.as_mut(), &count).is_pending());
        drop(holder);
    }
    assert_eq!(count.get(), 0, "the lock went on although its opening still asks for it");
    assert!(poll(next_wait.as_mut(), &count).is_pending(), "overtaken");
    assert!(poll(stays.as_mut(), &Arc::default()).is_ready());
}
