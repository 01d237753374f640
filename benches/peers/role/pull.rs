//! The lower bounds: the minimal cost of a pull for its client.
//!
//! Prints one line: the number of pulls and the microseconds of processor time of all of them.

use crate::Outcome;
use crate::process::stat::own_processor_time;
use local_exporter_daemons::prombus::{INTERFACE, METHOD, NAME, PATH};
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// Connects, reads to the end and closes.
pub(super) fn uds(socket: &Path, seconds: u64) -> Outcome<()> {
    let mut body = Vec::new();
    let (begun, end) = begin(seconds);
    let mut pulls = 0;
    while Instant::now() < end {
        body.clear();
        UnixStream::connect(socket)?.read_to_end(&mut body)?;
        pulls += 1;
    }
    report(pulls, begun);
    Ok(())
}

/// Calls the method over one connection and reads the bytes of its reply.
pub(super) fn dbus(address: &str, seconds: u64) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let connection = zbus::connection::Builder::address(address).build().await?;
        let (begun, end) = begin(seconds);
        let mut pulls = 0;
        while Instant::now() < end {
            let reply = connection
                .call_method(Some(NAME), PATH, Some(INTERFACE), METHOD, &())
                .await?;
            let body = reply.body();
            let bytes: &[u8] = body.deserialize()?;
            if bytes.is_empty() {
                return Err("the daemon sent nothing".into());
            }
            pulls += 1;
        }
        report(pulls, begun);
        Ok(())
    })
}

fn begin(seconds: u64) -> (Duration, Instant) {
    let end = Instant::now() + Duration::from_secs(seconds);
    (own_processor_time(), end)
}

fn report(pulls: u64, begun: Duration) {
    let used = own_processor_time().saturating_sub(begun);
    println!("{pulls} {}", used.as_micros());
}
