//! The storeproof program.

fn main() {}
