//! One HTTP connection by hand, for requests that no client library would send.

use crate::support::{PATIENCE, Reply};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A connection that is kept.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    pub fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    pub fn send(&mut self, bytes: &str) {
        // The other side may end the connection before it has taken all.
        let _ = self.0.get_mut().write_all(bytes.as_bytes());
    }

    pub fn ask(&mut self, path: &str) {
        self.ask_with(path, "");
    }

    /// [`Connection::ask`] with lines of more headers.
    pub fn ask_with(&mut self, path: &str, headers: &str) {
        self.send(&format!(
            "GET {path} HTTP/1.1\r\nhost: test\r\n{headers}\r\n"
        ));
    }

    /// Takes so many bytes of what comes; whether there were as many.
    pub fn take(&mut self, bytes: usize) -> bool {
        let mut taken = vec![0; bytes];
        self.0.read_exact(&mut taken).is_ok()
    }

    /// The next response, by its length.
    pub fn reply(&mut self) -> Reply {
        self.answer().expect("the connection ended")
    }

    /// The next response, or nothing if the connection ends without.
    pub fn answer(&mut self) -> Option<Reply> {
        let mut line = String::new();
        if let Err(error) = self.0.read_line(&mut line) {
            assert_goes_on(&error);
            return None;
        }
        let status = line.split_whitespace().nth(1)?.parse().ok()?;
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            headers.push((name.to_owned(), value.to_owned()));
        }
        let mut reply = Reply {
            status,
            headers,
            body: Vec::new(),
        };
        let length = reply.header("content-length")?.parse().ok()?;
        reply.body.resize(length, 0);
        self.0.read_exact(&mut reply.body).ok()?;
        Some(reply)
    }

    /// The body of an answer whose head was taken in part.
    pub fn rest_of(&mut self, bytes: usize) -> Vec<u8> {
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the head ended");
        }
        let mut body = vec![0; bytes];
        self.0.read_exact(&mut body).unwrap();
        body
    }

    /// Whatever comes until the other side ends the connection.
    pub fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        if let Err(error) = self.0.read_to_end(&mut rest) {
            // A reset may follow what was said.
            assert_goes_on(&error);
        }
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// Whether the other side has ended the connection by now.
    pub fn has_ended(&mut self) -> bool {
        let stream = self.0.get_mut();
        stream
            .set_read_timeout(Some(Duration::from_millis(1)))
            .unwrap();
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(read) => read == 0,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }
}

/// An end of any kind is one; silence is not.
#[track_caller]
fn assert_goes_on(error: &io::Error) {
    let silent = error.kind() == io::ErrorKind::WouldBlock;
    assert!(!silent, "neither an answer nor an end in {PATIENCE:?}");
}
