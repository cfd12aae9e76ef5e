#![no_main]

storeproof_fuzz::target!("store_ops");
