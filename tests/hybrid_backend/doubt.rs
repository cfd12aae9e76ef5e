//! What is read below, and when, where a call below failed or nobody knows what it did.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use storeproof::{
    backend::{hybrid::HybridBackend, memory::MemoryBackend},
    bugs::flaws::{Flaw, Flawed},
    seam::{
        Backend, Clock, Collection, CollectionExt, CollectionSpec, ErrorKind, Instant, ListQuery,
        Outcome, Page, Record, RecordId, Result, Selection, Write,
    },
};

use super::{data_of, failed, record, spec, wait};

/// What the durable half answers next, when it does not say what it did.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// It fails, and surely did nothing.
    NotDone,
    /// It is done, and nobody learns that.
    DoneUnknown,
}

/// A clock that is set.
#[derive(Default)]
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Instant {
        Instant::UNIX_EPOCH.saturating_add_seconds(self.0.load(Ordering::Relaxed))
    }
}

/// What is told of the durable half, and what it tells.
#[derive(Default)]
struct Half {
    next: Mutex<Option<Answer>>,
    is_unreadable: AtomicBool,
    /// The numbers of the handles that were settled, in the order of their opening.
    settled: Mutex<Vec<usize>>,
    handles: AtomicUsize,
}

impl Half {
    async fn answer<T: Send>(
        &self,
        sound: &dyn Collection,
        done: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let next = self.next.lock().unwrap().take();
        match next {
            None => done.await,
            Some(Answer::NotDone) => failed(sound, Outcome::NotDone),
            Some(Answer::DoneUnknown) => {
                done.await?;
                failed(sound, Outcome::Unknown)
            }
        }
    }

    fn is_read(&self, sound: &dyn Collection) -> Result<()> {
        match self.is_unreadable.load(Ordering::Relaxed) {
            true => failed(sound, Outcome::NotDone),
            false => Ok(()),
        }
    }

    fn settled(&self) -> Vec<usize> {
        std::mem::take(&mut *self.settled.lock().unwrap())
    }
}

/// A handle on it.
struct Handle {
    number: usize,
    half: Arc<Half>,
}

#[async_trait]
impl Flaw for Handle {
    async fn get(&self, sound: &dyn Collection, id: &RecordId) -> Result<Record> {
        self.half.is_read(sound)?;
        sound.get(id).await
    }

    async fn list(&self, sound: &dyn Collection, query: &ListQuery) -> Result<Page> {
        self.half.is_read(sound)?;
        sound.list(query).await
    }

    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        self.half.answer(sound, sound.commit(writes)).await
    }

    async fn claim(&self, sound: &dyn Collection, selection: &Selection) -> Result<Record> {
        self.half.answer(sound, sound.claim(selection)).await
    }

    async fn purge_expired(&self, sound: &dyn Collection) -> Result<u64> {
        self.half.answer(sound, sound.purge_expired()).await
    }

    async fn settle(&self, sound: &dyn Collection) -> Result<()> {
        self.half.settled.lock().unwrap().push(self.number);
        sound.settle().await
    }
}

struct Durable {
    sound: MemoryBackend,
    half: Arc<Half>,
}

#[async_trait]
impl Backend for Durable {
    async fn open(&self, spec: CollectionSpec) -> Result<Arc<dyn Collection>> {
        let number = self.half.handles.fetch_add(1, Ordering::Relaxed);
        let handle = Handle { number, half: Arc::clone(&self.half) };
        Ok(Flawed::over(self.sound.open(spec).await?, handle))
    }
}

struct World {
    hybrid: HybridBackend,
    half: Arc<Half>,
    clock: Arc<Hands>,
}

fn world() -> World {
    let (half, clock) = (Arc::<Half>::default(), Arc::<Hands>::default());
    let sound = MemoryBackend::new(Arc::clone(&clock) as Arc<dyn Clock>);
    let durable = Durable { sound, half: Arc::clone(&half) };
    let hybrid = HybridBackend::new(Arc::new(durable), Arc::clone(&clock) as Arc<dyn Clock>);
    World { hybrid, half, clock }
}

impl World {
    fn open(&self) -> Arc<dyn Collection> {
        wait(self.hybrid.open(spec())).unwrap()
    }

    fn next(&self, answer: Answer) {
        *self.half.next.lock().unwrap() = Some(answer);
    }
}

#[test]
fn a_claim_that_surely_failed_has_nothing_read() {
    let world = world();
    let above = world.open();
    wait(above.put(record("a", "1"))).unwrap();
    world.next(Answer::NotDone);
    world.half.is_unreadable.store(true, Ordering::Relaxed);
    let error = wait(above.claim(&Selection::all())).unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotDone, "{error}");
    assert_eq!(data_of(&*above, "a").as_deref(), Some("1"));
}

#[test]
fn what_a_claim_of_unknown_outcome_took_is_not_shown() {
    let world = world();
    let above = world.open();
    wait(above.put(record("a", "1"))).unwrap();
    world.next(Answer::DoneUnknown);
    let error = wait(above.claim(&Selection::all())).unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    assert_eq!(data_of(&*above, "a"), None, "it was claimed below");
}

fn expiring() -> Record {
    Record { expires_at: Some(Instant::new(10, 0).unwrap()), ..record("a", "1") }
}

#[test]
fn what_a_purge_of_unknown_outcome_removed_does_not_come_back_with_the_clock() {
    let world = world();
    let above = world.open();
    wait(above.put(expiring())).unwrap();
    world.clock.0.store(20, Ordering::Relaxed);
    world.next(Answer::DoneUnknown);
    let error = wait(above.purge_expired()).unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    world.clock.0.store(5, Ordering::Relaxed);
    assert_eq!(data_of(&*above, "a"), None, "it was removed below");
}

#[test]
fn a_purge_that_surely_failed_has_nothing_read() {
    let world = world();
    let above = world.open();
    wait(above.put(expiring())).unwrap();
    world.clock.0.store(20, Ordering::Relaxed);
    world.next(Answer::NotDone);
    world.half.is_unreadable.store(true, Ordering::Relaxed);
    let error = wait(above.purge_expired()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backend, "{error}");
    assert_eq!(data_of(&*above, "a"), None, "it has expired");
    world.clock.0.store(5, Ordering::Relaxed);
    assert_eq!(data_of(&*above, "a").as_deref(), Some("1"), "it was not removed");
}

#[test]
fn every_handle_whose_call_may_still_go_on_is_waited_for_once() {
    let world = world();
    let (one, other) = (world.open(), world.open());
    // Somebody may have opened others to read everything.
    world.half.settled();
    for (handle, place) in [(&one, "a"), (&other, "b")] {
        world.next(Answer::DoneUnknown);
        wait(handle.put(record(place, "1"))).unwrap_err();
    }
    assert_eq!(data_of(&*one, "a").as_deref(), Some("1"));
    let mut first = world.half.settled();
    first.sort_unstable();
    assert_eq!(first.len(), 2, "both of them: {first:?}");
    assert_eq!(data_of(&*one, "b").as_deref(), Some("1"));
    world.half.settled();

    world.next(Answer::DoneUnknown);
    wait(one.put(record("c", "1"))).unwrap_err();
    assert_eq!(data_of(&*other, "c").as_deref(), Some("1"));
    assert_eq!(world.half.settled().len(), 1, "nothing else goes on by now");
    wait(one.settle()).unwrap();
    assert_eq!(world.half.settled().len(), 1, "who asks for it is heard below");
}
