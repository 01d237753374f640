//! A D-Bus service whose replies, correct or not, are set and changed by a test.
//!
//! It has the name and the method of the prombus service, but builds its messages itself, so that
//! one selector can receive every kind of reply. Guarantees: a new reply applies to every call that
//! arrives after [`ScriptedService::set`] has returned; dropping the service releases the name and
//! ends its thread, even with pending calls.

use crate::lock;
use crate::prombus::{Claim, NAME, PrombusError};
use crate::wrong_reply::play;
use futures_util::StreamExt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::oneshot;
use zbus::message::Type;
use zbus::{Connection, MessageStream, connection};

/// The reply of a [`ScriptedService`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The bytes as `ay`, like a healthy daemon.
    Bytes(Vec<u8>),
    /// Nothing, ever.
    Never,
    /// The bytes after a delay.
    Late(Duration, Vec<u8>),
    /// The error of this name with this text.
    Error(String, String),
    /// A number, as `u`.
    Number(u32),
    /// As many newlines, as `ay`: a valid exposition.
    Large(usize),
    /// The bytes as `a(y)`, which takes eight times the space.
    Structs(Vec<u8>),
    /// Signals to the caller without end, and never a reply.
    Signals,
    /// A reply to a call that was never made.
    Stray,
}

/// A running service on its own thread.
#[derive(Debug)]
pub struct ScriptedService {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    reply: Mutex<Reply>,
    calls: AtomicU64,
}

impl ScriptedService {
    /// Starts it on the bus at `address`, alone.
    ///
    /// # Errors
    ///
    /// If the bus cannot be reached or refuses the name, or if no thread can be started.
    pub fn start(address: &str, reply: Reply) -> Result<Self, PrombusError> {
        Self::start_claiming(Claim::Alone, address, reply)
    }

    /// As [`ScriptedService::start`], where other services may claim the name too.
    ///
    /// # Errors
    ///
    /// As [`ScriptedService::start`].
    pub fn start_claiming(claim: Claim, address: &str, reply: Reply) -> Result<Self, PrombusError> {
        let shared = Arc::new(Shared {
            reply: Mutex::new(reply),
            calls: AtomicU64::new(0),
        });
        let (stop, stopped) = oneshot::channel();
        let (report, started) = mpsc::channel();
        let (address, for_thread) = (address.to_owned(), Arc::clone(&shared));
        let thread = thread::Builder::new()
            .name("scripted-service".to_owned())
            .spawn(move || run(&address, claim, &for_thread, &report, stopped))
            .map_err(PrombusError::Io)?;
        let gone = |_| PrombusError::Io(io::Error::other("the thread ended early"));
        started.recv().map_err(gone)??;
        Ok(Self {
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Changes the reply, starting with the next call. Pending calls get no reply.
    pub fn set(&self, reply: Reply) {
        *lock(&self.shared.reply) = reply;
    }

    /// The number of calls so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.shared.calls.load(Ordering::SeqCst)
    }
}

impl Drop for ScriptedService {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has already failed the calls of the test.
            let _ = thread.join();
        }
    }
}

fn run(
    address: &str,
    claim: Claim,
    shared: &Shared,
    report: &mpsc::Sender<Result<(), PrombusError>>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return drop(report.send(Err(PrombusError::Io(error)))),
    };
    runtime.block_on(async {
        match connect(address, claim).await {
            Err(error) => drop(report.send(Err(error.into()))),
            Ok((connection, calls)) => {
                let _ = report.send(Ok(()));
                tokio::select! {
                    () = reply_to_calls(&connection, calls, shared) => {}
                    // Ends when the handle drops its sender; nothing is ever sent.
                    _ = stopped => {}
                }
                // The end of the connection releases the name; the bus may have ended already.
                let _ = connection.close().await;
            }
        }
    });
    // Pending replies are tasks of this runtime and end with it.
    runtime.shutdown_background();
}

async fn connect(address: &str, claim: Claim) -> zbus::Result<(Connection, MessageStream)> {
    let connection = connection::Builder::address(address).build().await?;
    // Before the name is owned, so that no call is missed.
    let calls = MessageStream::from(&connection);
    let owned = connection.request_name_with_flags(NAME, claim.flags());
    owned.await?;
    Ok((connection, calls))
}

/// Replies to calls until the connection ends.
async fn reply_to_calls(connection: &Connection, mut calls: MessageStream, shared: &Shared) {
    while let Some(Ok(call)) = calls.next().await {
        if call.message_type() != Type::MethodCall {
            continue;
        }
        let reply = lock(&shared.reply).clone();
        shared.calls.fetch_add(1, Ordering::SeqCst);
        let connection = connection.clone();
        // A caller or a bus that has gone is not an error of the service.
        tokio::spawn(async move { play(&reply, &connection, &call).await });
    }
}
