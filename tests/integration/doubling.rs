//! Every cost is linear: four times the input takes about four times the processor time.
//!
//! The rule holds for all that the size of a configuration, a directory, a body or the number of selectors can make
//! slow. The time is that of the exporter's process alone, and is compared within one run, so that neither the speed
//! of the machine nor its load matters. The checker and the joiner have such a test in their own crate.

mod commands;
mod configuration;
mod directories;
mod pages;
mod processor;

use std::time::Duration;

/// The input is doubled twice.
const FACTOR: usize = 4;
/// The largest factor of the cost. A linear cost has 4, sorting less than 5, a quadratic cost 16.
const LIMIT: u32 = 7;
/// A cost below this consists of what does not depend on the input, and of three ticks of the kernel's clock.
const LEAST: Duration = Duration::from_millis(30);
/// A busy machine can distort single runs: caches are cold, and the kernel does work of others. A cost that is not
/// linear exceeds the limit in every run.
const ATTEMPTS: usize = 3;

/// A kind of input, the size of the smaller one, and how it is made.
type Case<'a, Input> = (&'a str, usize, &'a dyn Fn(usize) -> Input);

/// Asserts that `cost` is linear in the size that it gets.
#[track_caller]
fn assert_linear(what: &str, size: usize, cost: impl Fn(usize) -> Duration) {
    let exceeding = exceeding(what, size, cost);
    assert!(
        exceeding.len() < ATTEMPTS,
        "{what} is not linear from {size} to {}: {exceeding:?}",
        size * FACTOR
    );
}

/// The costs of both sizes in the attempts that exceeded the limit, until one did not.
fn exceeding(what: &str, size: usize, cost: impl Fn(usize) -> Duration) -> Vec<[Duration; 2]> {
    let attempt = |_| [size, size * FACTOR].map(&cost);
    let exceeds = |[small, large]: &[Duration; 2]| *large > LIMIT * LEAST.max(*small);
    let attempts = (0..ATTEMPTS).map(attempt).inspect(|costs| {
        println!("{what}: {size} and {FACTOR} times as many cost {costs:?}");
    });
    attempts.take_while(exceeds).collect()
}

#[test]
fn a_quadratic_cost_exceeds_the_limit_and_a_linear_one_does_not() {
    let micros = |micros: usize| Duration::from_micros(micros as u64);
    let square = exceeding("a square", 1000, |size| micros(size * size));
    assert_eq!(square.len(), ATTEMPTS);
    let line = exceeding("a line", 1000, |size| micros(size * 1000));
    assert_eq!(line.len(), 0);
}
