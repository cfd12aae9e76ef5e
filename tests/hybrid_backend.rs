//! What only the hybrid backend has: hydration, refreshing, and what others do below it.

mod doubt;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use storeproof::{
    backend::{
        hybrid::{HybridBackend, Hydration},
        memory::MemoryBackend,
    },
    bugs::flaws::{Flaw, Flawed},
    seam::{
        Backend, Collection, CollectionExt, CollectionSpec, Condition, Error, ErrorKind, Instant,
        KeySpec, ListQuery, Outcome, Payload, Record, RecordId, Result, Selection, Site,
        SystemClock, Write,
    },
    sim::single::run_alone,
};

fn wait<T>(future: impl Future<Output = T>) -> T {
    run_alone(0, future).expect("nothing here has to wait")
}

fn id(text: &str) -> RecordId {
    RecordId::new(text).unwrap()
}

fn record(place: &str, json: &str) -> Record {
    Record::json(id(place), Payload::json(json.as_bytes()).unwrap(), Instant::UNIX_EPOCH)
}

fn spec() -> CollectionSpec {
    CollectionSpec::new("c").with_keys([KeySpec::unique("name", &["/name"])])
}

fn data_of(collection: &dyn Collection, place: &str) -> Option<String> {
    match wait(collection.get(&id(place))) {
        Ok(record) => Some(record.data.to_text_lossy().into_owned()),
        Err(Error::NotFound(_)) => None,
        Err(error) => panic!("get {place}: {error}"),
    }
}

/// A working set over a memory backend, and a handle on what is below.
struct Halves {
    hybrid: HybridBackend,
    above: Arc<dyn Collection>,
    below: Arc<dyn Collection>,
}

fn halves() -> Halves {
    let durable = MemoryBackend::new(Arc::new(SystemClock));
    let below = wait(durable.open(spec())).unwrap();
    let hybrid = HybridBackend::new(Arc::new(durable), Arc::new(SystemClock));
    let above = wait(hybrid.open(spec())).unwrap();
    Halves { hybrid, above, below }
}

#[test]
fn opening_reads_everything_and_says_how_far_it_is() {
    let durable = MemoryBackend::new(Arc::new(SystemClock));
    let below = wait(durable.open(spec())).unwrap();
    for number in 0..2_500 {
        wait(below.put(record(&format!("r/{number}"), "{}"))).unwrap();
    }
    let heard: Arc<Mutex<Vec<Hydration>>> = Arc::default();
    let hearer = Arc::clone(&heard);
    let hybrid = HybridBackend::new(Arc::new(durable), Arc::new(SystemClock))
        .with_progress(move |progress| hearer.lock().unwrap().push(progress.clone()));
    let above = wait(hybrid.open(spec())).unwrap();
    assert_eq!(wait(above.count(&Selection::all())).unwrap(), 2_500);
    let second = wait(hybrid.open(spec())).expect("it has all in memory already");
    assert_eq!(wait(second.count(&Selection::all())).unwrap(), 2_500);
    let heard = heard.lock().unwrap();
    let steps: Vec<_> = heard.iter().map(|step| (step.records, step.is_complete)).collect();
    assert_eq!(steps, [(1_000, false), (2_000, false), (2_500, true)]);
    assert!(heard.iter().all(|step| &*step.collection == "c" && step.damaged == 0));
}

