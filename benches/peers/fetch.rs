//! Fetches one response and compares it with the expected body.

use crate::Outcome;
use crate::cell::Encoding;
use std::collections::HashSet;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long one response may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Larger than any response here, in bytes.
const LIMIT: u64 = 64 << 20;

/// How a response must agree with the body that is served.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Likeness {
    /// Every byte.
    Bytes,
    /// Every line that is a sample, for servers that rewrite the body.
    Samples,
}

/// How a response was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    /// The header `Content-Encoding`, if there was one.
    pub(crate) encoding: Option<String>,
    /// Size of the body as sent, in bytes.
    pub(crate) sent: usize,
}

/// Sends one request; anything but status 200 with the expected body is an error.
pub(crate) fn compare(
    (port, path): (u16, &str),
    requested: Encoding,
    expected: &[u8],
    likeness: Likeness,
) -> Outcome<Response> {
    let url = format!("http://127.0.0.1:{port}{path}");
    let (status, encoding, sent) = get(&url, requested)?;
    if status != 200 {
        let text = String::from_utf8_lossy(&sent);
        return Err(format!("{url} returned status {status}: {text}").into());
    }
    let response = Response {
        encoding,
        sent: sent.len(),
    };
    let body = match response.encoding.as_deref() {
        None | Some("identity") => sent,
        Some("gzip") => gunzip(&sent)?,
        Some(other) => {
            return Err(format!("{url} responds with {other}, which was not requested").into());
        }
    };
    match alike(&body, expected, likeness) {
        true => Ok(response),
        false => Err(format!("{url} returned something other than the expected body").into()),
    }
}

/// Whether a path has status 200 now.
pub(crate) fn is_well(port: u16, path: &str) -> bool {
    let url = format!("http://127.0.0.1:{port}{path}");
    get(&url, Encoding::Plain).is_ok_and(|(status, _, _)| status == 200)
}

fn get(url: &str, requested: Encoding) -> Outcome<(u16, Option<String>, Vec<u8>)> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .build()
        .into();
    let mut request = agent.get(url);
    if requested == Encoding::Gzip {
        request = request.header("Accept-Encoding", "gzip");
    }
    let mut response = request.call()?;
    let encoding = response.headers().get("content-encoding");
    let encoding = encoding.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let status = response.status().as_u16();
    let body = response
        .body_mut()
        .with_config()
        .limit(LIMIT)
        .read_to_vec()?;
    Ok((status, encoding, body))
}

fn alike(body: &[u8], expected: &[u8], likeness: Likeness) -> bool {
    match likeness {
        Likeness::Bytes => body == expected,
        Likeness::Samples => {
            let found: HashSet<&[u8]> = body.split(|&byte| byte == b'\n').collect();
            let mut lines = expected.split(|&byte| byte == b'\n');
            lines.all(|line| line.is_empty() || line.starts_with(b"#") || found.contains(line))
        }
    }
}

/// Decompresses bytes with gzip(1).
fn gunzip(bytes: &[u8]) -> Outcome<Vec<u8>> {
    let mut command = Command::new("gzip");
    command
        .arg("-dc")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let input = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // In a thread, since no pipe holds all of it.
        scope.spawn(move || input.map(|mut input| input.write_all(bytes)));
        child.wait_with_output()
    })?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(format!("gzip cannot read the response: {}", output.status).into()),
    }
}
