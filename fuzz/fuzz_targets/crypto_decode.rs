#![no_main]

storeproof_fuzz::target!("crypto_decode");
