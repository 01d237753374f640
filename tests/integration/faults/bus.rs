//! Faults of a message bus.

use super::scene::{Expected, GOOD, Outcome, Recovery, Scene, TIMEOUT};
use crate::support::until;
use local_exporter_daemons::bus::{Bus, BusKind, BusOptions};
use local_exporter_daemons::prombus::{INTERFACE, METHOD, NAME, PATH};
use local_exporter_daemons::scripted_service::{Reply, ScriptedService};
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

/// The configuration of a selector `it` that calls a method on a bus.
pub fn selector(bus: &Bus, timeout: Duration) -> String {
    format!(
        "[bridge.selectors.it]\nkind = \"dbus\"\nbus = {:?}\ndestination = {NAME:?}\n\
         method = \"{INTERFACE}.{METHOD}\"\npath = {PATH:?}\ntimeout = \"{timeout:?}\"\n",
        bus.address()
    )
}

/// A bus with a correct service.
pub struct Served {
    pub bus: Bus,
    pub service: ScriptedService,
}

impl Served {
    pub fn start(options: BusOptions) -> Self {
        let bus = options.start().unwrap();
        let service = good_service(&bus);
        Self { bus, service }
    }

    /// Restarts the bus and the service.
    pub fn restart(mut self) -> Self {
        self.bus.restart().unwrap();
        drop(self.service);
        let service = good_service(&self.bus);
        Self { service, ..self }
    }
}

pub fn good_service(bus: &Bus) -> ScriptedService {
    ScriptedService::start(&bus.address(), Reply::Bytes(GOOD.to_vec())).unwrap()
}

pub fn system_bus() -> BusOptions {
    BusOptions::new().kind(BusKind::System)
}

/// A bus with a correct service, and a scene whose `it` calls it.
pub fn scene() -> (Scene, Served) {
    let served = Served::start(system_bus());
    (Scene::start(|_| selector(&served.bus, TIMEOUT)), served)
}

#[test]
fn dies_during_the_call_and_returns_under_a_new_inode() {
    let (scene, mut served) = scene();
    let inode = |served: &Served| served.bus.socket().metadata().unwrap().ino();
    // A second link keeps the old inode, so that its number is not reused.
    let held = served.bus.socket().with_extension("held");
    std::fs::hard_link(served.bus.socket(), held).unwrap();
    let before = inode(&served);
    assert!(scene.is_good());
    // The call is repeated on a new connection, which cannot be made.
    let expected = Expected::error("bus", "cannot connect to");
    scene.meanwhile("bus dies during the call", || {
        served.service.set(Reply::Never);
        let calls = served.service.calls();
        let took = std::thread::scope(|scope| {
            let scrape = scope.spawn(|| scene.exporter.scrape("it"));
            until("the call is in progress", || served.service.calls() > calls);
            let killed = Instant::now();
            served.bus.kill().unwrap();
            let reply = scrape.join().unwrap();
            expected.assert(&reply, killed.elapsed());
            killed.elapsed()
        });
        let served = served.restart();
        assert_ne!(inode(&served), before);
        assert!(scene.is_good(), "{}", scene.exporter.scrape("it").text());
        (Outcome::of(expected, took), served)
    });
}

#[test]
fn returns_between_two_calls_under_a_new_inode() {
    let (scene, mut served) = scene();
    scene.meanwhile("bus returns between two calls", || {
        let began = Instant::now();
        for _ in 0..5 {
            assert!(scene.is_good());
            served = served.restart();
        }
        assert!(scene.is_good());
        (Outcome::good(began.elapsed()), served)
    });
}

#[test]
fn is_down() {
    let (scene, served) = scene();
    let begin = || {
        let mut served = served;
        served.bus.kill().unwrap();
        served
    };
    let expected = Expected::error("bus", "Connection refused");
    let recovery = Recovery::InTheNextResponse;
    scene.fault("bus is down", expected, recovery, begin, Served::restart);
}

#[test]
fn address_does_not_exist() {
    let (scene, served) = scene();
    let begin = || {
        let mut served = served;
        served.bus.kill().unwrap();
        std::fs::remove_file(served.bus.socket()).unwrap();
        served
    };
    let expected = Expected::error("bus", "No such file or directory");
    let recovery = Recovery::InTheNextResponse;
    scene.fault(
        "bus address does not exist",
        expected,
        recovery,
        begin,
        Served::restart,
    );
}

#[test]
fn hangs() {
    let (scene, served) = scene();
    let begin = || {
        let mut served = served;
        served.bus.pause().unwrap();
        served
    };
    let end = |mut served: Served| {
        served.bus.resume().unwrap();
        served
    };
    let expected = Expected::timeout("the method was called and did not reply");
    scene.fault(
        "bus hangs",
        expected,
        Recovery::InTheNextResponse,
        begin,
        end,
    );
}

#[test]
fn rejects_every_client() {
    let (scene, served) = scene();
    let deny_all = "<policy context=\"mandatory\"><deny user=\"*\"/></policy>";
    let begin = || {
        let mut served = served;
        let strict = system_bus().extra_xml(deny_all);
        served.bus.reconfigure(&strict).unwrap();
        // Existing connections stay open.
        served.bus.restart().unwrap();
        served
    };
    let end = |served: Served| {
        served.bus.reconfigure(&system_bus()).unwrap();
        served.restart()
    };
    let expected = Expected::error("bus", "it does not admit this user");
    let recovery = Recovery::InTheNextResponse;
    scene.fault("bus rejects every client", expected, recovery, begin, end);
}
