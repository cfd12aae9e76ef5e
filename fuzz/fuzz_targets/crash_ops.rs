#![no_main]

storeproof_fuzz::target!("crash_ops");
