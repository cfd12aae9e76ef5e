#![no_main]

storeproof_fuzz::target!("path_mapping");
