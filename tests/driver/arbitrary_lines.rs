//! No line is too strange: one answer at most, of valid JSON, with the right
//! id.

use std::thread;

use proptest::prelude::*;
use serde_json::{Value, value::RawValue};
use storeproof::driver::{BackendChoice, Server, registry::SUBJECTS};

use super::server;

/// What every answer must be, whatever was asked.
fn check_answer(line: &str, expected_id: Option<&str>) -> Result<(), TestCaseError> {
    prop_assert!(!line.contains(['\n', '\r']), "more than one line: {line:?}");
    let parsed: Result<Members<'_>, _> = serde_json::from_str(line);
    let Ok(answer) = parsed else { return Err(TestCaseError::fail(format!("no answer: {line}"))) };
    prop_assert_eq!(answer.jsonrpc, "2.0");
    if let Some(id) = expected_id {
        prop_assert_eq!(answer.id.get(), id, "the id of {}", line);
    }
    prop_assert!(answer.result.is_some() != answer.error.is_some(), "{line}");
    if let Some(error) = answer.error {
        let code = error["code"].as_i64().unwrap_or_default();
        prop_assert!(
            [-32_700, -32_600, -32_601, -32_602, -32_000].contains(&code),
            "the code of {}",
            line
        );
        let kind = error["data"]["kind"].as_str().unwrap_or_default();
        let kinds = storeproof::store::error::Kind::ALL;
        prop_assert!(kinds.iter().any(|known| known.name() == kind), "the kind of {line}");
        let outcome = error["data"]["outcome"].as_str().unwrap_or_default();
        prop_assert!(["not_done", "unknown"].contains(&outcome), "the outcome of {line}");
        prop_assert!(error["message"].is_string(), "the message of {line}");
    }
    Ok(())
}

#[derive(serde::Deserialize)]
struct Members<'a> {
    jsonrpc: &'a str,
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<Value>,
}

/// A driver with something open, so that methods reach it.
fn opened(subject: &str) -> Server {
    let mut server = server(BackendChoice::Memory);
    let open = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"open","params":{{"subject":"{subject}","path":"p",
           "key":"k","name":"c","keys":[{{"name":"k","unique":true,"pointers":["/k"]}}]}}}}"#
    );
    let answer = server.answer(open.replace('\n', "").as_bytes()).unwrap();
    assert!(answer.contains("result"), "{answer}");
    server
}

fn subjects() -> impl Strategy<Value = &'static str> {
    prop::sample::select(SUBJECTS.iter().map(|subject| subject.name).collect::<Vec<_>>())
}

fn methods() -> Vec<String> {
    let mut methods: Vec<String> =
        ["initialize", "open", "close", "clock", "user.", ".get", "nonesuch", ""]
            .map(str::to_owned)
            .into();
    for subject in SUBJECTS {
        methods.extend(subject.methods.iter().map(|name| format!("{}.{name}", subject.name)));
    }
    methods
}

/// JSON texts that arguments are made of.
fn texts() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(
        &[
            "null", "true", "0", "-1", "7", "1e400", "0.5", "123456789012345678901234567890",
            r#""""#, r#""a""#, r#""../x""#, r#""\u0000""#, r#""\ud800""#, r#""e30=""#, r#""YQ==""#,
            r#""?""#, r#""2026-01-01T00:00:00Z""#, r#""10000-01-01T00:00:00Z""#, r#""absent""#,
            r#""collection""#, r#""memory""#, r#""user""#, r#""/k""#, r#""1.d.YQ""#, "[]", "{}",
            r#"{"data":"e30="}"#,
            r#"{"id":"a","data":"eyJrIjoieCJ9","encoding":"json","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}"#,
            r#"{"id":"u","username":"ann","x":[ 1 ,{"y":"\ud800"}]}"#,
            r#"{"id":"s","user_id":"u","parent_session_id":"a","messages":[{"sequence_id":7}]}"#,
            r#"{"id":"k","name":"ci","allowed_surfaces":["mcp"]}"#,
            r#"{"workerId":"w","labels":{},"lastHeartbeatAt":7}"#,
            r#"{"id":"w","dagName":"etl","hmacSecret":"s"}"#,
            r#"{"ID":"s","Ref":"a/b","ProviderType":"dagu-managed"}"#,
            r#"{"value":"v","created_by":"ann"}"#,
            r#"{"version":2,"dags":{"etl":{"oneOffs":{}}}}"#,
        ][..],
    )
    .prop_map(str::to_owned);
    leaf.prop_recursive(2, 8, 3, |inner| {
        let names = prop::sample::select(NAMES);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3)
                .prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((names, inner), 0..4).prop_map(object),
        ]
    })
}

