//! Many selectors of one bus share connections to it, and no method that hangs delays another selector.

use super::system_bus;
use crate::support::{Exporter, exposition, until};
use local_exporter_daemons::bus::Bus;
use local_exporter_daemons::prombus::{self, Prombus};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// The largest number of selectors that have their own connections, and of shared connections.
const OWN: usize = 32;
/// The largest number of connections to a bus.
const ALL: usize = 64;
/// The descriptors that vary: the connections of the test's own client.
const SLACK: usize = 3;
/// The largest body of every selector, and the size of a large reply: it breaks the connection, because it exceeds the
/// largest body by more than the room for a header.
const MAX_BYTES: usize = 20_000;
const LARGE_BYTES: usize = MAX_BYTES + 100_000;
/// The longest time of a scrape that waits for nothing.
const SOON: Duration = Duration::from_millis(1500);

struct Scene {
    exporter: Exporter,
    /// The descriptors of the exporter without a connection to the bus.
    before: usize,
    _prombus: Prombus,
    _bus: Bus,
}

/// The method of selectors, how many of them there are, and more of their keys.
type Selectors<'a> = (&'a str, usize, &'a str);

impl Scene {
    /// Selectors `METHOD0`, `METHOD1` and so on for each method.
    fn start(selectors: &[Selectors<'_>]) -> Self {
        let bus = system_bus();
        let prombus = Prombus::start(&bus.address(), exposition()).unwrap();
        prombus.set_large(LARGE_BYTES);
        let (destination, path) = (prombus::NAME, prombus::PATH);
        let mut config = format!(
            "[bridge]\ndbus_system_bus_address = {:?}\n[bridge.defaults]\nmax_bytes = {MAX_BYTES}\n",
            bus.address()
        );
        for (method, count, keys) in selectors {
            let interface = match *method {
                prombus::METHOD => prombus::INTERFACE,
                _ => prombus::FAULTS,
            };
            for number in 0..*count {
                let _ = write!(
                    config,
                    "[bridge.selectors.{method}{number}]\nkind = \"dbus\"\npath = \"{path}\"\n\
                     destination = \"{destination}\"\nmethod = \"{interface}.{method}\"\n{keys}\n"
                );
            }
        }
        let exporter = Exporter::start(&config);
        assert_eq!(exporter.get("/-/healthy").status, 200);
        Self {
            before: exporter.descriptors(),
            exporter,
            _prombus: prombus,
            _bus: bus,
        }
    }

    /// Scrapes so many selectors of a method at the same time; the statuses, and the longest time.
    fn scrape_all(&self, method: &str, count: usize) -> (Vec<u16>, Duration) {
        let scrape = |number| {
            let began = Instant::now();
            let reply = self.exporter.scrape(&format!("{method}{number}"));
            (reply.status, began.elapsed())
        };
        std::thread::scope(|scope| {
            let scrapes: Vec<_> = (0..count)
                .map(|number| scope.spawn(move || scrape(number)))
                .collect();
            let replies = scrapes.into_iter().map(|scrape| scrape.join().unwrap());
            let (statuses, times): (Vec<_>, Vec<_>) = replies.unzip();
            (statuses, times.into_iter().max().unwrap())
        })
    }

    /// Waits until at most so many connections to the bus are open, and those of the clients are closed.
    fn connections_are_at_most(&self, most: usize) {
        until("the connections are few", || {
            self.exporter.descriptors() <= self.before + most + SLACK
        });
    }
}

#[test]
fn a_few_selectors_have_their_own_connections() {
    let scene = Scene::start(&[(prombus::METHOD, OWN, "")]);
    let (statuses, _) = scene.scrape_all(prombus::METHOD, OWN);
    assert_eq!(statuses, [200; OWN]);
    assert!(scene.exporter.descriptors() + SLACK >= scene.before + OWN);
    scene.connections_are_at_most(OWN);
}

/// A system bus accepts 256 connections of a user by default.
#[test]
fn hundreds_of_selectors_share_a_few_connections() {
    const MANY: usize = 300;
    let scene = Scene::start(&[(prombus::METHOD, MANY, "")]);
    for _ in 0..3 {
        let (statuses, _) = scene.scrape_all(prombus::METHOD, MANY);
        assert_eq!(statuses, [200; MANY]);
    }
    scene.connections_are_at_most(OWN);
    let logged = |line: &String| line.contains("the selectors of one bus share connections");
    assert!(scene.exporter.log().iter().any(logged));
}

#[test]
fn methods_that_hang_or_reply_too_much_delay_no_selector_that_shares_connections() {
    const GOOD: usize = 60;
    const HUNG: usize = 40;
    const LARGE: usize = 10;
    const ROUNDS: usize = 5;
    let scene = Scene::start(&[
        (prombus::METHOD, GOOD, ""),
        ("Never", HUNG, "timeout = \"500ms\""),
        ("Large", LARGE, ""),
    ]);
    for round in 0..ROUNDS {
        std::thread::scope(|scope| {
            let hung = scope.spawn(|| scene.scrape_all("Never", HUNG));
            let large = scope.spawn(|| scene.scrape_all("Large", LARGE));
            for _ in 0..3 {
                let (statuses, longest) = scene.scrape_all(prombus::METHOD, GOOD);
                assert_eq!(statuses, [200; GOOD], "round {round}");
                assert!(longest < SOON, "{longest:?} in round {round}");
            }
            assert_eq!(hung.join().unwrap().0, [504; HUNG]);
            assert_eq!(large.join().unwrap().0, [502; LARGE]);
        });
        scene.connections_are_at_most(ALL);
    }
    let reason = |name| scene.exporter.actor(name)["last_error"]["reason"].clone();
    assert_eq!(["Never0", "Large0"].map(reason), ["timeout", "too_large"]);
    // The connections of the methods that hang are closed.
    scene.connections_are_at_most(OWN);
}
