//! Notifies the service manager (`sd_notify(3)`). Without `NOTIFY_SOCKET` this is a no-op.
//!
//! - `READY=1` once the listeners are open and every actor has started.
//! - `RELOADING=1` with the monotonic time before each reload, and `READY=1` after it, whatever
//!   triggered it and whether or not it succeeded.
//! - `STATUS=` with the number of sources that responded when they were last read, on changes.
//! - `STOPPING=1` at the start of the shutdown.
//! - `WATCHDOG=1` twice per watchdog interval, but only after every thread that serves HTTP
//!   ([`Liveness`]) and every actor thread ([`ThreadHandles`]) has responded.
//!
//! It only observes the phase and the registry. The variables stay in the environment, since the
//! exporter starts no other programs.

mod message;
mod socket;

pub(crate) use socket::ServiceManager;

use super::liveness::Liveness;
use crate::phase::Phase;
use arc_swap::ArcSwap;
use local_exporter_actors::report::State;
use local_exporter_actors::{Registry, ThreadHandles};
use message::{Message, Notifier};
use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;
use tokio::net::UnixDatagram;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// The interval at which the status is updated.
const STATUS_INTERVAL: Duration = Duration::from_secs(2);
/// The interval at which starting actors are polled. They start within milliseconds.
const STARTING_INTERVAL: Duration = Duration::from_millis(10);

/// The parts of the exporter that the service manager is notified of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observed<'a> {
    pub(crate) phase: &'a watch::Sender<Phase>,
    pub(crate) registry: &'a ArcSwap<Registry>,
    pub(crate) liveness: &'a Liveness,
    pub(crate) actors: &'a ThreadHandles,
}

/// Notifies the service manager until the exporter stops.
pub(crate) async fn notify(manager: ServiceManager, observed: Observed<'_>) {
    let socket = match manager.into_socket() {
        Ok(socket) => socket,
        Err(error) => return tracing::warn!(%error, "cannot notify the service manager"),
    };
    tokio::select! {
        () = report(&socket, observed) => {}
        never = send_keep_alives(&socket, observed) => match never {},
    }
}

/// Reports phases and status until the exporter stops.
async fn report(socket: &UnixDatagram, observed: Observed<'_>) {
    let mut phases = observed.phase.subscribe();
    // The current phase has not been reported yet.
    phases.mark_changed();
    let mut notifier = Notifier::default();
    let mut ticks = interval(STATUS_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            changed = phases.changed() => {
                let phase = changed.map_or(Phase::Stopping, |()| *phases.borrow_and_update());
                if let Some(message) = notifier.phase_changed(phase) {
                    send(socket, message).await;
                }
                if phase == Phase::Stopping {
                    return;
                }
            }
            () = actors_started(observed.registry), if notifier.ready_pending() => {
                send(socket, notifier.ready(status(observed.registry))).await;
            }
            _ = ticks.tick() => {
                if let Some(message) = notifier.status(status(observed.registry)) {
                    send(socket, message).await;
                }
            }
        }
    }
}

/// Sends watchdog keep-alives while all threads respond.
async fn send_keep_alives(socket: &UnixDatagram, observed: Observed<'_>) -> Infallible {
    let Some(watchdog) = sd_notify::watchdog_enabled().filter(|watchdog| !watchdog.is_zero())
    else {
        return pending().await;
    };
    let mut ticks = interval(watchdog / 2);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A thread that does not respond blocks here, and the manager restarts the service.
        observed.liveness.all_respond().await;
        observed.actors.responsive().await;
        send(socket, Message::keep_alive()).await;
    }
}

/// Resolves once every actor has started.
async fn actors_started(registry: &ArcSwap<Registry>) {
    let starts = || {
        let registry = registry.load();
        registry
            .iter()
            .any(|handle| handle.state() == State::Starting)
    };
    while starts() {
        sleep(STARTING_INTERVAL).await;
    }
}

/// The text of `STATUS=`.
fn status(registry: &ArcSwap<Registry>) -> String {
    let registry = registry.load();
    let all = registry.iter().count();
    let responded = registry.iter().filter(|handle| handle.is_up()).count();
    format!("{responded} of {all} sources responded")
}

async fn send(socket: &UnixDatagram, message: Message) {
    if let Err(error) = socket.send(message.as_bytes()).await {
        tracing::warn!(%error, "cannot notify the service manager");
    }
}
