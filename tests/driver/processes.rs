//! Real processes of `storeproof driver`, several on one path.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{open_collection, outcome, request};

/// A driver in a process of its own; killed when dropped.
pub(super) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    /// Its lines; ends when its output does.
    output: Receiver<String>,
    requests: u64,
}

fn program(backend: &str) -> [&str; 4] {
    [env!("CARGO_BIN_EXE_storeproof"), "driver", "--backend", backend]
}

/// A driver that is silent for so long will never answer.
const SILENCE: Duration = Duration::from_secs(60);

impl Process {
    /// A process that keeps its storages on the backend of that name.
    pub(super) fn start(backend: &str) -> Self {
        // Who runs the tests in the background may have them ignore interrupts,
        // and whatever they start with them.
        Self::run(Command::new("env").arg("--default-signal=INT").args(program(backend)))
    }

    /// A process whose files may not become longer than `kibibytes`: writing more is an
    /// error, as on a full disk.
    pub(super) fn start_with_short_files(backend: &str, kibibytes: u32) -> Self {
        // POSIX counts blocks of 512 bytes. A signal that is ignored stays so.
        let limited = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", kibibytes * 2);
        Self::run(Command::new("sh").args(["-c", &limited, "-"]).args(program(backend)))
    }

    /// A process that this command starts.
    pub(super) fn run(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let (sender, output) = channel();
        let read = move || {
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|length| length > 0) {
                if sender.send(std::mem::take(&mut line)).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().spawn(read).unwrap();
        Self { child, input, output, requests: 0 }
    }

    /// A process with the collection `c` open.
    fn with_collection(path: &Path) -> Self {
        let mut process = Self::start("file");
        assert_eq!(process.call("open", &open_collection(path)), Ok(json!({})));
        process
    }

    pub(super) fn send(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the input is open");
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The next line, without its end.
    pub(super) fn receive(&mut self) -> String {
        let line = self.next_line();
        let mut line = line.unwrap_or_else(|| panic!("it ended: {:?}", self.child.try_wait()));
        assert_eq!(line.pop(), Some('\n'), "the driver ended within a line");
        line
    }

    /// The next line with its end, or none where the output ends.
    fn next_line(&self) -> Option<String> {
        match self.output.recv_timeout(SILENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("the driver does not answer"),
        }
    }

    pub(super) fn call(&mut self, method: &str, params: &Value) -> Result<Value, String> {
        self.requests += 1;
        self.send(&request(self.requests, method, params));
        outcome(&self.receive(), self.requests)
    }

    /// Ends the input: the driver must end by itself, and well.
    pub(super) fn finish(mut self) {
        self.input = None;
        assert_eq!(self.next_line(), None, "it said more");
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "the end of input is no error");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn record(id: &str, data: &str) -> Value {
    json!({
        "id": id,
        "data": STANDARD.encode(data),
        "encoding": "json",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    })
}

#[test]
fn a_file_driver_says_what_it_can_do() {
    let mut process = Process::start("file");
    let said = process.call("initialize", &json!({"protocol": 1})).unwrap();
    assert_eq!(said["features"], json!(["clock", "shared_path", "durable", "legacy"]));
    process.finish();
}

#[test]
fn an_interrupt_ends_it_also_while_it_waits() {
    let mut process = Process::start("memory");
    process.call("close", &json!({})).unwrap();
    let pid = rustix::process::Pid::from_child(&process.child);
    let interrupt = rustix::process::Signal::INT;
    rustix::process::kill_process(pid, interrupt).unwrap();
    let status = process.child.wait().unwrap();
    assert_eq!(status.signal(), Some(interrupt.as_raw()), "it ended with {status}");
}

#[test]
fn what_one_process_acknowledged_another_sees_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut one = Process::with_collection(directory.path());
    let mut two = Process::with_collection(directory.path());
    let done = Ok(json!({}));
    for round in 0_u32..40 {
        let (writer, reader) =
            if round % 2 == 0 { (&mut one, &mut two) } else { (&mut two, &mut one) };
        let id = format!("r/{round}");
        let data = format!(r#"{{"owner":"o{round}"}}"#);
        let created = record(&id, &data);
        let put = json!({"record": created});
        assert_eq!(writer.call("collection.create", &put), done, "round {round}");
        assert_eq!(
            reader.call("collection.get", &json!({"id": id})),
            Ok(json!({"record": created})),
            "round {round}"
        );
        let found = json!({"key": "owner", "value": [format!("o{round}")]});
        assert_eq!(
            reader.call("collection.find", &found),
            Ok(json!({"records": [created]})),
            "round {round}: a key is seen as soon as its record"
        );
        assert_eq!(
            reader.call("collection.create", &json!({"record": record("other", &data)})),
            Err("key_taken".to_owned()),
            "round {round}"
        );
        assert_eq!(
            reader.call("collection.count", &json!({})),
            Ok(json!({"count": round.div_ceil(2) + 1})),
            "round {round}"
        );
        if round % 2 == 1 {
            assert_eq!(reader.call("collection.delete", &json!({"id": id})), done);
            assert_eq!(
                writer.call("collection.get", &json!({"id": id})),
                Err("not_found".to_owned()),
                "round {round}: a deletion is seen at once"
            );
        }
    }
    one.finish();
    two.finish();
}

#[test]
fn a_killed_process_loses_no_acknowledged_write() {
    let directory = tempfile::tempdir().unwrap();
    let mut watcher = Process::with_collection(directory.path());
    let sent_each_round = 24;
    let mut in_mid_work = 0;
    for acknowledged_before_kill in [0, 1, 3, 6, 10, 15] {
        let round = format!("round-{acknowledged_before_kill}");
        let mut victim = Process::with_collection(directory.path());
        // Each request is answered after the one before: so that the kill comes
        // in mid-work, all are sent before the first answer is awaited.
        for number in 0..sent_each_round {
            let data = format!("{{\"owner\":\"{round}-{number}\"}}");
            let writes = json!({"writes": [
                {"put": record(&format!("{round}/{number:02}/a"), &data), "when": "absent"},
                {"put": record(&format!("{round}/{number:02}/b"), "{}"), "when": "absent"},
            ]});
            victim.send(&request(number, "collection.commit", &writes));
        }
        for number in 0..acknowledged_before_kill {
            assert_eq!(outcome(&victim.receive(), number), Ok(json!({})));
        }
        victim.child.kill().unwrap();
        victim.child.wait().unwrap();
        // What it had answered by then is acknowledged as well.
        let mut acknowledged = acknowledged_before_kill;
        while let Some(line) = victim.next_line().filter(|line| line.ends_with('\n')) {
            assert_eq!(outcome(&line, acknowledged), Ok(json!({})));
            acknowledged += 1;
        }
        in_mid_work += u64::from(acknowledged < sent_each_round);

        // The one that was open all along, and one that opens what was left.
        let mut newcomer = Process::with_collection(directory.path());
        for survivor in [&mut watcher, &mut newcomer] {
            let query = json!({"prefix": format!("{round}/"), "limit": 1_000});
            let page = survivor.call("collection.list", &query).unwrap();
            let stored: Vec<&str> = page["records"]
                .as_array()
                .unwrap()
                .iter()
                .map(|record| record["id"].as_str().unwrap())
                .collect();
            assert_eq!(page.get("damaged"), None, "{round}: {page}");
            let commits = stored.len() as u64 / 2;
            assert!(
                (acknowledged..=acknowledged + 1).contains(&commits),
                "{round}: {acknowledged} commits were acknowledged, {commits} are there"
            );
            let expected: Vec<String> = (0..commits)
                .flat_map(|number| ["a", "b"].map(|name| format!("{round}/{number:02}/{name}")))
                .collect();
            assert_eq!(stored, expected, "{round}: a commit is there wholly or not at all");
        }
        newcomer.finish();
    }
    assert!(in_mid_work > 0, "every process had done all its work before it was killed");
    watcher.finish();
}

#[test]
fn the_clock_is_each_process_s_own_and_makes_records_expire() {
    let directory = tempfile::tempdir().unwrap();
    let mut early = Process::with_collection(directory.path());
    let mut late = Process::with_collection(directory.path());
    for (process, now) in
        [(&mut early, "2026-01-01T11:59:59.999999999Z"), (&mut late, "2026-01-01T21:00:00+09:00")]
    {
        assert_eq!(process.call("clock", &json!({"now": now})), Ok(json!({})));
    }
    let mut expiring = record("a", "{}");
    expiring["expires_at"] = json!("2026-01-01T12:00:00Z");
    let put = json!({"record": expiring});
    assert_eq!(early.call("collection.create", &put), Ok(json!({})));
    assert_eq!(early.call("collection.get", &json!({"id": "a"})), Ok(put.clone()));
    assert_eq!(late.call("collection.get", &json!({"id": "a"})), Err("not_found".to_owned()));
    // The clock outlives what was open.
    assert_eq!(late.call("close", &json!({})), Ok(json!({})));
    assert_eq!(late.call("open", &open_collection(directory.path())), Ok(json!({})));
    assert_eq!(late.call("collection.purge_expired", &json!({})), Ok(json!({"count": 1})));
    assert_eq!(early.call("collection.get", &json!({"id": "a"})), Err("not_found".to_owned()));
    early.finish();
    late.finish();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test prepares real files")]
fn what_older_software_left_is_read_and_damage_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let users = directory.path().join("users");
    fs::create_dir(&users).unwrap();
    let flat = "{\n  \"id\": \"u1\",\n  \"username\": \"ann\",\n  \"password_hash\": \"h\",\n  \
                \"role\": \"viewer\",\n  \"created_at\": \"2025-11-03T09:15:30+09:00\",\n  \
                \"updated_at\": \"2025-11-03T09:15:30+09:00\",\n  \"theme\": {\n    \"dark\": \
                true\n  }\n}\n";
    fs::write(users.join("u1.json"), flat).unwrap();
    fs::write(users.join("u2.json"), "{\"id\": \"u2\", \"password_hash\": \"hunter2").unwrap();
    let mut process = Process::start("file");
    let open = json!({"subject": "user", "path": directory.path().to_str().unwrap()});
    assert_eq!(process.call("open", &open), Ok(json!({})));
    // Its members are written on several lines in the file.
    let user = process.call("user.get", &json!({"id": "u1"})).unwrap();
    assert_eq!(user["user"]["theme"], json!({"dark": true}));
    assert_eq!(user["user"]["created_at"], "2025-11-03T09:15:30+09:00");
    assert_eq!(process.call("user.get", &json!({"id": "u2"})), Err("corrupt".to_owned()));
    let list = process.call("user.list", &json!({})).unwrap();
    assert_eq!(list["users"], json!([user["user"]]));
    assert_eq!(list["damaged"][0]["id"], "u2");
    assert!(!list.to_string().contains("hunter2"), "{list}");
    process.finish();
}
