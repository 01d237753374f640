//! Runs `local_exporter_fuzz::check` under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| local_exporter_fuzz::check::run(input));
