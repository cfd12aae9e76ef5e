#![no_main]

storeproof_fuzz::target!(COLLECTION_OPS);
