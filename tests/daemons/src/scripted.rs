//! A socket daemon that does what a test tells it to, right or wrong, and can be told anew.
//!
//! Promises that a new behaviour holds for every connection accepted after [`ScriptedDaemon::set`]
//! has returned, and that dropping it ends every wait, joins every thread, closes every descriptor
//! and unlinks the path. All state of the listening socket belongs to one thread, so that a test
//! never races it.

use crate::connections::Connections;
use crate::fault::Behaviour;
use crate::listener::{Listener, Woken, accept, connect_at_once};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

/// A running daemon with a behaviour.
#[derive(Debug)]
pub struct ScriptedDaemon {
    path: PathBuf,
    connections: Arc<Connections>,
    orders: Sender<Order>,
    wake: Option<UnixStream>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// A new behaviour and where to report that it holds.
type Order = (Behaviour, Sender<io::Result<()>>);

impl ScriptedDaemon {
    /// Binds `path` (a dead socket there is removed, no directory is created) and behaves so.
    ///
    /// # Errors
    ///
    /// When the path cannot be bound; the message names it.
    pub fn start(path: impl AsRef<Path>, behaviour: Behaviour) -> io::Result<Self> {
        let listener = Listener::bind(path.as_ref())?;
        let (wake, woken) = UnixStream::pair()?;
        let (orders, received) = channel();
        let connections = Arc::<Connections>::default();
        let mut thread = Accepting {
            listener,
            woken,
            orders: received,
            behaviour: Behaviour::HangBeforeAccept,
            fillers: Vec::new(),
            connections: Arc::clone(&connections),
            answers: Vec::new(),
        };
        thread.obey(behaviour)?;
        Ok(Self {
            path: path.as_ref().to_owned(),
            connections,
            orders,
            wake: Some(wake),
            thread: Some(
                thread::Builder::new()
                    .name("scripted".to_owned())
                    .spawn(move || thread.run())?,
            ),
        })
    }

    /// Where the socket is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Behaves differently from now on. Connections accepted before keep the behaviour they have;
    /// [`ScriptedDaemon::hang_up`] ends them. Connections that wait in the backlog get the new one,
    /// except that leaving `FullBacklog` resets them.
    ///
    /// # Errors
    ///
    /// When the daemon's thread has ended, or the path could not be bound anew.
    pub fn set(&self, behaviour: Behaviour) -> io::Result<()> {
        let gone = || io::Error::new(io::ErrorKind::BrokenPipe, "the daemon has ended");
        let (done, report) = channel();
        self.orders.send((behaviour, done)).map_err(|_| gone())?;
        let mut wake = self.wake.as_ref().ok_or_else(gone)?;
        wake.write_all(b"!")?;
        report.recv().map_err(|_| gone())?
    }

    /// How many connections were accepted, or reset in `Reset`, since the start.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.connections.accepted()
    }

    /// How many accepted connections are being answered or held now. A client that has read the end
    /// of its answer is no longer counted.
    #[must_use]
    pub fn open(&self) -> usize {
        self.connections.open()
    }

    /// Ends all connections that are open now, in both directions.
    pub fn hang_up(&self) {
        self.connections.hang_up();
    }
}

impl Drop for ScriptedDaemon {
    fn drop(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take() {
            // Its error, if any, was already visible to the clients; a drop has nobody to tell.
            let _ = thread.join();
        }
    }
}

/// All that the accepting thread owns.
struct Accepting {
    listener: Listener,
    woken: UnixStream,
    orders: Receiver<Order>,
    behaviour: Behaviour,
    /// Our own connections that fill the backlog.
    fillers: Vec<OwnedFd>,
    connections: Arc<Connections>,
    answers: Vec<JoinHandle<()>>,
}

impl Accepting {
    fn run(mut self) -> io::Result<()> {
        let result = self.accept_until_stopped();
        self.connections.hang_up();
        for answer in self.answers.drain(..) {
            // A panic in an answer was seen by its client as an early end.
            let _ = answer.join();
        }
        result
    }

    fn accept_until_stopped(&mut self) -> io::Result<()> {
        loop {
            let woken = self.listener.wait(self.behaviour.accepts(), &self.woken)?;
            match woken {
                Woken::Stopped => return Ok(()),
                Woken::Called => {
                    while let Ok((behaviour, done)) = self.orders.try_recv() {
                        // Whoever asked may have gone while we were at it.
                        let _ = done.send(self.obey(behaviour));
                    }
                }
                Woken::Connection => self.take()?,
            }
        }
    }

    fn obey(&mut self, behaviour: Behaviour) -> io::Result<()> {
        if !self.fillers.is_empty() {
            self.fillers.clear();
            self.listener.rebind()?;
        }
        if behaviour == Behaviour::FullBacklog {
            self.fill_backlog()?;
        }
        self.behaviour = behaviour;
        Ok(())
    }

    fn fill_backlog(&mut self) -> io::Result<()> {
        rustix::net::listen(self.listener.socket(), 0)?;
        loop {
            match connect_at_once(self.listener.path()) {
                Ok(filler) => self.fillers.push(filler),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes what waits in the backlog, as the behaviour says.
    fn take(&mut self) -> io::Result<()> {
        match self.behaviour {
            Behaviour::Reset => {
                self.connections.count();
                // Closing the old socket is what resets the connections that wait in it.
                drop(self.listener.rebind()?);
                Ok(())
            }
            Behaviour::NewInode(_) => {
                let old = self.listener.rebind()?;
                // All that wait in the old socket, as closing it would reset them.
                while self.take_from(&old)? {}
                Ok(())
            }
            _ => {
                let socket = self.listener.socket().try_clone()?;
                self.take_from(&socket).map(drop)
            }
        }
    }

    /// Accepts one connection and starts its answer; false when none waited.
    fn take_from(&mut self, socket: &UnixListener) -> io::Result<bool> {
        let Some(stream) = accept(socket)? else {
            return Ok(false);
        };
        let stream = Arc::new(stream);
        let connections = Arc::clone(&self.connections);
        let number = connections.admit(&stream);
        let behaviour = self.behaviour.clone();
        self.answers.retain(|answer| !answer.is_finished());
        self.answers.push(
            thread::Builder::new()
                .name("scripted-answer".to_owned())
                .spawn(move || {
                    // A client may hang up at any time: that is not our error.
                    let _ = behaviour.play(&stream);
                    // Out of the count before the last reference closes it.
                    connections.dismiss(number);
                    drop(stream);
                })?,
        );
        Ok(true)
    }
}
