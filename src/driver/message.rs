//! The messages of JSON-RPC 2.0 (<https://www.jsonrpc.org/specification>): what
//! a line says, and how an answer is written.

use serde_json::value::{RawValue, to_raw_value};

use super::{
    failure::{Code, Failure},
    params::Params,
};
use crate::{seam::Payload, store::document::Document};

/// The result of a method.
pub(super) type Answer = Box<RawValue>;

/// A call.
pub(super) struct Request {
    /// The id as it was written; none: a notification, which has no answer.
    pub(super) id: Option<Box<RawValue>>,
    /// Any text.
    pub(super) method: String,
    /// None: they are not an object.
    params: Option<Params>,
}

/// A line that is no call.
pub(super) struct Refusal {
    /// The id, where one can be made out; else none, which is written `null`.
    pub(super) id: Option<Box<RawValue>>,
    /// What is wrong.
    pub(super) failure: Failure,
}

impl Request {
    /// Reads a line. Of a repeated name the last counts; further members are
    /// ignored.
    pub(super) fn read(line: &[u8]) -> Result<Self, Box<Refusal>> {
        let refuse = |id: Option<Box<RawValue>>, code, problem: &str| {
            Box::new(Refusal { id, failure: Failure::refused(code, problem) })
        };
        let Some(document) = Document::parse(line) else {
            return Err(if Payload::new(line).is_json() {
                let problem = "a request is one object; batches are not spoken here";
                refuse(None, Code::InvalidRequest, problem)
            } else {
                refuse(None, Code::ParseError, "the line is not one JSON text in UTF-8")
            });
        };
        let id = document.get("id").map(ToOwned::to_owned);
        if id.as_deref().is_some_and(|id| !may_be_an_id(id)) {
            let problem = "\"id\" is neither a string nor a number nor null";
            return Err(refuse(None, Code::InvalidRequest, problem));
        }
        if document.value::<String>("jsonrpc") != Ok(Some("2.0".to_owned())) {
            return Err(refuse(id, Code::InvalidRequest, "\"jsonrpc\" is not \"2.0\""));
        }
        let Ok(Some(method)) = document.value::<String>("method") else {
            return Err(refuse(id, Code::InvalidRequest, "\"method\" is not a string"));
        };
        let params = document.value::<Document>("params").map(Option::unwrap_or_default);
        Ok(Self { id, method, params: params.ok().map(Params::new) })
    }

    /// The params; none given are as good as an empty object.
    pub(super) fn params(&self) -> Result<&Params, Failure> {
        self.params.as_ref().ok_or_else(|| Failure::invalid_params("the params are not an object"))
    }
}

fn may_be_an_id(id: &RawValue) -> bool {
    let text = id.get();
    text == "null" || text.starts_with(['"', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
}

/// The line, without its end, that answers the request of that id.
pub(super) fn answer(id: Option<&RawValue>, result: &Result<Answer, Failure>) -> String {
    let id = id.map_or("null", RawValue::get);
    let outcome = match result {
        Ok(result) => format!(r#""result":{}"#, result.get()),
        Err(failure) => {
            // An object of numbers and strings is always written.
            let error = to_raw_value(&failure.to_wire()).unwrap_or_default();
            format!(r#""error":{}"#, error.get())
        }
    };
    // What passes through as it was written may be written on several lines.
    // Line ends are never inside a JSON string: blanks do as well.
    format!(r#"{{"jsonrpc":"2.0","id":{id},{outcome}}}"#).replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::{Code, Request, answer};

    fn refused(line: &[u8]) -> (Code, Option<String>) {
        match Request::read(line) {
            Ok(_) => panic!("{:?} was taken", String::from_utf8_lossy(line)),
            Err(refusal) => (refusal.failure.code(), refusal.id.map(|id| id.get().to_owned())),
        }
    }

    #[test]
    fn what_is_not_json_is_a_parse_error() {
        for line in [
            &b""[..],
            b" ",
            b"{",
            b"nonsense",
            b"{} {}",
            b"\xff",
            b"{\"id\":\"\xff\"}",
            b"\xef\xbb\xbf{}",
            b"{\"id\":1,}",
        ] {
            assert_eq!(refused(line), (Code::ParseError, None));
        }
    }

    #[test]
    fn what_is_no_request_is_an_invalid_request() {
        let deep = "[".repeat(200_000) + &"]".repeat(200_000);
        for (line, id) in [
            ("1", None),
            ("null", None),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"close"}]"#, None),
            (&deep, None),
            ("{}", None),
            (r#"{"jsonrpc":"2.0","id":1}"#, Some("1")),
            (r#"{"jsonrpc":"2.0","id":"x","method":7}"#, Some("\"x\"")),
            (r#"{"jsonrpc":"1.0","id":1,"method":"close"}"#, Some("1")),
            (r#"{"id":1,"method":"close"}"#, Some("1")),
            (r#"{"jsonrpc":"2.0","id":true,"method":"close"}"#, None),
            (r#"{"jsonrpc":"2.0","id":[1],"method":"close"}"#, None),
            (r#"{"jsonrpc":"2.0","id":{},"method":"close"}"#, None),
        ] {
            let expected = (Code::InvalidRequest, id.map(str::to_owned));
            assert_eq!(refused(line.as_bytes()), expected, "{line:.60}");
        }
    }

    #[test]
    fn an_id_comes_back_as_it_was_written() {
        for id in ["1", "-0", "1.50", "1e400", "\"\"", "\"\\ud800\"", "\"\u{2028}\"", "null"] {
            let line = format!(r#"{{"jsonrpc":"2.0", "id": {id} ,"method":"close"}}"#);
            let request = Request::read(line.as_bytes()).ok().expect("a request");
            assert_eq!(request.id.as_deref().map(|id| id.get()), Some(id));
        }
        let notification = Request::read(br#"{"jsonrpc":"2.0","method":"close"}"#);
        assert!(notification.ok().expect("a request").id.is_none());
    }

    #[test]
    fn of_repeated_names_the_last_counts_and_others_are_ignored() {
        let line = br#"{"method":7,"jsonrpc":"2.0","id":1,"x":[],"id":2,"method":"close"}"#;
        let request = Request::read(line).ok().expect("a request");
        assert_eq!(request.method, "close");
        assert_eq!(request.id.as_deref().map(|id| id.get()), Some("2"));
    }

    #[test]
    fn params_are_an_object_or_nothing() {
        for (params, taken) in [
            ("{}", true),
            ("null", true),
            (r#"{"a":[[]]}"#, true),
            ("[]", false),
            ("7", false),
            ("\"x\"", false),
        ] {
            let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{params}}}"#);
            let request = Request::read(line.as_bytes()).ok().expect("a request");
            assert_eq!(request.params().is_ok(), taken, "{params}");
        }
    }

    #[test]
    fn an_answer_is_one_line_whatever_passes_through_it() {
        let result = serde_json::from_str("{\n  \"a\": [\r\n1,\n\"x\"]\n}").unwrap();
        let line = answer(None, &Ok(result));
        assert!(!line.contains(['\n', '\r']), "{line:?}");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["result"], serde_json::json!({"a": [1, "x"]}));
    }
}
