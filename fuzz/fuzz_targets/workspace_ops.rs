#![no_main]

storeproof_fuzz::target!("workspace_ops");