fn object(members: Vec<(&str, String)>) -> String {
    let members: Vec<String> =
        members.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

/// The names of members that methods know.
const NAMES: &[&str] = &[
    "id",
    "record",
    "data",
    "expected",
    "next",
    "writes",
    "put",
    "delete",
    "check",
    "when",
    "key",
    "value",
    "prefix",
    "since",
    "until",
    "cursor",
    "limit",
    "user",
    "session",
    "message",
    "user_id",
    "parent_id",
    "api_key",
    "webhook",
    "dag_name",
    "secret",
    "workspace",
    "ref",
    "state",
    "heartbeat",
    "worker_id",
    "before",
    "username",
    "issuer",
    "subject",
    "protocol",
    "path",
    "name",
    "keys",
    "unique",
    "pointers",
    "now",
    "page_size",
    "max_per_user",
];

/// Members with which every method succeeds on the right subject and state, but
/// for a value, which is one thing to secrets and another to collections.
const FITTING: &str = r#""id":"a","record":{"id":"a","data":"eyJrIjoieCJ9","encoding":"json","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"},"expected":"eyJrIjoieCJ9","next":"eyJrIjoieSJ9","webhook":{"id":"a","dagName":"d","hmacSecret":"s"},"dag_name":"d","secret":{"ID":"a","Ref":"a","ProviderType":"dagu-managed"},"workspace":"","ref":"a","writes":[{"delete":"a"},{"check":"b","when":"absent"}],"key":"k","user":{"id":"a","username":"ann"},"session":{"id":"a","user_id":"u"},"message":{},"user_id":"u","parent_id":"a","api_key":{"id":"a","name":"ci"},"state":{},"heartbeat":{"workerId":"a"},"worker_id":"a","before":"2026-01-01T00:00:00Z","username":"ann","issuer":"i","subject":"collection","protocol":1,"path":"p","name":"c","now":"2026-01-01T00:00:00Z""#;

const SECRET_VALUE: &str = r#""value":{"value":"v"}"#;
const KEY_VALUE: &str = r#""value":["x"]"#;

fn calls() -> impl Strategy<Value = (String, String)> {
    let ids = prop::sample::select(&["1", "\"x\"", "null", "1e5", "\"\\ud800\"", "-0.5"][..]);
    let members = || prop::collection::vec((prop::sample::select(NAMES), texts()), 0..4);
    let params = prop_oneof![
        // Of repeated names the last counts: some that fit are replaced.
        6 => (members(), prop::sample::select(&[SECRET_VALUE, KEY_VALUE][..])).prop_map(
            |(other, value)| {
                let fitting = format!("{{{FITTING},{value},");
                object(other).replacen('{', &fitting, 1).replace(",}", "}")
            },
        ),
        2 => members().prop_map(object),
        1 => texts(),
    ];
    (ids, prop::sample::select(methods()), params).prop_map(|(id, method, params)| {
        let line =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
        (id.to_owned(), line)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_have_one_answer_at_most(
        lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..48), 1..8),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut server = opened("user");
        for line in &lines {
            if let Some(answer) = server.answer(line) {
                check_answer(&answer, Some("null"))?;
            }
        }
        // Nearly a request.
        let mut line = br#"{"jsonrpc":"2.0","id":7,"method":"user.get","params":{"id":"u"}}"#.to_vec();
        let place = place.index(line.len());
        line[place] = byte;
        if let Some(answer) = server.answer(&line) {
            check_answer(&answer, None)?;
        }
    }

    #[test]
    fn every_call_is_answered_once_with_its_id(
        subject in subjects(),
        calls in prop::collection::vec(calls(), 1..12),
    ) {
        let mut server = opened(subject);
        for (id, line) in &calls {
            let answer = server.answer(line.as_bytes());
            let Some(answer) = answer else {
                return Err(TestCaseError::fail(format!("no answer to {line}")));
            };
            check_answer(&answer, Some(id))?;
            let notification = line.replacen(&format!("\"id\":{id},"), "", 1);
            prop_assert_eq!(server.answer(notification.as_bytes()), None, "{}", notification);
        }
    }
}

#[test]
fn every_method_can_succeed_in_the_property_above() {
    for subject in SUBJECTS {
        for name in subject.methods {
            let mut server = opened(subject.name);
            let value = if subject.name == "secret" { SECRET_VALUE } else { KEY_VALUE };
            let method = format!("{}.{name}", subject.name);
            let creates = ["create", "put", "upsert", "save"].contains(name);
            let creating = ["create", "upsert", "save"];
            let creating = creating.iter().find(|name| subject.methods.contains(name));
            let prepared = creating.filter(|_| !creates);
            let prepared = prepared.map(|name| format!("{}.{name}", subject.name));
            let mut last = String::new();
            for method in prepared.into_iter().chain([method]) {
                let line = format!(
                    r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{FITTING},{value}}}}}"#
                );
                last = server.answer(line.as_bytes()).expect("an answer");
            }
            let absent = ["get_by_oidc_identity"].contains(name);
            assert!(last.contains("\"result\"") != absent, "{name}: {last}");
        }
    }
}

