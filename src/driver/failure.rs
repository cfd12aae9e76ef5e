//! What an error looks like on the wire.

use serde::Serialize;

use crate::{
    seam::{self, Outcome},
    store::error::Kind,
};

/// The codes of JSON-RPC 2.0 that are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The line is not JSON.
    ParseError = -32_700,
    /// The line is not a request.
    InvalidRequest = -32_600,
    /// There is no such method.
    MethodNotFound = -32_601,
    /// The params are not those of the method.
    InvalidParams = -32_602,
    /// The method was called and failed.
    Failed = -32_000,
}

/// Why a request has no result.
///
/// The message says what was wrong and what is expected, and never shows the
/// content of a payload or of an argument that may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    code: Code,
    kind: Kind,
    outcome: Outcome,
    message: String,
}

impl Failure {
    /// A method that failed.
    #[must_use]
    pub fn new(kind: Kind, outcome: Outcome, message: impl Into<String>) -> Self {
        Self { code: Code::Failed, kind, outcome, message: message.into() }
    }

    /// An argument that is well-formed and yet not acceptable.
    pub(super) fn invalid_argument(message: impl Into<String>) -> Self {
        Self::new(Kind::InvalidArgument, Outcome::NotDone, message)
    }

    /// An answer that can't be written down; the operation has happened.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, Outcome::Unknown, message)
    }

    /// Params that are not those of the method: one is missing, or has another
    /// type.
    #[must_use]
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::refused(Code::InvalidParams, message)
    }

    /// A method that nobody answers to.
    #[must_use]
    pub fn unknown_method(name: &str) -> Self {
        let shown: String = name.chars().take(80).collect();
        Self::refused(Code::MethodNotFound, format!("there is no method {shown:?}"))
    }

    /// A line that is no call at all, or not one of ours.
    pub(super) fn refused(code: Code, message: impl Into<String>) -> Self {
        let (kind, outcome) = (Kind::InvalidArgument, Outcome::NotDone);
        Self { code, kind, outcome, message: message.into() }
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The error object.
    pub(super) fn to_wire(&self) -> impl Serialize {
        ErrorObject {
            code: self.code as i32,
            message: &self.message,
            data: ErrorData { kind: self.kind.name(), outcome: outcome_name(self.outcome) },
        }
    }
}

impl From<seam::Error> for Failure {
    fn from(error: seam::Error) -> Self {
        Self::new(Kind::from(&error), error.outcome(), error.to_string())
    }
}

#[derive(Serialize)]
struct ErrorObject<'a> {
    code: i32,
    message: &'a str,
    data: ErrorData,
}

#[derive(Serialize)]
struct ErrorData {
    kind: &'static str,
    outcome: &'static str,
}

const fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NotDone => "not_done",
        Outcome::Unknown => "unknown",
    }
}
