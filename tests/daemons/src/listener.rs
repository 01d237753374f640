//! A listening unix socket that can be polled, rebound and removed.
//!
//! Guarantees: binding removes a socket file without a listener, but never one in use and never
//! another kind of file; during a rebind the path always has a socket; dropping unlinks only the
//! inode that this listener bound. Creates no directories.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use std::fs::{self, Permissions};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The reason why a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// The owner wrote to its end of the wake pair.
    Called,
    /// The owner dropped its end of the wake pair.
    Stopped,
    /// At least one connection waits to be accepted.
    Connection,
}

/// A bound, non-blocking listener and the inode that it created.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: UnixListener,
    path: PathBuf,
    inode: (u64, u64),
}

impl Listener {
    /// Removes a stale socket at `path`, if there is one, and binds `path`.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        remove_dead_socket(path)
            .and_then(|()| open(path))
            .map_err(|error| explain(path, &error))
            .map(|(socket, inode)| Self {
                socket,
                path: path.to_owned(),
                inode,
            })
    }

    /// The socket, for `listen` and `poll`.
    pub(crate) fn socket(&self) -> &UnixListener {
        &self.socket
    }

    /// The path it is bound to.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the inode at the path by a rename and returns the old socket, which still holds the
    /// connections that were not accepted.
    pub(crate) fn rebind(&mut self) -> io::Result<UnixListener> {
        let mut name = std::ffi::OsString::from(".");
        name.push(self.path.file_name().unwrap_or_default());
        let beside = self.path.with_file_name(name);
        remove_dead_socket(&beside)?;
        let (socket, inode) = open(&beside)?;
        fs::rename(&beside, &self.path)?;
        self.inode = inode;
        Ok(std::mem::replace(&mut self.socket, socket))
    }

    /// Waits without limit for a connection (if `for_connections`) or for the other end of `wake`,
    /// which takes precedence.
    pub(crate) fn wait(&self, for_connections: bool, wake: &UnixStream) -> io::Result<Woken> {
        let wanted = if for_connections {
            PollFlags::IN
        } else {
            PollFlags::empty()
        };
        let mut watched = [
            PollFd::new(wake, PollFlags::IN),
            PollFd::new(&self.socket, wanted),
        ];
        loop {
            match poll(&mut watched, None) {
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let [called, _] = watched;
        if called.revents().is_empty() {
            return Ok(Woken::Connection);
        }
        let mut bytes = [0; 64];
        Ok(match (&*wake).read(&mut bytes)? {
            0 => Woken::Stopped,
            _ => Woken::Called,
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Another process may have bound the path meanwhile: its socket stays.
        if identity(&self.path).is_ok_and(|found| found == self.inode) {
            // A drop cannot report that unlinking failed; the next bind removes the file.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Accepts one connection; `None` if none waits, or if it ended before it was accepted.
pub(crate) fn accept(socket: &UnixListener) -> io::Result<Option<UnixStream>> {
    match socket.accept() {
        Ok((stream, _)) => Ok(Some(stream)),
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::Interrupted => Ok(None),
            _ => Err(error),
        },
    }
}

/// Connects without waiting for space in the backlog: a full one is `WouldBlock`.
pub(crate) fn connect_at_once(path: &Path) -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

fn open(path: &Path) -> io::Result<(UnixListener, (u64, u64))> {
    let socket = UnixListener::bind(path)?;
    // Connecting requires write permission: the directory, not the umask, decides who may connect.
    fs::set_permissions(path, Permissions::from_mode(0o666))?;
    // A connection that ends between poll and accept must not block the daemon.
    socket.set_nonblocking(true)?;
    let inode = identity(path)?;
    Ok((socket, inode))
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}

fn remove_dead_socket(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "something that is not a socket is there",
            ));
        }
        Ok(_) => {}
    }
    match connect_at_once(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        // Connected, backlog full, or permission denied: the socket has a listener.
        _ => Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another process listens there",
        )),
    }
}

fn explain(path: &Path, error: &io::Error) -> io::Error {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => "; create its directory first",
        _ => "",
    };
    let path = path.display();
    io::Error::new(error.kind(), format!("cannot bind {path}: {error}{hint}"))
}
