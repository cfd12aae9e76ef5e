//! What all fuzz targets have in common: each is one of `storeproof::fuzz::TARGETS`,
//! made a program of libFuzzer's.
//!
//! Two variables of the environment say what else one does:
//!
//! - `STOREPROOF_FUZZ_PLANT=NAME`: the target has this one of its bugs in it, and ought to find
//!   it;
//! - `STOREPROOF_FUZZ_KEEP=DIR`: an input that fails is made small by our own shrinker and
//!   written there as a replay file, if inputs are scenarios. Its path goes to standard
//!   output.

use std::{
    env, fs, panic,
    path::{Path, PathBuf},
    process,
    sync::OnceLock,
};

pub use libfuzzer_sys;
pub use storeproof::fuzz;
use storeproof::{
    check::{findings::Found, replay::read_header, verify::is_catching_panics},
    fuzz::{Check, FuzzTarget},
};

/// As the program has it.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

static CHECK: OnceLock<&'static dyn Check> = OnceLock::new();
static KEEP: OnceLock<PathBuf> = OnceLock::new();

/// The program of one of the targets of `storeproof::fuzz`.
#[macro_export]
macro_rules! target {
    ($target:ident) => {
        $crate::libfuzzer_sys::fuzz_target!(init: $crate::begin(&$crate::fuzz::$target), |input: &[u8]| {
            $crate::run(input)
        });
    };
}

/// Before the first input.
pub fn begin(target: &'static FuzzTarget) {
    // A panic under a check that expects panics is a finding of its own.
    panic::set_hook(Box::new(|info| {
        if !is_catching_panics() {
            eprintln!("{info}");
            process::abort();
        }
    }));
    let check = match env::var("STOREPROOF_FUZZ_PLANT") {
        Err(_) => target.check,
        Ok(wanted) => {
            let bug = target.planted.iter().find(|bug| bug.name == wanted);
            bug.unwrap_or_else(|| refuse(&format!("no bug {wanted:?} in {}", target.name))).check
        }
    };
    let _ = CHECK.set(check);
    if let Ok(directory) = env::var("STOREPROOF_FUZZ_KEEP") {
        let _ = KEEP.set(directory.into());
    }
}

fn refuse(problem: &str) -> ! {
    eprintln!("storeproof-fuzz: {problem}");
    process::exit(2)
}

/// One input: nothing is wrong with it, or the process ends.
pub fn run(input: &[u8]) {
    let Some(check) = CHECK.get() else { return };
    if let Some(directory) = KEEP.get() {
        if let Some(found) = check.smallest(input) {
            match keep(&found, directory) {
                Ok(path) => println!("{}", path.display()),
                Err(error) => refuse(&error),
            }
        }
        return;
    }
    if let Some(problem) = check.problem(input) {
        panic!("{problem}");
    }
}

/// Writes a replay file, named for its store, its backend and what it breaks.
fn keep(found: &Found, directory: &Path) -> Result<PathBuf, String> {
    let header = read_header(&found.replay).map_err(|error| error.to_string())?;
    let signature = &found.violation.signature;
    let words: Vec<String> = format!("{} {}", signature.kind.describe(), signature.rule)
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(10)
        .map(str::to_ascii_lowercase)
        .collect();
    let stem = format!("{}-{}-{}", header.store, header.backend, words.join("-"));
    for number in 1.. {
        let name =
            if number == 1 { format!("{stem}.json") } else { format!("{stem}-{number}.json") };
        let path = directory.join(name);
        match fs::read_to_string(&path) {
            Ok(text) if text == found.replay => return Ok(path),
            Ok(_) => {}
            Err(_) => {
                let written = fs::write(&path, &found.replay);
                return written
                    .map(|()| path.clone())
                    .map_err(|error| format!("{} can't be written: {error}", path.display()));
            }
        }
    }
    Err("there is no name left".to_owned())
}
