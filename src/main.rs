//! The `storeproof` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    storeproof::cli::main()
}
