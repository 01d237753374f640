//! An HTTP connection without a client library, for requests that no library would send.

use crate::support::{PATIENCE, Reply};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A persistent connection.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    pub fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    pub fn send(&mut self, bytes: &str) {
        // The exporter may close the connection before it has read everything.
        let _ = self.0.get_mut().write_all(bytes.as_bytes());
    }

    pub fn request(&mut self, path: &str) {
        self.request_with(path, "");
    }

    /// [`Connection::request`] with more header lines.
    pub fn request_with(&mut self, path: &str, headers: &str) {
        self.send(&format!(
            "GET {path} HTTP/1.1\r\nhost: test\r\n{headers}\r\n"
        ));
    }

    /// Reads so many bytes; returns whether there were as many.
    pub fn read(&mut self, bytes: usize) -> bool {
        let mut buffer = vec![0; bytes];
        self.0.read_exact(&mut buffer).is_ok()
    }

    /// Reads the status of the next response, and no more than a few packets beyond it; `None` if
    /// the connection ends without one.
    pub fn status(&mut self) -> Option<String> {
        let mut line = [0; "HTTP/1.1 200".len()];
        self.0.read_exact(&mut line).ok()?;
        let (_, status) = std::str::from_utf8(&line).unwrap().split_once(' ')?;
        Some(status.to_owned())
    }

    /// Reads the next response.
    pub fn reply(&mut self) -> Reply {
        self.try_reply().expect("the connection ended")
    }

    /// Reads the next response; `None` if the connection ends without one.
    pub fn try_reply(&mut self) -> Option<Reply> {
        let mut line = String::new();
        if let Err(error) = self.0.read_line(&mut line) {
            assert_ended(&error);
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

    /// Reads the body of a response whose head was read in part.
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

    /// Reads until the exporter closes the connection.
    pub fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        if let Err(error) = self.0.read_to_end(&mut rest) {
            // A reset may follow a response.
            assert_ended(&error);
        }
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// Whether the exporter has closed the connection.
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

/// Any error means that the connection has ended, except a timeout.
#[track_caller]
fn assert_ended(error: &io::Error) {
    let timed_out = error.kind() == io::ErrorKind::WouldBlock;
    assert!(
        !timed_out,
        "neither a response nor an end within {PATIENCE:?}"
    );
}
