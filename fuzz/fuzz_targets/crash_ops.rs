#![no_main]

storeproof_fuzz::target!(CRASH_OPS);