#[test]
fn all_handles_share_one_working_set_and_a_key_declared_later_covers_what_is_there() {
    let Halves { hybrid, above, .. } = halves();
    wait(above.put(record("a", r#"{"name":"x","group":"g"}"#))).unwrap();
    let grouped = spec().with_keys([KeySpec::shared("group", &["/group"])]);
    let second = wait(hybrid.open(grouped)).unwrap();
    assert_eq!(wait(second.find("group", &["g"])).unwrap().records.len(), 1);
    wait(second.delete(&id("a"))).unwrap();
    assert_eq!(data_of(&*above, "a"), None);
}

#[test]
fn what_others_do_below_is_seen_after_a_refresh() {
    let Halves { hybrid, above, below } = halves();
    wait(above.put(record("a", "1"))).unwrap();
    wait(below.put(record("a", "2"))).unwrap();
    wait(below.put(record("b", "3"))).unwrap();
    assert_eq!(data_of(&*above, "a").as_deref(), Some("1"), "memory knows nothing of it");
    assert_eq!(data_of(&*above, "b"), None);
    wait(hybrid.refresh()).unwrap();
    assert_eq!(data_of(&*above, "a").as_deref(), Some("2"));
    assert_eq!(data_of(&*above, "b").as_deref(), Some("3"));
}

#[test]
fn a_refused_write_shows_what_others_did_to_its_record() {
    let Halves { above, below, .. } = halves();
    wait(above.put(record("a", "1"))).unwrap();
    wait(below.put(record("a", "2"))).unwrap();
    let one = Payload::json(&b"1"[..]).unwrap();
    let refused = wait(above.compare_and_swap(&id("a"), one.clone(), one)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict, "conditions are judged below");
    assert_eq!(data_of(&*above, "a").as_deref(), Some("2"));
    wait(below.delete(&id("a"))).unwrap();
    wait(below.put(record("b", "{}"))).unwrap();
    let refused = wait(above.create(record("b", "{}"))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    assert_eq!(data_of(&*above, "b").as_deref(), Some("{}"));
}

#[test]
fn a_key_that_others_took_is_refused_and_its_holder_is_seen() {
    let Halves { above, below, .. } = halves();
    wait(below.put(record("b", r#"{"name":"x"}"#))).unwrap();
    let refused = wait(above.put(record("a", r#"{"name":"x"}"#))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::KeyTaken);
    let found = wait(above.find("name", &["x"])).unwrap();
    assert_eq!(found.records.len(), 1, "who has it is known now");
}

#[test]
fn a_key_that_memory_knows_to_be_held_is_refused_without_reading_everything_anew() {
    let Halves { above, below, .. } = halves();
    wait(above.put(record("a", r#"{"name":"x"}"#))).unwrap();
    wait(below.put(record("z", "1"))).unwrap();
    let refused = wait(above.put(record("b", r#"{"name":"x"}"#))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::KeyTaken);
    assert_eq!(data_of(&*above, "z"), None, "memory knew all that the refusal told");
}

#[test]
fn a_holder_that_can_expire_explains_no_refusal() {
    let Halves { above, below, .. } = halves();
    let expired =
        Record { expires_at: Some(Instant::UNIX_EPOCH), ..record("a", r#"{"name":"x"}"#) };
    wait(above.create(expired)).unwrap();
    wait(below.put(record("b", r#"{"name":"x"}"#))).unwrap();
    let refused = wait(above.put(record("c", r#"{"name":"x"}"#))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::KeyTaken);
    let found = wait(above.find("name", &["x"])).unwrap();
    let found: Vec<&str> = found.records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(found, ["b"], "who has it is known now");
}

#[test]
fn what_others_claimed_is_seen_when_there_is_nothing_left_to_claim() {
    let Halves { above, below, .. } = halves();
    wait(above.put(record("a", "1"))).unwrap();
    wait(below.claim(&Selection::all())).unwrap();
    let refused = wait(above.claim(&Selection::all())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    assert_eq!(data_of(&*above, "a"), None);
}

/// What happens to a commit below, once.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Done,
    /// It fails, and surely was not done.
    Fails,
    /// Nobody learns that it was done.
    DoneUnknown,
    /// Nobody learns that it was not.
    NotDoneUnknown,
}

/// A durable half that fails as it is told to.
struct Failing {
    fate: Arc<Mutex<Fate>>,
    /// Whether nothing can be read.
    is_unreadable: Arc<Mutex<bool>>,
}

fn failed<T>(collection: &dyn Collection, outcome: Outcome) -> Result<T> {
    Err(Error::Backend {
        site: Site::new("planted", &collection.spec().name, None),
        problem: "the connection is gone".to_owned(),
        outcome,
    })
}

#[async_trait]
impl Flaw for Failing {
    async fn get(&self, sound: &dyn Collection, id: &RecordId) -> Result<Record> {
        if *self.is_unreadable.lock().unwrap() {
            return failed(sound, Outcome::NotDone);
        }
        sound.get(id).await
    }

    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        let fate = std::mem::replace(&mut *self.fate.lock().unwrap(), Fate::Done);
        match fate {
            Fate::Done => sound.commit(writes).await,
            Fate::Fails => failed(sound, Outcome::NotDone),
            Fate::DoneUnknown => {
                sound.commit(writes).await?;
                failed(sound, Outcome::Unknown)
            }
            Fate::NotDoneUnknown => failed(sound, Outcome::Unknown),
        }
    }
}

struct FailingBackend {
    sound: MemoryBackend,
    fate: Arc<Mutex<Fate>>,
    is_unreadable: Arc<Mutex<bool>>,
}

#[async_trait]
impl Backend for FailingBackend {
    async fn open(&self, spec: CollectionSpec) -> Result<Arc<dyn Collection>> {
        let (fate, is_unreadable) = (Arc::clone(&self.fate), Arc::clone(&self.is_unreadable));
        Ok(Flawed::over(self.sound.open(spec).await?, Failing { fate, is_unreadable }))
    }
}

type Switch<T> = Arc<Mutex<T>>;

fn over_a_failing_half() -> (Arc<dyn Collection>, Switch<Fate>, Switch<bool>) {
    let fate = Arc::new(Mutex::new(Fate::Done));
    let is_unreadable = Arc::new(Mutex::new(false));
    let durable = FailingBackend {
        sound: MemoryBackend::new(Arc::new(SystemClock)),
        fate: Arc::clone(&fate),
        is_unreadable: Arc::clone(&is_unreadable),
    };
    let hybrid = HybridBackend::new(Arc::new(durable), Arc::new(SystemClock));
    (wait(hybrid.open(spec())).unwrap(), fate, is_unreadable)
}

#[test]
fn a_failed_write_leaves_memory_as_it_was() {
    let (collection, fate, is_unreadable) = over_a_failing_half();
    wait(collection.put(record("a", "1"))).unwrap();
    *fate.lock().unwrap() = Fate::Fails;
    *is_unreadable.lock().unwrap() = true;
    wait(collection.put(record("a", "2"))).unwrap_err();
    assert_eq!(data_of(&*collection, "a").as_deref(), Some("1"), "nothing has to be read");
    *fate.lock().unwrap() = Fate::Fails;
    wait(collection.delete(&id("a"))).unwrap_err();
    assert_eq!(data_of(&*collection, "a").as_deref(), Some("1"));
}

#[test]
fn a_write_of_unknown_outcome_is_read_back() {
    for (what, seen) in [(Fate::DoneUnknown, "2"), (Fate::NotDoneUnknown, "1")] {
        let (collection, fate, _) = over_a_failing_half();
        wait(collection.put(record("a", "1"))).unwrap();
        *fate.lock().unwrap() = what;
        let error = wait(collection.put(record("a", "2"))).unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
        assert_eq!(data_of(&*collection, "a").as_deref(), Some(seen));
    }
}

#[test]
fn nothing_is_answered_about_a_record_in_doubt_that_cannot_be_read_back() {
    let (collection, fate, is_unreadable) = over_a_failing_half();
    wait(collection.put(record("a", "1"))).unwrap();
    wait(collection.put(record("b", "1"))).unwrap();
    *fate.lock().unwrap() = Fate::DoneUnknown;
    *is_unreadable.lock().unwrap() = true;
    wait(collection.put(record("a", "2"))).unwrap_err();
    let error = wait(collection.get(&id("a"))).unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Backend, Outcome::NotDone), "{error}");
    let message = error.to_string();
    assert!(message.contains("an earlier write") && message.contains("\"a\""), "{message}");
    let error = wait(collection.list(&ListQuery::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backend, "it may be in any list: {error}");
    assert_eq!(data_of(&*collection, "b").as_deref(), Some("1"), "others are not concerned");
    *is_unreadable.lock().unwrap() = false;
    assert_eq!(data_of(&*collection, "a").as_deref(), Some("2"));
    assert_eq!(wait(collection.count(&Selection::all())).unwrap(), 2);
}

#[test]
fn a_write_that_is_acknowledged_but_cannot_be_read_back_is_done() {
    let (collection, _, is_unreadable) = over_a_failing_half();
    *is_unreadable.lock().unwrap() = true;
    wait(collection.put(record("a", "1"))).unwrap();
    wait(collection.get(&id("a"))).unwrap_err();
    *is_unreadable.lock().unwrap() = false;
    assert_eq!(data_of(&*collection, "a").as_deref(), Some("1"));
}

/// What is in doubt when a purge comes is not taken for what has expired in memory.
#[test]
fn a_purge_leaves_a_replacement_that_was_not_read_back_to_be_read() {
    let (above, _, reads_fail) = over_a_failing_half();
    let expired =
        Record { expires_at: Some(Instant::UNIX_EPOCH), ..record("a", r#"{"name":"1"}"#) };
    wait(above.create(expired)).unwrap();
    *reads_fail.lock().unwrap() = true;
    wait(above.put(record("a", r#"{"name":"2"}"#))).unwrap();
    *reads_fail.lock().unwrap() = false;
    assert_eq!(wait(above.purge_expired()).unwrap(), 0, "there is nothing to purge below");
    assert_eq!(data_of(&*above, "a").as_deref(), Some(r#"{"name":"2"}"#));
}

#[test]
fn what_a_write_alone_decides_is_not_read_back() {
    let (collection, _, is_unreadable) = over_a_failing_half();
    *is_unreadable.lock().unwrap() = true;
    wait(collection.create(record("a", r#"{"name":"x"}"#))).unwrap();
    assert_eq!(data_of(&*collection, "a").as_deref(), Some(r#"{"name":"x"}"#));
    assert_eq!(wait(collection.find("name", &["x"])).unwrap().records.len(), 1);
    wait(collection.delete(&id("a"))).unwrap();
    assert_eq!(data_of(&*collection, "a"), None);
    wait(collection.create(record("b", "1"))).unwrap();
    wait(collection.quarantine(&id("b"), b"1")).unwrap();
    assert_eq!(data_of(&*collection, "b"), None);
}

#[test]
fn a_replacement_keeps_what_others_stored_below() {
    let later = Instant::new(7, 0).unwrap();
    let one = Payload::json(&b"1"[..]).unwrap();
    let replacements: [fn(Payload) -> Write; 3] = [
        |_| Write::put(record("a", "2")),
        |one| Write { when: Condition::Data(one), ..Write::put(record("a", "2")) },
        |one| Write::compare_and_swap(id("a"), one, Payload::json(&b"2"[..]).unwrap()),
    ];
    for replacement in replacements {
        let Halves { above, below, .. } = halves();
        wait(above.put(record("a", "1"))).unwrap();
        wait(below.delete(&id("a"))).unwrap();
        wait(below.put(Record::json(id("a"), one.clone(), later))).unwrap();
        wait(above.commit(vec![replacement(one.clone())])).unwrap();
        let seen = wait(above.get(&id("a"))).unwrap();
        assert_eq!(seen, wait(below.get(&id("a"))).unwrap());
        assert_eq!(seen.created_at, later, "a replacement keeps when it was created");
    }
}

#[test]
fn a_commit_is_seen_whole_when_only_some_of_it_is_read_back() {
    let (collection, _, is_unreadable) = over_a_failing_half();
    wait(collection.put(record("a", "1"))).unwrap();
    *is_unreadable.lock().unwrap() = true;
    let writes = vec![Write::put(record("a", "2")), Write::create(record("b", "2"))];
    wait(collection.commit(writes)).unwrap();
    wait(collection.get(&id("a"))).unwrap_err();
    wait(collection.get(&id("b"))).unwrap_err();
    *is_unreadable.lock().unwrap() = false;
    assert_eq!(data_of(&*collection, "a").as_deref(), Some("2"));
    assert_eq!(data_of(&*collection, "b").as_deref(), Some("2"));
}
