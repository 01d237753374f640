//! Runs `local_exporter_exposition_fuzz::run` under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| local_exporter_exposition_fuzz::run(input));
