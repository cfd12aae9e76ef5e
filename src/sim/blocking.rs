//! Scheduling points inside of calls that block their thread: a database's, which run to
//! their end once they are begun.
//!
//! Where several clients are under way, such a call runs on a thread of its own, and only
//! while its client is the one that runs. When it comes to a point ([`pass_point`]) it
//! stands still, its client with it, until the executor has them go on. So one thread runs
//! at any time, and the executor decides everything. There must be no point where a call
//! holds what another one may have to wait for.

use std::{
    any::Any,
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
};

use async_trait::async_trait;

use super::{
    clock::{current_client, enter_client},
    executor::Sim,
};
use crate::{
    fs::block_on,
    seam::{
        Collection, CollectionSpec, Found, ListQuery, Page, Record, RecordId, Result, Selection,
        Write,
    },
};

/// What comes of a call on its thread.
enum Event<T> {
    /// It stands at a point.
    Point,
    /// It has ended, or panicked.
    Ended(Result<T, Box<dyn Any + Send>>),
}

/// How a call stands still: it says so, and waits.
struct Stand {
    say: Box<dyn Fn()>,
    go_on: Receiver<()>,
}

thread_local! {
    /// Of the call that this thread is for, if it is for one.
    static STAND: RefCell<Option<Stand>> = const { RefCell::new(None) };
}

/// A point inside of a call that blocks. Anywhere else it is nothing.
pub fn pass_point() {
    STAND.with_borrow(|stand| {
        if let Some(stand) = stand {
            (stand.say)();
            // Whom nobody waits for any more goes on.
            let _ = stand.go_on.recv();
        }
    });
}

/// Does the call on a thread of its own, with scheduling points where it has some.
#[expect(clippy::disallowed_methods, reason = "only one of the threads runs at any time")]
async fn with_points<T: Send + 'static>(sim: &Sim, call: impl FnOnce() -> T + Send + 'static) -> T {
    let (say, events) = channel::<Event<T>>();
    let (go, go_on) = channel();
    let client = current_client();
    std::thread::spawn(move || {
        enter_client(client);
        let point: Sender<Event<T>> = say.clone();
        let say_point = move || drop(point.send(Event::Point));
        STAND.set(Some(Stand { say: Box::new(say_point), go_on }));
        let ended = catch_unwind(AssertUnwindSafe(call));
        drop(say.send(Event::Ended(ended)));
    });
    loop {
        match events.recv() {
            Ok(Event::Point) => {
                sim.step("transaction").await;
                let _ = go.send(());
            }
            Ok(Event::Ended(Ok(value))) => return value,
            Ok(Event::Ended(Err(panic))) => resume_unwind(panic),
            // It can't end without saying so.
            Err(_) => std::future::pending().await,
        }
    }
}

/// A collection whose calls block, and have points inside.
pub struct Blocking {
    inner: Arc<dyn Collection>,
    sim: Sim,
}

impl Blocking {
    /// Lets others come in between the steps of the calls of `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Collection>, sim: Sim) -> Self {
        Self { inner, sim }
    }

    /// Does a call. Alone there is nothing to decide; and what is given up, or fails, is
    /// the call as a whole.
    async fn call<T, F>(&self, call: impl FnOnce(Arc<dyn Collection>) -> F + Send + 'static) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send,
    {
        let inner = Arc::clone(&self.inner);
        if !self.sim.is_contended() || self.sim.has_faults() {
            return call(inner).await;
        }
        with_points(&self.sim, move || block_on(call(inner))).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Collection for Blocking {
    fn spec(&self) -> &CollectionSpec {
        self.inner.spec()
    }

    async fn get(&self, id: &RecordId) -> Result<Record> {
        let id = id.clone();
        self.call(|inner| async move { inner.get(&id).await }).await
    }

    async fn find(&self, key: &str, parts: &[&str]) -> Result<Found> {
        let key = key.to_owned();
        let parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        self.call(|inner| async move {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            inner.find(&key, &parts).await
        })
        .await
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        let query = query.clone();
        self.call(|inner| async move { inner.list(&query).await }).await
    }

    async fn count(&self, selection: &Selection) -> Result<u64> {
        let selection = selection.clone();
        self.call(|inner| async move { inner.count(&selection).await }).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        self.call(|inner| async move { inner.commit(writes).await }).await
    }

    async fn claim(&self, selection: &Selection) -> Result<Record> {
        let selection = selection.clone();
        self.call(|inner| async move { inner.claim(&selection).await }).await
    }

    async fn purge_expired(&self) -> Result<u64> {
        self.call(|inner| async move { inner.purge_expired().await }).await
    }

    async fn quarantine(&self, id: &RecordId, expected: &[u8]) -> Result<()> {
        let (id, expected) = (id.clone(), expected.to_vec());
        self.call(|inner| async move { inner.quarantine(&id, &expected).await }).await
    }

    async fn settle(&self) -> Result<()> {
        self.inner.settle().await
    }
}
