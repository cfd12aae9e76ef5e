#![no_main]

storeproof_fuzz::target!("envelope_decode");
