//! The life cycle, and who answers a method.

use std::{path::Path, sync::Arc};

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    clock::DriverClock,
    failure::{Code, Failure},
    message::{self, Answer, Request},
    params::Params,
    registry::{self, Handle, SUBJECTS, Subject, Surroundings},
    storages::{BackendChoice, Storages},
    values::{done, result},
};
use crate::{
    fs::block_on,
    seam::{Clock, Entropy},
    store::encryption::SecretText,
};

/// The version of the protocol that is spoken.
pub const PROTOCOL: i64 = 1;

/// A driver: answers one request after the other.
///
/// What a method acknowledges has happened, as durably as the backend makes
/// it. Memory storages live as long as the server, and the clock too: neither
/// ends with `close`.
pub struct Server {
    choice: BackendChoice,
    clock: Arc<DriverClock>,
    entropy: Arc<dyn Entropy>,
    storages: Storages,
    open: Option<Open>,
}

struct Open {
    subject: &'static Subject,
    handle: Box<dyn Handle>,
}

impl Server {
    /// A driver with nothing open. `choice` is where storages lie when `open`
    /// does not say; `clock` is read until the method `clock` sets another
    /// time.
    #[must_use]
    pub fn new(choice: BackendChoice, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let clock = Arc::new(DriverClock::new(clock));
        let storages = Storages::new(Arc::clone(&clock), Arc::clone(&entropy));
        Self { choice, clock, entropy, storages, open: None }
    }

    /// Answers a line, given without its end, with a line without an end; a
    /// notification gets no answer. Never panics on any bytes.
    pub fn answer(&mut self, line: &[u8]) -> Option<String> {
        let request = match Request::read(line) {
            Ok(request) => request,
            Err(refusal) => {
                return Some(message::answer(refusal.id.as_deref(), &Err(refusal.failure)));
            }
        };
        let answered = self.call(&request);
        request.id.as_deref().map(|id: &RawValue| message::answer(Some(id), &answered))
    }

    /// The answer to a line of more than `longest` bytes.
    pub(super) fn refuse_long_line(longest: usize) -> String {
        let problem = format!("the line is longer than {longest} bytes");
        message::answer(None, &Err(Failure::refused(Code::ParseError, problem)))
    }

    fn call(&mut self, request: &Request) -> Result<Answer, Failure> {
        match request.method.as_str() {
            "initialize" => self.initialize(request.params()?),
            "open" => self.open(request.params()?),
            "close" => {
                request.params()?;
                self.open = None;
                done(Ok::<_, Failure>(()))
            }
            "clock" => {
                self.clock.set(request.params()?.instant("now")?);
                done(Ok::<_, Failure>(()))
            }
            method => self.call_subject(method, request),
        }
    }

    fn call_subject(&self, method: &str, request: &Request) -> Result<Answer, Failure> {
        let Some((subject, operation)) = registry::method(method) else {
            return Err(Failure::unknown_method(method));
        };
        let params = request.params()?;
        match &self.open {
            Some(open) if open.subject.name == subject.name => {
                block_on(open.handle.call(operation, params))
            }
            Some(open) => Err(Failure::invalid_argument(format!(
                "{method} needs the subject {:?}, and {:?} is open; call open",
                subject.name, open.subject.name
            ))),
            None => Err(Failure::invalid_argument(format!(
                "{method} needs the subject {:?}, and nothing is open; call open",
                subject.name
            ))),
        }
    }

    fn initialize(&self, params: &Params) -> Result<Answer, Failure> {
        let asked = params.optional_number("protocol")?;
        let asked = asked.ok_or_else(|| Failure::invalid_params("\"protocol\" is missing"))?;
        if asked != PROTOCOL {
            return Err(Failure::invalid_argument(format!(
                "version {asked} of the protocol is not spoken here; version {PROTOCOL} is"
            )));
        }
        result(&Initialized {
            protocol: PROTOCOL,
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            subjects: SUBJECTS.iter().map(|subject| subject.name).collect(),
            features: self.choice.features(),
        })
    }

    /// The params are judged first; then what is open is closed, whatever comes
    /// of the opening.
    fn open(&mut self, params: &Params) -> Result<Answer, Failure> {
        let asked = Asked::read(params, self.choice)?;
        let spec = (asked.subject.spec)(params)?;
        self.open = None;
        let path = Path::new(&asked.path);
        let collection = self.storages.open(asked.choice, path, asked.page_size, spec)?;
        let surroundings = Surroundings {
            clock: self.clock.clone(),
            entropy: Arc::clone(&self.entropy),
            key: asked.key,
            max_per_user: asked.max_per_user,
        };
        let handle = (asked.subject.serve)(collection, &surroundings);
        self.open = Some(Open { subject: asked.subject, handle });
        done(Ok::<_, Failure>(()))
    }
}

/// What `open` is asked for.
struct Asked {
    subject: &'static Subject,
    path: String,
    choice: BackendChoice,
    key: Option<SecretText>,
    max_per_user: u32,
    page_size: Option<u32>,
}

impl Asked {
    fn read(params: &Params, usual: BackendChoice) -> Result<Self, Failure> {
        let name = params.text("subject")?;
        let path = params.text("path")?;
        let backend = params.optional_text("backend")?;
        let key = params.optional_text("key")?.map(SecretText::new);
        let subject = registry::subject(&name).ok_or_else(|| {
            let known: Vec<&str> = SUBJECTS.iter().map(|subject| subject.name).collect();
            let shown: String = name.chars().take(80).collect();
            Failure::invalid_argument(format!(
                "there is no subject {shown:?}; there are: {}",
                known.join(" ")
            ))
        })?;
        if path.is_empty() {
            return Err(Failure::invalid_argument("\"path\" is empty"));
        }
        let choice = match backend {
            None => usual,
            Some(name) => BackendChoice::named(&name).ok_or_else(|| {
                Failure::invalid_argument("no such \"backend\"; there are: file memory sqlite")
            })?,
        };
        Ok(Self {
            subject,
            path,
            choice,
            // An empty key is none.
            key: key.filter(|key| !key.is_empty()),
            max_per_user: params.optional_count("max_per_user", 0)?.unwrap_or(0),
            page_size: params.optional_count("page_size", 1)?,
        })
    }
}

#[derive(Serialize)]
struct Initialized {
    protocol: i64,
    name: &'static str,
    version: &'static str,
    subjects: Vec<&'static str>,
    features: &'static [&'static str],
}
