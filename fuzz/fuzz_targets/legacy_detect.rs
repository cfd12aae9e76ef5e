#![no_main]

storeproof_fuzz::target!(LEGACY_DETECT);
