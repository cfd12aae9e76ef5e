#![no_main]

storeproof_fuzz::target!(SCENARIO_FILE);
