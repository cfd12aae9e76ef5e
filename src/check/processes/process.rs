//! A process, as its parent has it.

use std::{
    io::{self, Read, Write},
    process::{Child, ChildStdin, ChildStdout, Stdio},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::retry_on_intr,
};

use super::{
    crew::Program,
    protocol::{Answer, GREETING, Request},
};

/// Who says nothing for so long never will.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A process of ours; killed when dropped.
pub(super) struct Process {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    /// What it said and nobody took yet.
    said: Vec<u8>,
}

/// What came of waiting for a line.
enum Line {
    /// The line, without its end.
    Whole(Vec<u8>),
    /// It said nothing for so long.
    Silence,
    /// It ended.
    Ended,
}

/// What came when a process was asked.
pub(super) enum Asked {
    /// Its answer.
    Answer(Answer),
    /// It said nothing for so long.
    Silence,
    /// It ended, or can't be talked to.
    Ended,
}

impl Process {
    /// Starts one and waits for its greeting.
    pub(super) fn start(program: &Program) -> io::Result<Self> {
        let mut command = program.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // What it has to say comes as answers.
        let mut child = command.stderr(Stdio::null()).spawn()?;
        let streams = child.stdin.take().zip(child.stdout.take());
        let (input, output) = streams.ok_or(io::ErrorKind::BrokenPipe)?;
        let mut process = Self { child, input, output, said: Vec::new() };
        loop {
            match process.line(PATIENCE)? {
                Line::Whole(line) if line == GREETING.as_bytes() => return Ok(process),
                // Said by whoever started it.
                Line::Whole(_) => {}
                Line::Silence | Line::Ended => {
                    return Err(io::Error::other("the program is no client of storeproof's"));
                }
            }
        }
    }

    /// Asks it for something, and waits for the answer as long as `patience`
    /// lasts.
    pub(super) fn ask(&mut self, request: &Request, patience: Duration) -> Asked {
        let asked = serde_json::to_vec(request).map_err(io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            self.input.write_all(&line)
        });
        match asked.and_then(|()| self.line(patience)) {
            Ok(Line::Whole(line)) => answer(&line),
            Ok(Line::Silence) => Asked::Silence,
            Ok(Line::Ended) | Err(_) => Asked::Ended,
        }
    }

    /// Kills it; what it had answered all the same.
    pub(super) fn kill(mut self) -> Option<Answer> {
        // It may have ended already.
        let _ = self.child.kill();
        // When this returns, the system has closed its files: its locks are free.
        let _ = self.child.wait();
        match self.line(PATIENCE) {
            Ok(Line::Whole(line)) => match answer(&line) {
                Asked::Answer(answer) => Some(answer),
                Asked::Silence | Asked::Ended => None,
            },
            _ => None,
        }
    }

    fn line(&mut self, patience: Duration) -> io::Result<Line> {
        let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
        loop {
            if let Some(end) = self.said.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.said.drain(..=end).collect();
                line.pop();
                return Ok(Line::Whole(line));
            }
            let mut watched = [PollFd::new(&self.output, PollFlags::IN)];
            if retry_on_intr(|| poll(&mut watched, Some(&patience)))? == 0 {
                return Ok(Line::Silence);
            }
            let mut bytes = [0; 16_384];
            let count = self.output.read(&mut bytes)?;
            if count == 0 {
                return Ok(Line::Ended);
            }
            self.said.extend(bytes.iter().take(count));
        }
    }
}

fn answer(line: &[u8]) -> Asked {
    serde_json::from_slice(line).map_or(Asked::Ended, Asked::Answer)
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, or been killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
