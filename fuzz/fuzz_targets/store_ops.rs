#![no_main]

storeproof_fuzz::target!(STORE_OPS);
