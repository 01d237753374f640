//! Runs `local_exporter_fuzz::query` under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| local_exporter_fuzz::query::run(input));
