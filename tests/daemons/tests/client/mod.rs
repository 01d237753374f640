//! The clients of the daemons in their tests.
//!
//! No call waits forever: reads, D-Bus calls and conditions have limits far above what they need,
//! and reaching one fails the test.

// Each test program uses some of these.
#![allow(
    dead_code,
    reason = "every test program is compiled with all of this file"
)]

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// Far above what any operation here takes.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// Reads a socket to its end.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(LIMIT))?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text)?;
    Ok(text)
}

/// Whether the condition came true within the limit; asks often, so returns soon after.
pub(crate) fn eventually(mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + LIMIT;
    while Instant::now() < end {
        if condition() {
            return true;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "a short pause between two attempts"
        )]
        std::thread::sleep(Duration::from_millis(2));
    }
    false
}

/// Calls a method of the prombus object without arguments, on a connection of its own.
pub(crate) fn call(address: &str, interface: &str, method: &str) -> zbus::Result<zbus::Message> {
    call_within(LIMIT, address, interface, method)
}

/// As [`call`] with a limit; passing it is an error of kind `TimedOut`.
pub(crate) fn call_within(
    limit: Duration,
    address: &str,
    interface: &str,
    method: &str,
) -> zbus::Result<zbus::Message> {
    use local_exporter_daemons::prombus::{NAME, PATH};
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let call = async {
            let connection = zbus::connection::Builder::address(address).build().await?;
            connection
                .call_method(Some(NAME), PATH, Some(interface), method, &())
                .await
        };
        match tokio::time::timeout(limit, call).await {
            Ok(result) => result,
            Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
        }
    })
}

/// Whether the error is the limit of [`call_within`] having passed.
pub(crate) fn timed_out(error: &zbus::Error) -> bool {
    matches!(error, zbus::Error::InputOutput(error) if error.kind() == io::ErrorKind::TimedOut)
}
