//! Unix sockets of the exporter's own: made with their mode and group, taken over
//! from one that crashed, and removed again.
//!
//! Nobody can connect before mode and group are what they are to be: connections
//! are refused until listen(2), which comes last. A path is only ever removed if
//! a socket is there on which nobody answers.

use super::listener::{BACKLOG, bind_error};
use local_exporter_config::UnixListen;
use rustix::fs::{Gid, Mode, chmod, chown};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

/// Where the names of groups are.
const GROUPS: &str = "/etc/group";

/// What is wrong with the group that a socket is to have, if anything is.
pub(super) fn external_error(listen: &UnixListen) -> Option<String> {
    let wrong = group(listen.group.as_deref()?).err()?;
    Some(format!("unix:{}: {wrong}", listen.path.display()))
}

/// A listener at that path.
pub(super) fn bind(listen: &UnixListen) -> io::Result<UnixListener> {
    let path = listen.path.as_path();
    let place = format!("unix:{}", path.display());
    make(listen, path).map_err(|error| bind_error(place, &error))
}

fn make(listen: &UnixListen, path: &Path) -> io::Result<UnixListener> {
    let group = listen.group.as_deref().map(group).transpose()?;
    vacate(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let made = allow(path, listen.mode, group).and_then(|()| socket.listen(BACKLOG));
    if made.is_err() {
        // It is of no use to anybody.
        let _ = std::fs::remove_file(path);
    }
    made?;
    Ok(socket.into())
}

/// Sets who may connect; the mode last, since a change of the group may take some of it away.
fn allow(path: &Path, mode: Option<u32>, group: Option<Gid>) -> io::Result<()> {
    if let Some(group) = group {
        chown(path, None, Some(group))?;
    }
    if let Some(mode) = mode {
        chmod(path, Mode::from_raw_mode(mode))?;
    }
    Ok(())
}

/// Makes room at a path: removes a socket there on which nobody answers.
///
/// # Errors
/// When somebody answers, or what is there is no socket, or it may not be removed.
pub(super) fn vacate(path: &Path) -> io::Result<()> {
    let there = match std::fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !there.file_type().is_socket() {
        let message = "what is there is no socket, and is left alone";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    match knock(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path)
        }
        // A queue that is full is an answer too.
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Err(io::ErrorKind::AddrInUse.into()),
    }
}

/// Connects, and waits for nothing.
fn knock(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

/// The number of a group, by its number or its name.
fn group(group: &str) -> io::Result<Gid> {
    if let Ok(number) = group.parse() {
        return Ok(Gid::from_raw(number));
    }
    let groups = std::fs::read_to_string(GROUPS)?;
    number(&groups, group).map(Gid::from_raw).ok_or_else(|| {
        let message = format!("no group {group:?} is in {GROUPS}");
        io::Error::new(io::ErrorKind::NotFound, message)
    })
}

/// The number of a group in the text of group(5).
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
    fn it_has_its_mode_and_group_and_takes_connections() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sock");
        let own = rustix::process::getgid().as_raw();
        let listen = UnixListen {
            group: Some(own.to_string()),
            ..at(&path)
        };
        let _listener = bind(&listen).unwrap();
        let there = path.metadata().unwrap();
        assert_eq!(there.permissions().mode() & 0o7777, 0o640);
        assert_eq!(there.gid(), own);
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn a_path_is_taken_over_only_from_a_socket_on_which_nobody_answers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sock");
        let first = bind(&at(&path)).unwrap();
        let error = bind(&at(&path)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(
            error.to_string().contains(path.to_str().unwrap()),
            "{error}"
        );
        // As a crash leaves it.
        drop(first);
        assert!(path.exists());
        let second = bind(&at(&path)).unwrap();
        assert!(vacate(&path).is_err(), "it is in use");
        drop(second);
        vacate(&path).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn what_is_no_socket_is_never_removed() {
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
    fn a_socket_that_cannot_be_given_its_group_is_not_left_behind() {
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
    fn groups_are_found_by_their_names() {
        let of_group = |group: Option<&str>| UnixListen {
            group: group.map(str::to_owned),
            ..at(Path::new("/x"))
        };
        for right in [None, Some("root"), Some("12345")] {
            assert_eq!(external_error(&of_group(right)), None);
        }
        let wrong = external_error(&of_group(Some("no-such")));
        let expected = "unix:/x: no group \"no-such\" is in /etc/group";
        assert_eq!(wrong.as_deref(), Some(expected));
        let text = "root:x:0:\nprometheus:x:998:a,b\nprom:x:7:\nbad:x\n";
        assert_eq!(number(text, "prometheus"), Some(998));
        assert_eq!(number(text, "prom"), Some(7));
        assert_eq!(number(text, "x"), None);
        assert_eq!(number(text, "bad"), None);
        assert_eq!(number(text, ""), None);
    }
}
