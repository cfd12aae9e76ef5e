#![no_main]

storeproof_fuzz::target!("cursor_decode");
