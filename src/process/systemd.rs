//! What a service manager is told, and when (`sd_notify(3)`).
//!
//! - `READY=1` once the listeners are served and every actor has started;
//! - `RELOADING=1` with the monotonic time, and `READY=1` again, around every
//!   reload, whoever asked for it and whatever came of it;
//! - `STATUS=` how many sources answered when they were last read, where that
//!   has changed;
//! - `STOPPING=1` when the end was asked for;
//! - `WATCHDOG=1` twice in the time that the manager gives, but only after every
//!   thread that serves HTTP ([`Liveness`](super::liveness::Liveness)) and every one that holds actors
//!   ([`ThreadHandles`]) has answered.
//!
//! Where nobody wants to hear it, nothing is done. It may not decide anything:
//! it looks at the phase and the registry, and tells. The variables stay in the
//! environment, since the exporter has no children to hide them from.

mod message;
mod socket;

pub(crate) use socket::ServiceManager;

use crate::exporter::Exporter;
use crate::phase::Phase;
use local_exporter_actors::ThreadHandles;
use local_exporter_actors::report::State;
use message::{Message, Notifier};
use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;
use tokio::net::UnixDatagram;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How often the status is looked at: often enough for a person who waits for it.
const STATUS_EVERY: Duration = Duration::from_secs(2);
/// How often actors are looked at that have not started yet, which takes them no time.
const STARTING_EVERY: Duration = Duration::from_millis(10);

/// Tells the manager what there is to tell until the exporter stops.
pub(crate) async fn notify(manager: ServiceManager, exporter: &Exporter, actors: &ThreadHandles) {
    let socket = match manager.into_socket() {
        Ok(socket) => socket,
        Err(error) => return tracing::warn!(%error, "the service manager hears nothing"),
    };
    tokio::select! {
        () = report(&socket, exporter) => {}
        never = send_keep_alives(&socket, exporter, actors) => match never {},
    }
}

/// Phases and status, until the phase is the last one.
async fn report(socket: &UnixDatagram, exporter: &Exporter) {
    let mut phases = exporter.phase.subscribe();
    // What it is now is news.
    phases.mark_changed();
    let mut notifier = Notifier::default();
    let mut ticks = interval(STATUS_EVERY);
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
            () = actors_started(exporter), if notifier.ready_pending() => {
                send(socket, notifier.ready(status(exporter))).await;
            }
            _ = ticks.tick() => {
                if let Some(message) = notifier.status(status(exporter)) {
                    send(socket, message).await;
                }
            }
        }
    }
}

/// Signs of life, as often as the manager wants them, while there is life.
async fn send_keep_alives(
    socket: &UnixDatagram,
    exporter: &Exporter,
    actors: &ThreadHandles,
) -> Infallible {
    let Some(patience) = sd_notify::watchdog_enabled().filter(|patience| !patience.is_zero())
    else {
        return pending().await;
    };
    let mut ticks = interval(patience / 2);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A thread that does not answer holds this up, and the manager notices.
        exporter.liveness.all_respond().await;
        actors.responsive().await;
        send(socket, Message::keep_alive()).await;
    }
}

/// Resolves when no actor has yet to start.
async fn actors_started(exporter: &Exporter) {
    let starts = || {
        let registry = exporter.registry.load();
        registry
            .iter()
            .any(|handle| handle.state() == State::Starting)
    };
    while starts() {
        sleep(STARTING_EVERY).await;
    }
}

/// One line for people.
fn status(exporter: &Exporter) -> String {
    let registry = exporter.registry.load();
    let all = registry.iter().count();
    let answered = registry.iter().filter(|handle| handle.is_up()).count();
    format!("{answered} of {all} sources answered")
}

async fn send(socket: &UnixDatagram, message: Message) {
    if let Err(error) = socket.send(message.as_bytes()).await {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
