//! Builds the replies of a scripted service.
//!
//! Works on one call and its connection; the service decides which reply is sent when.

use crate::prombus::{INTERFACE, PATH};
use crate::scripted_service::Reply;
use serde::{Serialize, Serializer};
use zbus::message::Message;
use zbus::wire::{Signature, Type};
use zbus::{Connection, Result};

/// Replies to one call.
pub(crate) async fn play(reply: &Reply, connection: &Connection, call: &Message) -> Result<()> {
    let header = call.header();
    let returned = || Message::method_return(&header);
    let message = match reply {
        Reply::Bytes(bytes) => returned().build(&Bytes(bytes))?,
        Reply::Never => return Ok(()),
        Reply::Late(delay, bytes) => {
            tokio::time::sleep(*delay).await;
            returned().build(&Bytes(bytes))?
        }
        Reply::Error(name, text) => Message::error(&header, name.as_str()).build(text)?,
        Reply::Number(number) => returned().build(number)?,
        Reply::Large(size) => returned().build(&Bytes(&vec![b'\n'; *size]))?,
        Reply::Structs(bytes) => {
            let structs: Vec<_> = bytes.iter().map(|byte| (*byte,)).collect();
            returned().build(&structs)?
        }
        Reply::Signals => return signal_without_end(connection, call).await,
        Reply::Stray => {
            let other = header.primary().serial_num().saturating_add(1000);
            returned()
                .reply_serial(Some(other))
                .build(&Bytes(b"stray 1\n"))?
        }
    };
    connection.send(&message).await
}

async fn signal_without_end(connection: &Connection, call: &Message) -> Result<()> {
    let Some(caller) = call.header().sender().cloned() else {
        return Ok(());
    };
    let noise = "x".repeat(1000);
    loop {
        let signal = Message::signal(PATH, INTERFACE, "Noise").destination(&caller);
        connection.send(&signal.build(&noise)?).await?;
    }
}

/// An array of bytes that is serialized in one piece: element by element, a large one takes
/// seconds.
struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl Type for Bytes<'_> {
    const SIGNATURE: &'static Signature = <[u8]>::SIGNATURE;
}
