#![no_main]

storeproof_fuzz::target!("legacy_detect");
