//! Exports the changes of a workspace as OpenTelemetry spans: here to the standard output,
//! in earnest to a collector.
//!
//! ```text
//! cargo run --release --example opentelemetry
//! ```

#![expect(clippy::print_stderr, reason = "an example says what it does")]

use std::{
    error::Error,
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use storeproof::{
    seam::SystemClock,
    workspace::{entities::System, store::WorkspaceStore},
};
use tracing_subscriber::layer::SubscriberExt;

/// Memory and SQLite do not wait but by blocking; a program with a runtime awaits.
fn done<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("memory does not wait"),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let exporter = opentelemetry_stdout::SpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("storeproof"));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))?;

    let store = done(WorkspaceStore::builder("example", Arc::new(SystemClock)).open())?;
    let system = System { name: "payments".to_owned(), ..System::default() };
    done(store.systems().upsert(&["payments"], system.clone()))?;
    // An error is recorded in its span: here the id is another than the entity's.
    let other = System { id: "billing".to_owned(), ..system };
    if let Err(error) = done(store.systems().upsert(&["payments"], other)) {
        eprintln!("as expected: {error}");
    }
    done(store.systems().remove(&["payments"]))?;
    provider.shutdown()?;
    Ok(())
}
