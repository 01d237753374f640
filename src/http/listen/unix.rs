//! Unix sockets: created with their mode and group, taken over after a crash, and removed.
//!
//! Clients cannot connect before mode and group are set: the kernel refuses connections until
//! listen(2), which is called last. A path is removed only if it is a stale socket, one on
//! which no process listens.

use super::listener::{BACKLOG, bind_error};
use local_exporter_config::{UnixListen, shown};
use rustix::fs::{Gid, Mode, chmod, chown};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

/// Maps names of groups to their numbers (group(5)).
const GROUPS: &str = "/etc/group";

/// The error in the group of a socket, if there is one.
pub(super) fn external_error(listen: &UnixListen) -> Option<String> {
    let error = group(listen.group.as_deref()?).err()?;
    Some(format!("unix:{}: {error}", shown(&listen.path)))
}

/// Creates a socket and listens on it. Takes over a stale socket.
pub(super) fn bind(listen: &UnixListen) -> io::Result<UnixListener> {
    let path = listen.path.as_path();
    let address = format!("unix:{}", shown(path));
    try_bind(listen, path).map_err(|error| bind_error(address, &error))
}

fn try_bind(listen: &UnixListen, path: &Path) -> io::Result<UnixListener> {
    let group = listen.group.as_deref().map(group).transpose()?;
    remove_stale(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let listening = set_access(path, listen.mode, group).and_then(|()| socket.listen(BACKLOG));
    if listening.is_err() {
        let _ = std::fs::remove_file(path);
    }
    listening?;
    Ok(socket.into())
}

/// Sets group and mode. The mode is last, because chown(2) may clear mode bits.
fn set_access(path: &Path, mode: Option<u32>, group: Option<Gid>) -> io::Result<()> {
    if let Some(group) = group {
        chown(path, None, Some(group))?;
    }
    if let Some(mode) = mode {
        chmod(path, Mode::from_raw_mode(mode))?;
    }
    Ok(())
}

/// Removes a stale socket. Succeeds if the path does not exist.
///
/// # Errors
/// If a process listens on the socket, the path is not a socket, or it may not be removed.
pub(super) fn remove_stale(path: &Path) -> io::Result<()> {
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !metadata.file_type().is_socket() {
        let message = "the path exists and is not a socket; remove it or choose another path";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    match try_connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path)
        }
        // A full queue means that a process listens.
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Err(io::ErrorKind::AddrInUse.into()),
    }
}

/// Connects without blocking.
fn try_connect(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

/// Parses the number of a group, or looks up its name.
fn group(group: &str) -> io::Result<Gid> {
    if let Ok(number) = group.parse() {
        return Ok(Gid::from_raw(number));
    }
    let groups = std::fs::read_to_string(GROUPS)?;
    number(&groups, group).map(Gid::from_raw).ok_or_else(|| {
        let message = format!("group {group:?} does not exist in {GROUPS}");
        io::Error::new(io::ErrorKind::NotFound, message)
    })
}

/// Finds the number of a group in a text in the format of group(5).
fn number(groups: &str, name: &str) -> Option<u32> {
    let mut fields = groups.lines().map(|line| line.split(':'));
    let mut found =
        fields.find_map(|mut fields| (fields.next() == Some(name)).then_some(fields))?;
    found.nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::net::UnixStream;

    fn at(path: &Path) -> UnixListen {
        UnixListen {
            path: path.to_owned(),
            mode: Some(0o640),
            group: None,
        }
    }

    #[test]
    fn a_socket_has_its_mode_and_group_and_accepts_connections() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sock");
        let own = rustix::process::getgid().as_raw();
        let listen = UnixListen {
            group: Some(own.to_string()),
            ..at(&path)
        };
        let _listener = bind(&listen).unwrap();
        let metadata = path.metadata().unwrap();
        assert_eq!(metadata.permissions().mode() & 0o7777, 0o640);
        assert_eq!(metadata.gid(), own);
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn only_a_stale_socket_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sock");
        let first = bind(&at(&path)).unwrap();
        let error = bind(&at(&path)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(
            error.to_string().contains(path.to_str().unwrap()),
            "{error}"
        );
        // A crash leaves the socket behind.
        drop(first);
        assert!(path.exists());
        let second = bind(&at(&path)).unwrap();
        assert!(remove_stale(&path).is_err(), "a process listens on it");
        drop(second);
        remove_stale(&path).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_path_that_is_not_a_socket_is_never_removed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "precious").unwrap();
        let link = folder.path().join("link");
        let socket = folder.path().join("sock");
        drop(bind(&at(&socket)).unwrap());
        std::os::unix::fs::symlink(&socket, &link).unwrap();
        for path in [&file, &link, &folder.path().to_owned()] {
            let error = bind(&at(path)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{error}");
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
        assert!(link.is_symlink() && socket.exists());
    }

    #[test]
    fn a_socket_whose_group_cannot_be_set_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sock");
        let listen = UnixListen {
            group: Some("no such group".into()),
            ..at(&path)
        };
        let error = bind(&listen).unwrap_err().to_string();
        assert!(error.contains("no such group"), "{error}");
        assert!(!path.exists());
    }

    #[test]
    fn groups_are_looked_up_by_name() {
        let of_group = |group: Option<&str>| UnixListen {
            group: group.map(str::to_owned),
            ..at(Path::new("/x"))
        };
        for valid in [None, Some("root"), Some("12345")] {
            assert_eq!(external_error(&of_group(valid)), None);
        }
        let error = external_error(&of_group(Some("no-such")));
        let expected = "unix:/x: group \"no-such\" does not exist in /etc/group";
        assert_eq!(error.as_deref(), Some(expected));
        let text = "root:x:0:\nprometheus:x:998:a,b\nprom:x:7:\nbad:x\n";
        assert_eq!(number(text, "prometheus"), Some(998));
        assert_eq!(number(text, "prom"), Some(7));
        assert_eq!(number(text, "x"), None);
        assert_eq!(number(text, "bad"), None);
        assert_eq!(number(text, ""), None);
    }
}
