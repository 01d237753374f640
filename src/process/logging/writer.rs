//! Writes each log event as one line, with the fields of the spans it is in, such as `selector`,
//! before its own.

use super::fields::Fields;
use super::journal;
use super::line::{Color, Line};
use serde_json::Value;
use std::io::Write;
use std::time::SystemTime;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

/// The format of a line.
#[derive(Clone, Copy, Debug)]
pub(super) enum LineFormat {
    Human(Color),
    Logfmt,
    Json,
    /// An entry of the journal.
    Journal,
}

/// Writes lines of one format. `open` returns the output, once for each line.
#[derive(Debug)]
pub(super) struct LineWriter<F> {
    pub(super) format: LineFormat,
    pub(super) open: F,
}

impl<S, F, W> Layer<S> for LineWriter<F>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    F: Fn() -> W + 'static,
    W: Write,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        let spans = context.event_scope(event).into_iter();
        for span in spans.flat_map(Scope::from_root) {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.extend(outer);
            }
        }
        event.record(&mut fields);
        fields.remove_log_metadata();
        let msg = match fields.remove("message") {
            Some(Value::String(msg)) => msg,
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let line = Line {
            time: SystemTime::now(),
            level: *event.metadata().level(),
            msg: &msg,
            fields: &fields,
        };
        if let Some(bytes) = self.format.bytes(&line, Some(event.metadata())) {
            // An error of the log cannot be logged.
            let _ = (self.open)().write_all(&bytes);
        }
    }
}

impl LineFormat {
    fn bytes(self, line: &Line<'_>, origin: Option<&Metadata<'_>>) -> Option<Vec<u8>> {
        match self {
            Self::Human(color) => Some(line.human(color).into_bytes()),
            Self::Logfmt => Some(line.logfmt().into_bytes()),
            Self::Json => line.json().ok().map(String::into_bytes),
            Self::Journal => Some(journal::entry(line, origin)),
        }
    }
}

/// The line about dropped lines.
pub(super) fn lost_lines(format: LineFormat, count: u64) -> Option<Vec<u8>> {
    let mut fields = Fields::default();
    fields.set("lines", count);
    let line = Line {
        time: SystemTime::now(),
        level: Level::WARN,
        msg: "log lines were dropped, because the reader of the log did not keep up",
        fields: &fields,
    };
    format.bytes(&line, None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::layer::SubscriberExt;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::registry().with(LineWriter {
            format: LineFormat::Json,
            open: move || writer.clone(),
        });
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn an_event_is_one_flat_object_with_the_fields_of_its_spans() {
        let text = logged(|| {
            let span = tracing::error_span!("actor", selector = "a\"b", depth = 1_u64);
            let _entered = span.enter();
            let error = std::io::Error::other("no");
            tracing::warn!(%error, depth = 2_u64, ratio = 0.5, good = false, "said\nso");
        });
        assert_eq!(text.lines().count(), 1);
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["level"], "warn");
        assert_eq!(line["msg"], "said\nso");
        assert_eq!(line["selector"], "a\"b");
        assert_eq!(line["depth"], 2);
        assert_eq!(line["ratio"], 0.5);
        assert_eq!(line["good"], false);
        assert_eq!(line["error"], "no");
        assert_eq!(line.as_object().unwrap().len(), 8);
        humantime::parse_rfc3339(line["time"].as_str().unwrap()).unwrap();
    }

    #[test]
    fn a_field_cannot_take_a_reserved_key() {
        let text = logged(|| tracing::info!(level = "mine", time = 1, "it"));
        assert_eq!(text.matches("\"level\"").count(), 1, "{text}");
        assert_eq!(text.matches("\"time\"").count(), 1, "{text}");
        assert!(text.starts_with("{\"time\":\""), "{text}");
    }
}
