//! `/debug/actors`: the state of every selector, as JSON.
//!
//! Sends no message to an actor, so it also shows an actor that is stuck. It shows no bytes of a
//! body. The values are destructured exhaustively: a new field does not compile until this page
//! shows it or leaves it out explicitly.

#[cfg(feature = "faults")]
pub(crate) mod faults;

use crate::exporter::Exporter;
use crate::http::reply;
use actix_web::{HttpRequest, HttpResponse, web};
use local_exporter_actors::SelectorHandle;
use local_exporter_actors::report::{
    self, CacheReport, CacheSnapshot, Failure, FileReport, Snapshot,
};
use local_exporter_config::shown;
use serde::Serialize;
use std::sync::Arc;
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
    duplicates: Vec<String>,
    conflicts: Vec<String>,
}

#[derive(Debug, Serialize)]
struct File {
    file: String,
    mtime: Option<String>,
    served: bool,
    error: Option<String>,
    never_closed: bool,
}

#[derive(Debug, Serialize)]
struct PassedOver {
    file: String,
    why: &'static str,
}

impl<'a> Actor<'a> {
    fn of(handle: &'a SelectorHandle) -> Self {
        let Snapshot {
            state,
            restarts,
            backoff_for,
            in_flight,
            oldest_in_flight,
            scrapes,
            failures,
            last_success,
            last_error,
            body_bytes,
            cache,
        } = handle.snapshot();
        let seconds = |duration: Duration| duration.as_secs_f64();
        Self {
            selector: &handle.spec().name,
            kind: handle.spec().source.kind(),
            source: handle.source(),
            state: state.as_str(),
            restarts,
            resting_for_seconds: backoff_for.map(seconds),
            in_flight,
            oldest_in_flight_seconds: oldest_in_flight.map(seconds),
            scrapes,
            failures,
            last_success: last_success.map(rfc3339),
            last_error: last_error.map(Error::from),
            body_bytes,
            cache: cache.map(Cache::from),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let Failure {
            reason,
            message,
            at,
        } = failure;
        Self {
            reason: reason.as_str(),
            message,
            at: rfc3339(at),
        }
    }
}

impl From<CacheSnapshot> for Cache {
    fn from(cache: CacheSnapshot) -> Self {
        let CacheSnapshot { age, report } = cache;
        let CacheReport {
            watching,
            oldest,
            files,
            passed_over,
            duplicate_series,
            duplicates,
            conflicts,
            // `check` reports these.
            missing_final_newlines: _,
            // The metrics themselves show it.
            file_metrics: _,
        } = Arc::unwrap_or_clone(report);
        Self {
            age_seconds: age.as_secs_f64(),
            mtime: oldest.map(rfc3339),
            watch: watching.as_str(),
            files: files.into_iter().map(File::from).collect(),
            passed_over: passed_over.into_iter().map(PassedOver::from).collect(),
            duplicate_series,
            duplicates,
            conflicts,
        }
    }
}

impl From<FileReport> for File {
    fn from(report: FileReport) -> Self {
        let FileReport {
            path,
            mtime,
            served,
            error,
            never_closed,
        } = report;
        Self {
            file: shown(&path).to_string(),
            mtime: mtime.map(rfc3339),
            served,
            error: error.map(|error| error.to_string()),
            never_closed,
        }
    }
}

impl From<report::PassedOver> for PassedOver {
    fn from(passed_over: report::PassedOver) -> Self {
        let report::PassedOver { path, why } = passed_over;
        Self {
            file: shown(&path).to_string(),
            why,
        }
    }
}

/// A time in RFC 3339. Times before 1970 or after 9999, which a file may have, become the nearest
/// time in between.
fn rfc3339(time: SystemTime) -> String {
    const YEAR_9999: Duration = Duration::from_secs(253_402_300_799);
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH);
    let within = since_epoch.unwrap_or_default().min(YEAR_9999);
    humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + within).to_string()
}

/// `GET /debug/actors`.
pub(crate) async fn actors(request: HttpRequest, exporter: web::Data<Exporter>) -> HttpResponse {
    let render = || {
        let registry = exporter.registry.load();
        let actors = registry.iter().map(|handle| Actor::of(handle)).collect();
        serde_json::to_string_pretty(&Page { actors }).map(|json| json + "\n")
    };
    match exporter.pages.actors.get(String::new(), render) {
        Ok(page) => {
            let mut response = HttpResponse::Ok();
            response.content_type("application/json");
            page.respond_compressed(&request, &exporter.compressors, response)
                .await
        }
        Err(error) => reply::internal(&format!("cannot encode the page: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_modification_time_can_be_shown() {
        let epoch = SystemTime::UNIX_EPOCH;
        let far = Duration::from_secs(1 << 40);
        assert_eq!(rfc3339(epoch), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(epoch - far), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(epoch + far), "9999-12-31T23:59:59.000Z");
    }
}
