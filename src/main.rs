//! The `storeproof` program.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A campaign is a great many short lives of small things: the system's allocator
/// takes a quarter of its time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    storeproof::cli::main()
}
