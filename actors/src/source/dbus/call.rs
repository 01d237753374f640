//! One call of the configured method.

use super::reply::Failure;
use futures_util::StreamExt;
use local_exporter_config::DbusSource;
use zbus::message::{Flags, Message, Type};
use zbus::{Connection, MessageStream};

/// Calls the method, and waits for its reply without a time limit.
///
/// # Errors
/// The reply is an error, or the connection failed.
pub(super) async fn call(spec: &DbusSource, connection: &Connection) -> Result<Message, Failure> {
    let flags = if spec.auto_start {
        Flags::empty()
    } else {
        Flags::NO_AUTO_START
    };
    let broken = |error: zbus::Error| Failure::broken(spec, &error);
    let call = Message::method_call(spec.path.as_str(), spec.member.as_str())
        .destination(spec.destination.as_str())
        .interface(spec.interface.as_str())
        .with_flags(flags)
        .build(&())
        .map_err(broken)?;
    let serial = Some(call.primary_header().serial_num());
    // Before the call is sent, so that its reply cannot be missed.
    let mut received = MessageStream::from(connection);
    connection.send(&call).await.map_err(broken)?;
    while let Some(message) = received.next().await {
        let message = message.map_err(broken)?;
        if message.header().reply_serial() != serial {
            continue;
        }
        match message.message_type() {
            Type::MethodReturn => return Ok(message),
            Type::Error => return Err(Failure::replied(spec, &message)),
            Type::MethodCall | Type::Signal => {}
        }
    }
    Err(Failure::closed(spec))
}
