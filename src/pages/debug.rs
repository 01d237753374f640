//! `/debug/actors`: what every selector is doing, as JSON.
//!
//! Reads what is known without asking: it may not message an actor, since one
//! may be stuck, which is just what this page is to show. It shows no bytes of
//! any body.

#[cfg(feature = "faults")]
pub(crate) mod faults;

use crate::exporter::Exporter;
use crate::http::{gzip, reply};
use actix_web::{HttpRequest, HttpResponse, web};
use local_exporter_actors::SelectorHandle;
use local_exporter_actors::report::{self, CacheSnapshot, Failure, FileReport};
use serde::Serialize;
use std::time::{Duration, SystemTime};

#[derive(Debug, Serialize)]
struct Page<'a> {
    actors: Vec<Actor<'a>>,
}

/// One selector; times are RFC 3339, durations seconds.
#[derive(Debug, Serialize)]
struct Actor<'a> {
    selector: &'a str,
    kind: &'static str,
    source: &'a str,
    state: &'static str,
    restarts: u64,
    resting_for_seconds: Option<f64>,
    in_flight: usize,
    oldest_in_flight_seconds: Option<f64>,
    scrapes: u64,
    failures: u64,
    last_success: Option<String>,
    last_error: Option<Error>,
    body_bytes: Option<usize>,
    cache: Option<Cache>,
}

#[derive(Debug, Serialize)]
struct Error {
    reason: &'static str,
    message: String,
    at: String,
}

#[derive(Debug, Serialize)]
struct Cache {
    age_seconds: f64,
    mtime: Option<String>,
    watch: &'static str,
    files: Vec<File>,
    passed_over: Vec<PassedOver>,
    duplicate_series: usize,
    conflicts: Vec<String>,
}

#[derive(Debug, Serialize)]
struct File {
    file: String,
    mtime: Option<String>,
    served: bool,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct PassedOver {
    file: String,
    why: &'static str,
}

impl<'a> Actor<'a> {
    fn of(handle: &'a SelectorHandle) -> Self {
        let snapshot = handle.snapshot();
        let seconds = |duration: Duration| duration.as_secs_f64();
        Self {
            selector: &handle.spec().name,
            kind: handle.spec().source.kind(),
            source: handle.source(),
            state: snapshot.state.as_str(),
            restarts: snapshot.restarts,
            resting_for_seconds: snapshot.backoff_for.map(seconds),
            in_flight: snapshot.in_flight,
            oldest_in_flight_seconds: snapshot.oldest_in_flight.map(seconds),
            scrapes: snapshot.scrapes,
            failures: snapshot.failures,
            last_success: snapshot.last_success.map(time),
            last_error: snapshot.last_error.map(Error::from),
            body_bytes: snapshot.body_bytes,
            cache: snapshot.cache.map(Cache::from),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self {
            reason: failure.reason.as_str(),
            message: failure.message,
            at: time(failure.at),
        }
    }
}

impl From<CacheSnapshot> for Cache {
    fn from(cache: CacheSnapshot) -> Self {
        let CacheSnapshot { age, report } = cache;
        let passed_over = report.passed_over.into_iter();
        Self {
            age_seconds: age.as_secs_f64(),
            mtime: report.oldest.map(time),
            watch: report.watching.as_str(),
            files: report.files.into_iter().map(File::from).collect(),
            passed_over: passed_over.map(PassedOver::from).collect(),
            duplicate_series: report.duplicate_series,
            conflicts: report.conflicts,
        }
    }
}

impl From<FileReport> for File {
    fn from(report: FileReport) -> Self {
        Self {
            file: report.path.to_string_lossy().into_owned(),
            mtime: report.mtime.map(time),
            served: report.served,
            error: report.error.map(|error| error.to_string()),
        }
    }
}

impl From<report::PassedOver> for PassedOver {
    fn from(over: report::PassedOver) -> Self {
        Self {
            file: over.path.to_string_lossy().into_owned(),
            why: over.why,
        }
    }
}

/// RFC 3339; what that cannot express (years before 1970 or after 9999, which a
/// file may claim) becomes the nearest it can.
fn time(time: SystemTime) -> String {
    const YEAR_9999: Duration = Duration::from_secs(253_402_300_799);
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH);
    let within = since_epoch.unwrap_or_default().min(YEAR_9999);
    humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + within).to_string()
}

/// `GET /debug/actors`.
pub(crate) async fn actors(request: HttpRequest, exporter: web::Data<Exporter>) -> HttpResponse {
    let registry = exporter.registry.load();
    let actors = registry.iter().map(|handle| Actor::of(handle)).collect();
    match serde_json::to_string_pretty(&Page { actors }) {
        Ok(json) => {
            let mut response = HttpResponse::Ok();
            response.content_type("application/json");
            let body = (json + "\n").into();
            gzip::respond(&request, &exporter.compressors, response, body).await
        }
        Err(error) => reply::internal(&format!("the page cannot be written: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_time_a_file_may_claim_can_be_shown() {
        let epoch = SystemTime::UNIX_EPOCH;
        let far = Duration::from_secs(1 << 40);
        assert_eq!(time(epoch), "1970-01-01T00:00:00.000Z");
        assert_eq!(time(epoch - far), "1970-01-01T00:00:00.000Z");
        assert_eq!(time(epoch + far), "9999-12-31T23:59:59.000Z");
    }
}
