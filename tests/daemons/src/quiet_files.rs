//! A file system of one directory with one file, which changes without any event and can hang.
//!
//! It stands for all that is mounted from elsewhere: a network file system whose server changes a
//! file, or does not answer. Promises that a new content is what every read finds that begins after
//! [`QuietFiles::set`], that a hanging one answers what it was asked when it goes on, and that the
//! drop ends whatever waits for it with an error. Whoever mounts it does so by
//! [`QuietFiles::device`] and [`OPTIONS`]; it is unmounted by its namespace, or by whoever mounted.

use crate::fuse::{Content, reply};
use crate::lock;
use rustix::event::{PollFd, PollFlags, poll};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What to mount it with, for `mount -i -t fuse -o`, where the device is standard input.
pub const OPTIONS: &str = "fd=0,rootmode=40000,user_id=0,group_id=0,allow_other";
/// More than a request takes, and no less than the kernel insists on.
const LONGEST_REQUEST: usize = 256 * 1024;
/// How long to wait before asking again whether it is mounted: there is nothing to be told by.
const NOT_YET: Duration = Duration::from_millis(5);

/// A file system, mounted or not yet.
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
    /// What was asked while it hung.
    unanswered: Vec<Vec<u8>>,
}

impl QuietFiles {
    /// Makes one whose file has this name and content.
    ///
    /// # Errors
    ///
    /// When `/dev/fuse` is not there or not ours to use, and when no thread can be had.
    pub fn new(name: &str, bytes: &[u8]) -> io::Result<Self> {
        let device = File::options().read(true).write(true).open("/dev/fuse")?;
        let state = Arc::new(Mutex::new(State {
            content: Content::new(name, bytes),
            hangs: false,
            unanswered: Vec::new(),
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

    /// The device, for whoever mounts it.
    ///
    /// # Errors
    ///
    /// When no descriptor can be had.
    pub fn device(&self) -> io::Result<File> {
        self.device.try_clone()
    }

    /// Gives the file another content.
    pub fn set(&self, bytes: &[u8]) {
        let mut state = lock(&self.state);
        state.content = Content::new(&state.content.name, bytes);
    }

    /// Answers nothing from now on.
    pub fn hang(&self) {
        lock(&self.state).hangs = true;
    }

    /// Answers what was asked meanwhile, and goes on.
    ///
    /// # Errors
    ///
    /// When the kernel does not take an answer.
    pub fn resume(&self) -> io::Result<()> {
        let mut state = lock(&self.state);
        state.hangs = false;
        for request in std::mem::take(&mut state.unanswered) {
            answer(&self.device, &request, &state.content)?;
        }
        Ok(())
    }

    /// How many requests wait for it to go on.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        lock(&self.state).unanswered.len()
    }
}

impl Drop for QuietFiles {
    fn drop(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take() {
            // A drop has nobody to tell of an error. The device is closed right after.
            let _ = thread.join();
        }
    }
}

/// Answers until the handle is dropped or the file system unmounted.
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
                    state.unanswered.push(request.to_owned());
                } else {
                    answer(device, request, &state.content)?;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                thread::park_timeout(NOT_YET);
            }
            // The request was taken back before it could be read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
}

fn answer(mut device: &File, request: &[u8], content: &Content) -> io::Result<()> {
    let Some(reply) = reply(request, content) else {
        return Ok(());
    };
    match device.write(&reply) {
        // Whoever asked has gone.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        written => written.map(drop),
    }
}
