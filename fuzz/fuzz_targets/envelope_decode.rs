#![no_main]

storeproof_fuzz::target!(ENVELOPE_DECODE);
