//! Runs `local_exporter_fuzz::configuration` under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| local_exporter_fuzz::configuration::run(input));
