//! Runs `local_exporter_fuzz::dbus_reply` under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| local_exporter_fuzz::dbus_reply::run(input));
