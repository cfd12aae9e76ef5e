//! Behaviour tests: one binary, one module an area.

// Modules are `cfg(test)` so that the lints know them for what they are.
#[cfg(test)]
mod any_bytes;
#[cfg(test)]
mod api_keys_rules;
#[cfg(test)]
mod backends;
#[cfg(test)]
mod bugs;
#[cfg(test)]
mod campaigns;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod crash_oracle;
#[cfg(test)]
mod crash_sites;
#[cfg(test)]
mod data_directory;
#[cfg(test)]
mod database_faults;
#[cfg(test)]
mod database_races;
#[cfg(test)]
mod determinism;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod driver;
#[cfg(test)]
mod every_interleaving;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod file_backend;
#[cfg(test)]
mod file_format;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod fuzz_targets;
#[cfg(test)]
mod gating;
#[cfg(test)]
mod genuine;
#[cfg(test)]
mod hybrid_backend;
#[cfg(test)]
mod joined_reports;
#[cfg(test)]
mod key_file;
#[cfg(test)]
mod killed_processes;
#[cfg(test)]
mod meanwhile;
#[cfg(test)]
mod mutants;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod regressions;
#[cfg(test)]
mod sealed;
#[cfg(test)]
mod seam_rules;
#[cfg(test)]
mod secrets_rules;
#[cfg(test)]
mod sessions_rules;
#[cfg(test)]
mod shrinking;
#[cfg(test)]
mod sqlite_backend;
#[cfg(test)]
mod targets;
#[cfg(test)]
mod users_rules;
#[cfg(test)]
mod watermark_rules;
#[cfg(test)]
mod webhooks_rules;
#[cfg(test)]
mod worker_heartbeats_rules;
#[cfg(test)]
mod working_sets;
#[cfg(test)]
mod workspace;

#[cfg(test)]
mod all_files_are_tested {
    use std::fs;

    /// Cargo does not look for tests here by itself: a file that no `mod` names
    /// would silently not run.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "it looks at the sources")]
    fn every_file_in_tests_is_a_module_of_this_one() {
        let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
        let modules = fs::read_to_string(format!("{tests}/behaviour.rs")).unwrap();
        for entry in fs::read_dir(tests).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let Some(module) = name.strip_suffix(".rs").filter(|module| *module != "behaviour")
            else {
                continue;
            };
            let line = format!("mod {module};");
            assert!(modules.contains(&line), "tests/{name} is not run: add `{line}`");
        }
    }
}
