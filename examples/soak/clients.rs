//! Who asks, in which manner, and how often they were answered as they should be.

use crate::bodies::is_whole;
use crate::exporter;
use fastrand::Rng;
use socket2::{Domain, Socket, Type};
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::park_timeout;
use std::time::Duration;

/// How long a client may wait for its next byte.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a slow reader has its kernel hold for it, and takes at once, in bytes.
const SIP: usize = 16 * 1024;
/// How long it then pauses: a body of 1 MiB takes some two seconds.
const BETWEEN_SIPS: Duration = Duration::from_millis(30);

/// How a client behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    /// As Prometheus does: one connection, kept, one scrape after the other.
    Steady,
    /// HTTP/1.0: a connection for each scrape.
    Old,
    /// Reads as slowly as it can.
    Slow,
    /// Hangs up in the middle of a scrape.
    Leaving,
}

impl Manner {
    /// One for each client.
    pub(crate) const ALL: [Self; 9] = [
        Self::Steady,
        Self::Steady,
        Self::Steady,
        Self::Steady,
        Self::Old,
        Self::Slow,
        Self::Slow,
        Self::Leaving,
        Self::Leaving,
    ];

    /// Some hundreds of scrapes a second in all; a soak is long, not loud.
    fn pause(self) -> Duration {
        match self {
            Self::Steady | Self::Old | Self::Slow => Duration::from_millis(5),
            Self::Leaving => Duration::from_millis(20),
        }
    }

    /// Scrapes one selector after the other.
    pub(crate) fn scrape_until(
        self,
        done: &AtomicBool,
        address: &str,
        selectors: &[String],
        mut random: Rng,
        tally: &Tally,
    ) {
        let agent = exporter::agent();
        while !done.load(Ordering::Relaxed) {
            let name = random.choice(selectors).expect("a selector");
            let outcome = match self {
                Self::Steady => steady(&agent, address, name),
                Self::Old => old(address, name),
                Self::Slow => slow(address, name),
                Self::Leaving => leave(address, name, &mut random),
            };
            tally.count(outcome);
            park_timeout(self.pause());
        }
    }
}

/// What came of one scrape.
#[derive(Clone, Copy)]
enum Outcome {
    /// 200 and a whole body.
    Answered,
    /// An error in words, which is an answer too.
    Refused,
    /// The client has left before it could know.
    Left,
    /// Anything else.
    Wrong,
}

impl Outcome {
    fn of(status: u16, body: &[u8]) -> Self {
        match status {
            200 if is_whole(body) => Self::Answered,
            502..=504 if !body.is_empty() => Self::Refused,
            _ => Self::Wrong,
        }
    }
}

fn steady(agent: &ureq::Agent, address: &str, name: &str) -> Outcome {
    let url = format!("http://{address}/bridge?selector={name}");
    let request = agent.get(url).config().http_status_as_error(false).build();
    let Ok(mut response) = request.call() else {
        return Outcome::Wrong;
    };
    let status = response.status().as_u16();
    match response.body_mut().read_to_vec() {
        Ok(body) => Outcome::of(status, &body),
        Err(_) => Outcome::Wrong,
    }
}

fn old(address: &str, name: &str) -> Outcome {
    let answer = || {
        let mut stream = connect(address)?;
        write!(stream, "GET /bridge?selector={name} HTTP/1.0\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    };
    outcome_of(answer())
}

fn slow(address: &str, name: &str) -> Outcome {
    let answer = || {
        let mut stream = connect(address)?;
        ask(&mut stream, name)?;
        let mut answer = Vec::new();
        while (&stream).take(SIP as u64).read_to_end(&mut answer)? == SIP {
            park_timeout(BETWEEN_SIPS);
        }
        Ok(answer)
    };
    outcome_of(answer())
}

/// Leaves before the answer, or with most of it unread.
fn leave(address: &str, name: &str, random: &mut Rng) -> Outcome {
    let leave = |mut stream: TcpStream| {
        ask(&mut stream, name)?;
        park_timeout(Duration::from_millis(random.u64(..40)));
        if random.bool() {
            let _ = stream.read(&mut [0; 100])?;
        }
        Ok::<_, io::Error>(())
    };
    match connect(address).and_then(leave) {
        Ok(()) => Outcome::Left,
        Err(_) => Outcome::Wrong,
    }
}

/// A connection that holds little for its reader.
fn connect(address: &str) -> io::Result<TcpStream> {
    let address: SocketAddr = address.parse().map_err(io::Error::other)?;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_recv_buffer_size(SIP)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(&address.into())?;
    Ok(socket.into())
}

fn ask(stream: &mut TcpStream, name: &str) -> io::Result<()> {
    write!(
        stream,
        "GET /bridge?selector={name} HTTP/1.1\r\nHost: soak\r\nConnection: close\r\n\r\n"
    )
}

/// What all bytes of a connection mean.
fn outcome_of(answer: io::Result<Vec<u8>>) -> Outcome {
    const END_OF_HEAD: &[u8] = b"\r\n\r\n";
    let Ok(answer) = answer else {
        return Outcome::Wrong;
    };
    let mut ends = answer.windows(END_OF_HEAD.len());
    let Some(head) = ends.position(|window| window == END_OF_HEAD) else {
        return Outcome::Wrong;
    };
    let (head, body) = answer.split_at(head + END_OF_HEAD.len());
    let status = head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
    let status = status.and_then(|digits| digits.parse().ok());
    Outcome::of(status.unwrap_or(0), body)
}

/// How often what came of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    answered: AtomicU64,
    refused: AtomicU64,
    left: AtomicU64,
    wrong: AtomicU64,
}

impl Tally {
    fn count(&self, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Answered => &self.answered,
            Outcome::Refused => &self.refused,
            Outcome::Left => &self.left,
            Outcome::Wrong => &self.wrong,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether there were answers, and none of them wrong.
    pub(crate) fn is_right(&self) -> bool {
        let [answered, wrong] = [&self.answered, &self.wrong].map(read);
        answered > 0 && wrong == 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            answered,
            refused,
            left,
            wrong,
        } = self;
        let [answered, refused, left, wrong] = [answered, refused, left, wrong].map(read);
        write!(
            out,
            "scrapes: {answered} answered with a whole body, {refused} with an error, \
             {left} left by their client, {wrong} wrong"
        )
    }
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
