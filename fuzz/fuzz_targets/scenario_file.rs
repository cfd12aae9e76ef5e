#![no_main]

storeproof_fuzz::target!("scenario_file");
