//! A socket daemon whose behaviour, correct or not, is set and changed by a test.
//!
//! Guarantees: a new behaviour applies to every connection that is accepted after
//! [`ScriptedDaemon::set`] has returned; dropping the daemon ends every wait, joins every thread,
//! closes every descriptor and unlinks the path. One thread owns all state of the listening socket,
//! so tests cannot race with it.

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
    commands: Sender<Command>,
    wake: Option<UnixStream>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// A new behaviour, and the channel that confirms it.
type Command = (Behaviour, Sender<io::Result<()>>);

impl ScriptedDaemon {
    /// Binds `path` (removing a stale socket there, creating no directory) and begins with
    /// `behaviour`.
    ///
    /// # Errors
    ///
    /// If the path cannot be bound; the message names it.
    pub fn start(path: impl AsRef<Path>, behaviour: Behaviour) -> io::Result<Self> {
        let listener = Listener::bind(path.as_ref())?;
        let (wake, woken) = UnixStream::pair()?;
        let (commands, received) = channel();
        let connections = Arc::<Connections>::default();
        let mut thread = Accepting {
            listener,
            woken,
            commands: received,
            behaviour: Behaviour::HangBeforeAccept,
            fillers: Vec::new(),
            connections: Arc::clone(&connections),
            responses: Vec::new(),
        };
        thread.apply(behaviour)?;
        Ok(Self {
            path: path.as_ref().to_owned(),
            connections,
            commands,
            wake: Some(wake),
            thread: Some(
                thread::Builder::new()
                    .name("scripted".to_owned())
                    .spawn(move || thread.run())?,
            ),
        })
    }

    /// The path of the socket.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Changes the behaviour. Connections that were accepted before keep the previous one;
    /// [`ScriptedDaemon::hang_up`] ends them. Connections in the backlog get the new one, except
    /// that leaving `FullBacklog` resets them.
    ///
    /// # Errors
    ///
    /// If the daemon's thread has ended, or the path could not be bound again.
    pub fn set(&self, behaviour: Behaviour) -> io::Result<()> {
        let gone = || io::Error::new(io::ErrorKind::BrokenPipe, "the daemon has ended");
        let (done, report) = channel();
        self.commands.send((behaviour, done)).map_err(|_| gone())?;
        let mut wake = self.wake.as_ref().ok_or_else(gone)?;
        wake.write_all(b"!")?;
        report.recv().map_err(|_| gone())?
    }

    /// The number of connections that were accepted, or reset by `Reset`, since the start.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.connections.accepted()
    }

    /// The number of accepted connections that are being responded to or held. A client that has read
    /// the end of its response is no longer counted.
    #[must_use]
    pub fn open(&self) -> usize {
        self.connections.open()
    }

    /// Shuts down all open connections, in both directions.
    pub fn hang_up(&self) {
        self.connections.hang_up();
    }
}

impl Drop for ScriptedDaemon {
    fn drop(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take() {
            // An error was already visible to the clients, and a drop cannot report it.
            let _ = thread.join();
        }
    }
}

/// The state that the accepting thread owns.
struct Accepting {
    listener: Listener,
    woken: UnixStream,
    commands: Receiver<Command>,
    behaviour: Behaviour,
    /// The daemon's own connections that fill the backlog.
    fillers: Vec<OwnedFd>,
    connections: Arc<Connections>,
    responses: Vec<JoinHandle<()>>,
}

impl Accepting {
    fn run(mut self) -> io::Result<()> {
        let result = self.accept_until_stopped();
        self.connections.hang_up();
        for response in self.responses.drain(..) {
            // The client of a response that panicked saw an early end.
            let _ = response.join();
        }
        result
    }

    fn accept_until_stopped(&mut self) -> io::Result<()> {
        loop {
            let woken = self.listener.wait(self.behaviour.accepts(), &self.woken)?;
            match woken {
                Woken::Stopped => return Ok(()),
                Woken::Called => {
                    while let Ok((behaviour, done)) = self.commands.try_recv() {
                        // The caller may have gone meanwhile.
                        let _ = done.send(self.apply(behaviour));
                    }
                }
                Woken::Connection => self.take()?,
            }
        }
    }

    fn apply(&mut self, behaviour: Behaviour) -> io::Result<()> {
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

    /// Handles the connections in the backlog according to the behaviour.
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
                // All connections in the old socket, since closing it would reset them.
                while self.take_from(&old)? {}
                Ok(())
            }
            _ => {
                let socket = self.listener.socket().try_clone()?;
                self.take_from(&socket).map(drop)
            }
        }
    }

    /// Accepts one connection and starts its response; false if none waited.
    fn take_from(&mut self, socket: &UnixListener) -> io::Result<bool> {
        let Some(stream) = accept(socket)? else {
            return Ok(false);
        };
        let stream = Arc::new(stream);
        let connections = Arc::clone(&self.connections);
        let number = connections.admit(&stream);
        let behaviour = self.behaviour.clone();
        self.responses.retain(|response| !response.is_finished());
        self.responses.push(
            thread::Builder::new()
                .name("scripted-response".to_owned())
                .spawn(move || {
                    // A client may disconnect at any time: that is not an error of the daemon.
                    let _ = behaviour.play(&stream);
                    // Removed from the count before the last reference closes it.
                    connections.dismiss(number);
                    drop(stream);
                })?,
        );
        Ok(true)
    }
}
