#!/bin/bash -eu
# Builds every fuzz target with its seeds, its dictionary and its options, as
# ClusterFuzzLite and OSS-Fuzz want them: $OUT/NAME, NAME_seed_corpus.zip, NAME.options,
# and the dictionaries that the options name.
cd "$SRC/storeproof"

# The memory allocator of the program would hide what the sanitizer looks for.
cargo fuzz build --fuzz-dir fuzz -O --debug-assertions --no-default-features

for source in fuzz/fuzz_targets/*.rs; do
    target=$(basename "$source" .rs)
    cp "fuzz/target/x86_64-unknown-linux-gnu/release/$target" "$OUT/"
    cp "fuzz/options/$target.options" "$OUT/"
    zip -q -j "$OUT/${target}_seed_corpus.zip" "fuzz/corpus/$target"/*
done
cp fuzz/dictionaries/*.dict "$OUT/"
