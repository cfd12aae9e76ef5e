//! Our own stores and collections served over the driver protocol, version 1:
//! JSON-RPC 2.0, one message a line.
//!
//! | file | subject |
//! |---|---|
//! | `lines` | lines in, lines out |
//! | `message` | what a line says; how an answer is written |
//! | `server` | the life cycle: `initialize`, `open`, `close`, `clock`; who answers a method |
//! | `registry` | the subjects that are offered, one line each |
//! | `collection` `user` … | the methods of one subject each |
//! | `params` `values` | arguments and results |
//! | `failure` | what an error looks like on the wire |
//! | `storages` `clock` | what `open` opens, and the time that it is there |
//!
//! [`Server::answer`] is a function of the server's state and of one line, so
//! that everything but the standard streams is tested without a process.

mod api_key;
mod clock;
mod collection;
mod failure;
mod lines;
mod message;
mod params;
pub mod registry;
mod secret;
mod server;
mod session;
mod storages;
mod user;
mod values;
mod watermark;
mod webhook;
mod worker_heartbeat;

pub use failure::{Code, Failure};
pub use lines::{MAX_LINE_BYTES, serve};
pub use params::Params;
pub use server::{PROTOCOL, Server};
pub use storages::BackendChoice;
