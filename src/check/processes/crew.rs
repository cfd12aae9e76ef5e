//! The processes of a campaign: started when they are needed, and used again.

use std::{
    io,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::Command,
    sync::{Mutex, PoisonError},
};

use super::process::Process;

/// How to start a process that calls [`super::child::serve`].
#[derive(Clone, Debug)]
pub struct Program {
    /// What to run.
    pub path: PathBuf,
    /// With which arguments.
    pub arguments: Vec<String>,
    /// With which variables set in its environment, by name.
    pub environment: Vec<(String, String)>,
}

impl Program {
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        // Who interrupts the parent from a terminal does not mean its processes:
        // they end when it has written its report.
        command.process_group(0);
        command.args(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// Processes that nobody needs at the moment, and how to start more.
///
/// Starting one takes longer than a case: one that was not killed goes on to the
/// next case, with a new directory.
pub struct Crew {
    program: Program,
    idle: Mutex<Vec<Process>>,
}

impl Crew {
    /// A crew that starts this program.
    #[must_use]
    pub fn new(program: Program) -> Self {
        Self { program, idle: Mutex::default() }
    }

    /// A process with nothing that matters open.
    pub(super) fn take(&self) -> io::Result<Process> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| Process::start(&self.program), Ok)
    }

    /// Takes back a process that waits for a request.
    pub(super) fn give_back(&self, process: Process) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(process);
    }
}
