#![no_main]

storeproof_fuzz::target!("collection_ops");
