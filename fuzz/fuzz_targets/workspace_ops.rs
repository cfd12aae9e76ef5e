#![no_main]

storeproof_fuzz::target!(WORKSPACE_OPS);
