#![no_main]

storeproof_fuzz::target!(CRYPTO_DECODE);
