//! Draws random faults: one fault of one source at a time, or its end.

use crate::bodies::{LARGEST, MAX_BYTES, OTHER, USUAL};
use fastrand::Rng;
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::prombus::Reply;
use local_exporter_daemons::promfile::PromFile;
use std::io;
use std::time::Duration;

/// The next behaviour of a socket.
pub(crate) fn behaviour(random: &mut Rng) -> Behaviour {
    let usual = || USUAL.to_vec();
    match random.usize(..14) {
        0 => Behaviour::HangAfterAccept,
        1 => Behaviour::HangBeforeAccept,
        2 => Behaviour::StopHalfway(usual()),
        3 => Behaviour::HalfThenClose(usual()),
        4 => Behaviour::Reset,
        5 => Behaviour::TooMuch(4 * MAX_BYTES as u64),
        6 => Behaviour::Garbage,
        7 => Behaviour::Nothing,
        8 => Behaviour::RespondLate {
            delay: Duration::from_millis(200),
            bytes: usual(),
        },
        9 => Behaviour::NewInode(usual()),
        10 => Behaviour::StopHalfway(LARGEST.clone()),
        11 => Behaviour::Serve(LARGEST.clone()),
        _ => Behaviour::Serve(usual()),
    }
}

/// The next reply of a service on the bus.
pub(crate) fn reply(random: &mut Rng) -> Reply {
    match random.usize(..7) {
        0 => Reply::Never,
        1 => Reply::Error("no".into()),
        2 => Reply::Bytes(b"nonsense".to_vec()),
        3 => Reply::Bytes(LARGEST.clone()),
        4 => Reply::Bytes(vec![b'\n'; MAX_BYTES + 1]),
        5 => Reply::Late(Duration::from_millis(300), USUAL.to_vec()),
        _ => Reply::Metrics,
    }
}

/// Changes a file once.
pub(crate) fn change(file: &PromFile, random: &mut Rng) -> io::Result<()> {
    match random.usize(..9) {
        0 => file.write_in_place(USUAL),
        1 => file.write(b"nonsense"),
        2 => file.write(b""),
        3 => file.write(&vec![b'x'; 2 * MAX_BYTES]),
        4 => file.write(OTHER),
        5 => file.write(&LARGEST),
        6 => {
            let folder = file.path().parent().expect("a folder");
            std::fs::remove_dir_all(folder)?;
            std::fs::create_dir_all(folder)?;
            file.write(USUAL)
        }
        7 => match file.remove() {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
        _ => file.write(USUAL),
    }
}
