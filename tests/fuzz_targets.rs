//! The fuzz targets, without a fuzzer: their committed inputs hold, what is committed is
//! what it should be, and each bug that is planted in one is found by it.

#![expect(clippy::disallowed_methods, reason = "it reads and writes the corpora")]

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use storeproof::{
    check::{backends, registry::store_named, replay::read_header},
    fuzz::{FuzzTarget, TARGETS, seeds::seeds},
};

/// Set, to anything: seeds are written, those that are missing as well.
const UPDATE: &str = "STOREPROOF_UPDATE_SNAPSHOTS";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn corpus(target: &FuzzTarget) -> PathBuf {
    root().join("fuzz/corpus").join(target.name)
}

/// The files in a directory with their names, ordered; none where there is no directory.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn longest(target: &FuzzTarget) -> usize {
    let path = root().join("fuzz/options").join(target.name).with_extension("options");
    let options = fs::read_to_string(path).unwrap();
    let line = options.lines().find_map(|line| line.strip_prefix("max_len = "));
    line.expect("the longest input").parse().expect("a number")
}

#[test]
fn every_committed_input_holds() {
    for target in TARGETS {
        let inputs = files(&corpus(target));
        assert!(!inputs.is_empty(), "{} has no corpus", target.name);
        let longest = longest(target);
        for (name, input) in inputs {
            assert!(input.len() <= longest, "{name} is longer than a run of {}", target.name);
            let problem = target.check.problem(&input);
            assert_eq!(problem, None, "{} with {name}", target.name);
        }
    }
}

/// What the corpora have of the snapshots and of the saved counterexamples is what is
/// made of them, to the byte. Newer ones may be missing, and those that are longer than
/// a run has are left out.
#[test]
fn the_corpora_are_made_of_the_snapshots_and_of_the_saved_counterexamples() {
    let saved: Vec<(String, String)> = files(&root().join("tests/regressions"))
        .into_iter()
        .map(|(name, text)| (name, String::from_utf8(text).unwrap()))
        .collect();
    assert!(!saved.is_empty());
    let mut written = 0;
    for target in TARGETS.iter().filter(|target| !target.name.ends_with("_ops")) {
        let seeds = seeds(target.name, &saved);
        let total = seeds.len();
        let mut committed = 0;
        for (name, input) in seeds {
            let path = corpus(target).join(&name);
            if env::var_os(UPDATE).is_some() && input.len() <= longest(target) {
                fs::create_dir_all(corpus(target)).unwrap();
                fs::write(&path, &input).unwrap();
                written += 1;
            }
            let Ok(there) = fs::read(&path) else { continue };
            committed += 1;
            assert_eq!(
                there, input,
                "fuzz/corpus/{}/{name} is not what it is made of; run the tests once with \
                 {UPDATE}=1",
                target.name
            );
        }
        assert!(total >= 3 && committed * 2 > total, "{}: {committed} of {total}", target.name);
    }
    assert_eq!(written, 0, "so many are written: run the tests without {UPDATE}");
}

/// A target that cargo-fuzz does not know, or the script, would never run.
#[test]
fn every_target_has_a_program_and_the_script_knows_the_bugs() {
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    let programs: BTreeSet<String> = files(&root().join("fuzz/fuzz_targets"))
        .into_iter()
        .map(|(name, _)| name.strip_suffix(".rs").expect("a source file").to_owned())
        .collect();
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(programs, targets);
    for target in TARGETS {
        let line = format!("name = \"{}\"\npath = \"fuzz_targets/{0}.rs\"", target.name);
        assert!(manifest.contains(&line), "{} has no entry in fuzz/Cargo.toml", target.name);
        let source = root().join("fuzz/fuzz_targets").join(target.name).with_extension("rs");
        let source = fs::read_to_string(source).unwrap();
        assert!(source.contains(&format!("target!({})", target.name.to_uppercase())), "{source}");
    }
    let script = fs::read_to_string(root().join("scripts/fuzz")).unwrap();
    let planted =
        TARGETS.iter().flat_map(|target| target.planted.iter().map(move |bug| (target, bug)));
    assert_eq!(planted.clone().count(), 3);
    for (target, bug) in planted {
        let pair = format!("{}:{}", target.name, bug.name);
        assert!(script.contains(&pair), "scripts/fuzz --prove does not plant {pair}");
    }
}

/// Inputs without anybody to guide them: of any length up to some, many of them short.
struct Inputs(Xoshiro256PlusPlus);

impl Inputs {
    fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    fn next(&mut self) -> Vec<u8> {
        let length = 4 + self.0.next_u32() as usize % (1 << (self.0.next_u32() % 6 + 3));
        let mut input = vec![0; length];
        self.0.fill_bytes(&mut input);
        input
    }
}

#[test]
fn random_inputs_find_nothing() {
    for target in TARGETS {
        let mut inputs = Inputs::new(1);
        for _ in 0..400 {
            let mut input = inputs.next();
            for first in [input.first().copied(), Some(0)] {
                // Of the decoders, 0 asks for something that is nearly right.
                input[0] = first.unwrap_or(0);
                let problem = target.check.problem(&input);
                assert_eq!(problem, None, "{} with {input:?}", target.name);
            }
        }
    }
}

/// Each of them within so many inputs that nobody guides, or among the committed ones.
#[test]
fn a_planted_bug_is_found_by_its_target() {
    let scratch = tempfile::tempdir().unwrap();
    let backends = backends::all(scratch.path());
    for (target, bug) in
        TARGETS.iter().flat_map(|target| target.planted.iter().map(move |bug| (target, bug)))
    {
        let committed = files(&corpus(target)).into_iter().map(|(_, input)| input);
        let mut inputs = Inputs::new(2);
        let random = (0..20_000).map(|_| inputs.next());
        let found = committed.chain(random).find(|input| bug.check.problem(input).is_some());
        let Some(input) = found else { panic!("{} is not found", bug.name) };
        assert_eq!(target.check.problem(&input), None, "{}: without the bug", bug.name);
        if !target.name.ends_with("_ops") {
            continue;
        }
        let small = bug.check.smallest(&input).unwrap_or_else(|| {
            panic!("{}: what {} found does not fail again", bug.name, target.name)
        });
        assert!(small.steps <= 8, "{}: {:#?}", bug.name, small.violation);
        let header = read_header(&small.replay).unwrap();
        let backend = backends.iter().find(|backend| backend.name() == header.backend).unwrap();
        let store = store_named(&header.store).unwrap();
        let replayed = store.replay(&small.replay, &**backend).unwrap();
        assert_eq!(replayed.violation, None, "{}: the sound store fails as well", bug.name);
    }
}
