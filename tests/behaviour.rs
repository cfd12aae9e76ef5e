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
    use std::{fs, path::Path};

    /// Cargo does not look for tests here by itself: a file that no `mod` names
    /// would silently not run.
    #[test]
    fn every_file_in_tests_is_a_module_of_this_one() {
        let tests = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests"));
        let files = modules_in(tests, &tests.join("behaviour.rs"));
        assert!(files > 90, "only {files} files were looked at");
    }

    /// Demands that `parent` names every file of its folder, and these those of theirs; how
    /// many there are.
    #[expect(clippy::disallowed_methods, reason = "it looks at the sources")]
    fn modules_in(folder: &Path, parent: &Path) -> usize {
        let text = fs::read_to_string(parent)
            .unwrap_or_else(|error| panic!("{}, or it would not run: {error}", parent.display()));
        let mut files = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let is_source = path.extension().is_some_and(|extension| extension == "rs");
            if is_source && path != parent {
                files += 1;
                let line = format!("mod {name};");
                let mut lines = text.lines().map(|line| line.trim().rsplit("pub(crate) ").next());
                let is_named = lines.any(|named| named == Some(&line));
                assert!(
                    is_named,
                    "{} is not run: {} lacks `{line}`",
                    path.display(),
                    parent.display()
                );
            } else if path.is_dir() && has_sources(&path) {
                let own = path.join("mod.rs");
                let parent = if own.exists() { own } else { folder.join(format!("{name}.rs")) };
                files += modules_in(&path, &parent);
            }
        }
        files
    }

    #[expect(clippy::disallowed_methods, reason = "it looks at the sources")]
    fn has_sources(folder: &Path) -> bool {
        let mut entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.any(|path| path.extension().is_some_and(|extension| extension == "rs"))
    }
}
