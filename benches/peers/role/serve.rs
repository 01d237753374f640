//! Daemons that are never the bottleneck: their body is in memory before it is requested.
//!
//! Each prints a line once it serves, and one for every line on standard input: the number of pulls
//! and the maximum of simultaneous ones. It ends with standard input, so that it never outlives the
//! measuring process.

use crate::{Outcome, body};
use clap::Args;
use local_exporter_daemons::prombus::Prombus;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// The number of threads that accept on a single socket; of many sockets, each has one thread.
const ACCEPTING: usize = 4;
/// The stack of such a thread in bytes: more than it needs; there may be thousands.
const STACK: usize = 64 << 10;

/// Daemons on sockets, `FOLDER/0`, `FOLDER/1` and so on.
#[derive(Debug, Clone, Args)]
pub(crate) struct Uds {
    folder: PathBuf,
    /// The number of sockets.
    #[arg(long, default_value_t = 1)]
    sockets: usize,
    /// The number of series of each.
    #[arg(long, default_value_t = 100)]
    series: usize,
    /// The delay of each response in milliseconds.
    #[arg(long, default_value_t = 0)]
    delay: u64,
    /// Only listen, like a daemon that hangs.
    #[arg(long)]
    hung: bool,
}

#[derive(Debug, Default)]
struct Counts {
    pulls: AtomicU64,
    open: AtomicU64,
    most: AtomicU64,
}

impl Uds {
    pub(super) fn serve(self) -> Outcome<()> {
        allow_many_descriptors()?;
        let counts = Arc::<Counts>::default();
        let body: Arc<[u8]> = body::text(self.series).into();
        let threads = match (self.hung, self.sockets) {
            (true, _) => 0,
            (false, 1) => ACCEPTING,
            (false, _) => 1,
        };
        let mut listeners = Vec::new();
        for number in 0..self.sockets {
            let listener = UnixListener::bind(self.folder.join(number.to_string()))?;
            for _ in 0..threads {
                let (listener, counts, body) =
                    (listener.try_clone()?, counts.clone(), body.clone());
                let delay = Duration::from_millis(self.delay);
                thread::Builder::new()
                    .stack_size(STACK)
                    .spawn(move || accept(&listener, &body, delay, &counts))?;
            }
            listeners.push(listener);
        }
        reply_to_questions(|| {
            let [pulls, most] =
                [&counts.pulls, &counts.most].map(|count| count.load(Ordering::SeqCst));
            (pulls, most)
        })
    }
}

fn accept(listener: &UnixListener, body: &[u8], delay: Duration, counts: &Counts) {
    for stream in listener.incoming().flatten() {
        counts.pulls.fetch_add(1, Ordering::SeqCst);
        let open = counts.open.fetch_add(1, Ordering::SeqCst) + 1;
        counts.most.fetch_max(open, Ordering::SeqCst);
        // A client may disconnect at any time; the next one is still served.
        let _ = respond(&stream, body, delay);
        // Before the client can see the end and connect again.
        counts.open.fetch_sub(1, Ordering::SeqCst);
        drop(stream);
    }
}

fn respond(mut stream: &UnixStream, body: &[u8], delay: Duration) -> std::io::Result<()> {
    if !delay.is_zero() {
        thread::park_timeout(delay);
    }
    stream.write_all(body)
}

/// A daemon on a bus.
#[derive(Debug, Clone, Args)]
pub(crate) struct Dbus {
    /// The address of the bus.
    address: String,
    /// The number of series.
    #[arg(long)]
    series: usize,
}

impl Dbus {
    pub(super) fn serve(self) -> Outcome<()> {
        let body = body::text(self.series);
        let prombus = Prombus::start(&self.address, move || body.clone())?;
        // zbus serves the calls of an interface one after the other.
        reply_to_questions(|| (prombus.calls(), 1))
    }
}

/// Prints one line at first, and one for each on standard input.
fn reply_to_questions(counts: impl Fn() -> (u64, u64)) -> Outcome<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "serving")?;
    for line in std::io::stdin().lines() {
        line?;
        let (pulls, most) = counts();
        writeln!(output, "{pulls} {most}")?;
    }
    Ok(())
}

/// One socket each, and as many clients.
fn allow_many_descriptors() -> Outcome<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let limit = Rlimit {
        current: maximum,
        maximum,
    };
    Ok(setrlimit(Resource::Nofile, limit)?)
}
