//! A file system of one directory with one file, which changes without file events and can hang.
//!
//! It represents remote file systems, whose server changes a file or does not respond. Guarantees:
//! every read that begins after [`QuietFiles::set`] returns the new content; a file system that
//! hung replies to the pending requests when it resumes; dropping it ends pending requests with an
//! error. The caller mounts it with [`QuietFiles::device`] and [`OPTIONS`]; it is unmounted by the
//! caller or by the end of its mount namespace.

use crate::fuse::{Content, reply};
use crate::lock;
use rustix::event::{PollFd, PollFlags, poll};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The options for `mount -i -t fuse -o`, with the device as standard input.
pub const OPTIONS: &str = "fd=0,rootmode=40000,user_id=0,group_id=0,allow_other";
/// Larger than any request, and at least the minimum that the kernel requires.
const LONGEST_REQUEST: usize = 256 * 1024;
/// The interval of polling for the mount: the device does not report it.
const NOT_YET: Duration = Duration::from_millis(5);

/// A file system, mounted or not.
#[derive(Debug)]
pub struct QuietFiles {
    device: File,
    state: Arc<Mutex<State>>,
    wake: Option<UnixStream>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

#[derive(Debug)]
struct State {
    content: Content,
    hangs: bool,
    /// The requests that arrived while it hung.
    pending_requests: Vec<Vec<u8>>,
}

impl QuietFiles {
    /// Creates one whose file has this name and content.
    ///
    /// # Errors
    ///
    /// If `/dev/fuse` does not exist or cannot be opened, or if no thread can be started.
    pub fn new(name: &str, bytes: &[u8]) -> io::Result<Self> {
        let device = File::options().read(true).write(true).open("/dev/fuse")?;
        let state = Arc::new(Mutex::new(State {
            content: Content::new(name, bytes),
            hangs: false,
            pending_requests: Vec::new(),
        }));
        let (wake, woken) = UnixStream::pair()?;
        let (requests, for_thread) = (device.try_clone()?, Arc::clone(&state));
        let thread = thread::Builder::new()
            .name("quiet-files".to_owned())
            .spawn(move || serve(&requests, &woken, &for_thread))?;
        Ok(Self {
            device,
            state,
            wake: Some(wake),
            thread: Some(thread),
        })
    }

    /// The device, for mounting.
    ///
    /// # Errors
    ///
    /// If the descriptor cannot be duplicated.
    pub fn device(&self) -> io::Result<File> {
        self.device.try_clone()
    }

    /// Replaces the content of the file.
    pub fn set(&self, bytes: &[u8]) {
        let mut state = lock(&self.state);
        state.content = Content::new(&state.content.name, bytes);
    }

    /// Stops replying.
    pub fn hang(&self) {
        lock(&self.state).hangs = true;
    }

    /// Replies to the pending requests and resumes.
    ///
    /// # Errors
    ///
    /// If the kernel rejects a reply.
    pub fn resume(&self) -> io::Result<()> {
        let mut state = lock(&self.state);
        state.hangs = false;
        for request in std::mem::take(&mut state.pending_requests) {
            reply_to(&self.device, &request, &state.content)?;
        }
        Ok(())
    }

    /// The number of pending requests.
    #[must_use]
    pub fn pending_requests(&self) -> usize {
        lock(&self.state).pending_requests.len()
    }
}

impl Drop for QuietFiles {
    fn drop(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take() {
            // A drop cannot report an error. The device is closed right after this.
            let _ = thread.join();
        }
    }
}

/// Replies until the handle is dropped or the file system is unmounted.
fn serve(mut device: &File, wake: &UnixStream, state: &Mutex<State>) -> io::Result<()> {
    let mut request = vec![0; LONGEST_REQUEST];
    loop {
        let mut watched = [
            PollFd::new(device, PollFlags::IN),
            PollFd::new(wake, PollFlags::IN),
        ];
        poll(&mut watched, None)?;
        let [_, called] = watched;
        if !called.revents().is_empty() {
            return Ok(());
        }
        match device.read(&mut request) {
            Ok(length) => {
                let request = request.get(..length).unwrap_or_default();
                let mut state = lock(state);
                if state.hangs {
                    state.pending_requests.push(request.to_owned());
                } else {
                    reply_to(device, request, &state.content)?;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                thread::park_timeout(NOT_YET);
            }
            // The request was interrupted before it could be read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
}

fn reply_to(mut device: &File, request: &[u8], content: &Content) -> io::Result<()> {
    let Some(reply) = reply(request, content) else {
        return Ok(());
    };
    match device.write(&reply) {
        // The caller has gone.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        written => written.map(drop),
    }
}