/// On a thread of the smallest stack that is usual.
#[test]
fn depth_and_size_do_no_harm() {
    let deep = "[".repeat(20_000) + &"]".repeat(20_000);
    let nested = "{\"a\":".repeat(20_000) + "1" + &"}".repeat(20_000);
    let run = move || {
        for subject in SUBJECTS.iter().map(|subject| subject.name) {
            let mut server = opened(subject);
            for (number, name) in NAMES.iter().enumerate() {
                let value = if number % 2 == 0 { &deep } else { &nested };
                for method in methods() {
                    let start = r#"{"jsonrpc":"2.0","id":1,"method":""#;
                    let line = format!("{start}{method}\",\"params\":{{\"{name}\":{value}}}}}");
                    let answer = server.answer(line.as_bytes()).expect("an answer");
                    check_answer(&answer, Some("1")).unwrap();
                    if method == "open" || method == "close" {
                        server = opened(subject);
                    }
                }
            }
        }
        // What is deep passes through unharmed.
        let mut server = opened("user");
        let user = format!(r#"{{"id":"u","username":"ann","deep":{deep}}}"#);
        let call = |method: &str, params: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
        };
        let created =
            server.answer(call("user.create", &format!("{{\"user\":{user}}}")).as_bytes());
        assert_eq!(created.as_deref(), Some(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#));
        let got = server.answer(call("user.get", r#"{"id":"u"}"#).as_bytes()).unwrap();
        assert!(got.contains(&deep), "the deep member came back otherwise");
        // A pointer of many levels would be followed level by level.
        let pointer = "/a".repeat(100_000);
        let open = format!(
            r#"{{"subject":"collection","path":"p","name":"c","keys":[{{"name":"d","unique":true,"pointers":["{pointer}"]}}]}}"#
        );
        let refused = server.answer(call("open", &open).as_bytes()).unwrap();
        assert!(refused.contains("invalid_argument"), "{refused:.200}");
    };
    let thread = thread::Builder::new().stack_size(512 << 10).spawn(run).unwrap();
    thread.join().unwrap();
}
