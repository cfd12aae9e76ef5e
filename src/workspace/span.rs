//! Spans around changes: the id of what is changed, and how it ended; never any content.

use tracing::{Instrument, Span};

use super::error::Result;

/// A span for a change. Its status is for OpenTelemetry, by way of tracing-opentelemetry.
macro_rules! change_span {
    ($name:expr, $id:expr) => {
        tracing::info_span!(
            $name,
            entity.id = $id,
            error = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
            otel.status_description = tracing::field::Empty,
        )
    };
}
pub(super) use change_span;

/// Does a change within a span, which gets its error.
pub(super) async fn within<T>(span: Span, change: impl Future<Output = Result<T>>) -> Result<T> {
    let done = change.instrument(span.clone()).await;
    if let Err(error) = &done {
        let message = error.to_string();
        span.record("error", &*message);
        span.record("otel.status_code", "ERROR");
        span.record("otel.status_description", &*message);
    }
    done
}
