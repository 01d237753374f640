//! The exporter with arguments, environment and standard input chosen by a test.

use crate::support::{PATIENCE, eventually, open_to_all, program};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use tempfile::TempDir;

/// A running exporter, killed on drop.
pub struct Serving {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
    folder: TempDir,
}

/// `program()`, executed by a shell after it has run the script.
pub fn by_shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    let script = format!("{script}exec \"$@\"");
    command
        .args(["-c", &script, "sh"])
        .arg(program().get_program());
    command
}

impl Serving {
    /// Starts it with a command that lacks only the arguments of the program.
    pub fn start(mut command: Command, arguments: &[&str], config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        open_to_all(folder.path());
        let path = folder.path().join("config.toml");
        fs::write(&path, config).unwrap();
        let mut child = command
            .args(["serve", "--log.format", "json", "--config"])
            .arg(&path)
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(Vec::new()));
        let collected = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                collected.lock().unwrap().push(line);
            }
        });
        Self {
            child,
            log,
            reader: Some(reader),
            folder,
        }
    }

    /// The path of its configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    /// Every log line of the exporter so far, without those of a wrapper.
    pub fn log(&self) -> Vec<Value> {
        let lines = self.lines();
        let event = |line: &String| serde_json::from_str(line).ok();
        lines.iter().filter_map(event).collect()
    }

    /// Every line so far, including those of a wrapper.
    pub fn lines(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Waits for at least `count` log lines with this message and returns them.
    pub fn logged(&self, message: &str, count: usize) -> Vec<Value> {
        eventually(message, || {
            let mut events = self.log();
            events.retain(|event| event["msg"] == message);
            (events.len() >= count).then_some(events)
        })
    }

    /// The address of its only TCP port, once it listens.
    pub fn address(&self) -> String {
        let events = self.logged("listening", 1);
        events[0]["address"].as_str().unwrap().to_owned()
    }

    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name, as `kill -NAME` does.
    pub fn signal(&self, name: &str) {
        let id = self.process().to_string();
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(id)
            .status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the end of the process, and of its log.
    pub fn ended(&mut self) -> ExitStatus {
        let status = eventually("the exporter ends", || self.child.try_wait().unwrap());
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        status
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            for line in self.lines() {
                println!("exporter: {line}");
            }
        }
    }
}

/// Sends one GET over a unix socket; returns the whole response as text.
pub fn get_over_unix(socket: &Path, path: &str) -> String {
    get_over(UnixStream::connect(socket).unwrap(), path)
}

/// Like [`get_over_unix`], on an open connection.
pub fn get_over(mut stream: UnixStream, path: &str) -> String {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}
