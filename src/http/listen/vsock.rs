//! Vsock listeners, for virtual machines and their host (vsock(7)).

use super::listener::{BACKLOG, bind_error};
use local_exporter_config::VsockListen;
use socket2::{Domain, SockAddr, Socket, Type};
use std::io;

/// All context IDs of this machine, `VMADDR_CID_ANY`.
const ANY_CONTEXT: u32 = u32::MAX;

/// Binds a port.
pub(super) fn bind(listen: VsockListen) -> io::Result<Socket> {
    try_bind(listen).map_err(|error| bind_error(listen, &error))
}

fn try_bind(listen: VsockListen) -> io::Result<Socket> {
    let context = listen.context.unwrap_or(ANY_CONTEXT);
    let socket = Socket::new(Domain::VSOCK, Type::STREAM, None)?;
    socket.bind(&SockAddr::vsock(context, listen.port))?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}
