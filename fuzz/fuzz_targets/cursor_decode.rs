#![no_main]

storeproof_fuzz::target!(CURSOR_DECODE);
