//! What a call is traced as: every span that it opens, and what is recorded in it.

use std::{
    cell::RefCell,
    fmt,
    pin::Pin,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    task::{Context, Poll},
};

use tracing::{
    Dispatch, Event, Metadata, Subscriber,
    dispatcher::with_default,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use super::{
    operation::{Call, WorkspaceOp},
    outcome::Answer,
    shape,
    writes::with_content_id,
};
use crate::workspace::entity::Mutation;

/// A span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub name: String,
    /// The field `entity.id`.
    pub id: String,
    /// Whether an error was recorded.
    pub has_error: bool,
    /// The field `otel.status_code`.
    pub status: Option<String>,
}

/// What is wrong with the spans of a call that ended so, if anything is. "Every mutation
/// is a span named `Upsert<Entity>`, `Remove<Entity>`, `BulkUpsert…`, with the entity's
/// id, the error recorded and the status set on failure."
pub(super) fn problem(op: &WorkspaceOp, answer: &Answer, seen: &[Span]) -> Option<Arc<str>> {
    let expected = expected(op, answer);
    if seen.iter().eq(&expected) {
        return None;
    }
    let names = |spans: &mut dyn Iterator<Item = &Span>| match &*spans
        .map(Span::describe)
        .collect::<Vec<_>>()
    {
        [] => "no span".to_owned(),
        some => some.join(", "),
    };
    let (seen, expected) = (names(&mut seen.iter()), names(&mut expected.iter()));
    Some(Arc::from(format!("traced as {seen}; expected {expected}")))
}

fn expected(op: &WorkspaceOp, answer: &Answer) -> Option<Span> {
    let count = |number: usize| format!("{number} entities");
    let joined = |id: &[Arc<str>]| id.join("/");
    let (mutation, id) = match &op.call {
        Call::Upsert { id, .. } | Call::Link { id } => (Mutation::Upsert, joined(id)),
        Call::UpsertByContent { release } => {
            (Mutation::Upsert, with_content_id(release.clone()).id(op.kind).concat())
        }
        Call::UpsertBatch { entities } => (Mutation::BulkUpsert, count(entities.len())),
        Call::Remove { id } | Call::Unlink { id } => (Mutation::Remove, joined(id)),
        Call::RemoveBatch { ids } => (Mutation::BulkRemove, count(ids.len())),
        Call::BulkUpdate { resource, .. } => (Mutation::BulkUpsert, resource.to_string()),
        _ => return None,
    };
    let failed = matches!(answer, Answer::Failed(_));
    op.fits().then(|| Span {
        name: format!("{mutation:?}{}", shape::of(op.kind).name),
        id,
        has_error: failed,
        status: failed.then(|| "ERROR".to_owned()),
    })
}

impl Span {
    fn describe(&self) -> String {
        let error = if self.has_error { " with an error" } else { "" };
        let status = self.status.as_deref().map(|status| format!(", status {status}"));
        format!("{} of {:?}{error}{}", self.name, self.id, status.unwrap_or_default())
    }
}

type Spans = Arc<Mutex<Vec<Span>>>;

thread_local! {
    /// Where the spans go of what this thread is running at the moment.
    static HERE: RefCell<Option<Spans>> = const { RefCell::new(None) };
}

/// Does a call, and says what spans it opened.
pub(super) async fn traced<T>(call: impl Future<Output = T> + Send) -> (T, Vec<Span>) {
    let spans = Spans::default();
    let done = Traced { call: Box::pin(call), spans: Arc::clone(&spans) }.await;
    let spans = std::mem::take(&mut *spans.lock().unwrap_or_else(PoisonError::into_inner));
    (done, spans)
}

/// A call whose spans are noted, on whatever thread it is polled.
struct Traced<F> {
    call: Pin<Box<F>>,
    spans: Spans,
}

impl<F: Future> Future for Traced<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        let before = HERE.replace(Some(Arc::clone(&this.spans)));
        let polled = with_default(recorder(), || this.call.as_mut().poll(context));
        HERE.set(before);
        polled
    }
}

/// Notes spans where [`HERE`] says: one for all threads, because each new subscriber
/// makes every place that opens spans ask anew who wants them.
struct Recorder;

fn recorder() -> &'static Dispatch {
    // Where there is but one subscriber, a place that opens its first span on a thread
    // without any is taken by tracing for one that nobody ever wants. So there are two.
    static RECORDERS: LazyLock<[Dispatch; 2]> =
        LazyLock::new(|| [(); 2].map(|()| Dispatch::new(Recorder)));
    let [recorder, _] = &*RECORDERS;
    recorder
}

fn here<T>(what: impl FnOnce(&mut Vec<Span>) -> T) -> Option<T> {
    HERE.with_borrow(|spans| {
        let mut spans = spans.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        Some(what(&mut spans))
    })
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut span = Span { name: attributes.metadata().name().to_owned(), ..Span::default() };
        attributes.record(&mut span);
        let number = here(|spans| {
            spans.push(span);
            spans.len()
        });
        Id::from_u64(number.unwrap_or(1) as u64)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        here(|spans| {
            let place = usize::try_from(id.into_u64()).unwrap_or(0).checked_sub(1);
            if let Some(span) = place.and_then(|place| spans.get_mut(place)) {
                values.record(span);
            }
        });
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Visit for Span {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "entity.id" => value.clone_into(&mut self.id),
            "error" => self.has_error = !value.is_empty(),
            "otel.status_code" => self.status = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::traced;
    use crate::fs::block_on;

    #[test]
    fn a_span_is_noted_though_its_place_was_first_come_by_where_nobody_looked() {
        let opens = || drop(tracing::info_span!("of this test").entered());
        let (_, nothing) = block_on(traced(async {}));
        opens();
        let (_, spans) = block_on(traced(async { opens() }));
        assert_eq!(nothing, []);
        let names: Vec<_> = spans.iter().map(|span| &span.name).collect();
        assert_eq!(names, ["of this test"]);
    }
}
