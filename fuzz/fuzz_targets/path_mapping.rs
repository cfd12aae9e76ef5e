#![no_main]

storeproof_fuzz::target!(PATH_MAPPING);
