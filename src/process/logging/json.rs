//! Log lines as JSON: one object a line, with names that stay.
//!
//! `timestamp` (RFC 3339, UTC), `level`, `message`, and then what belongs to the
//! event, all at the top: first that of the spans it is in, such as `selector`,
//! then its own. A name occurs once; the innermost wins.

use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;
use std::fmt;
use std::io::Write;
use std::time::SystemTime;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

/// Writes every event to one of the writer's kind.
#[derive(Debug)]
pub(super) struct Json<W>(pub(super) W);

impl<S, W> Layer<S> for Json<W>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + 'static,
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
                outer
                    .0
                    .iter()
                    .for_each(|(name, value)| fields.set(name, value.clone()));
            }
        }
        event.record(&mut fields);
        let level = event.metadata().level().as_str();
        if let Ok(mut line) = line(SystemTime::now(), level, &fields) {
            line.push(b'\n');
            // Where a log cannot be written to, there is nowhere to say so.
            let _ = self.0.make_writer().write_all(&line);
        }
    }
}

fn line(now: SystemTime, level: &str, fields: &Fields) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::new(&mut bytes);
    let mut map = serializer.serialize_map(None)?;
    let now = humantime::format_rfc3339_micros(now);
    map.serialize_entry("timestamp", &format_args!("{now}"))?;
    map.serialize_entry("level", level)?;
    if let Some(message) = fields.get("message") {
        map.serialize_entry("message", message)?;
    }
    for (name, value) in &fields.0 {
        let taken = ["timestamp", "level", "message"].contains(name);
        // Of those who log by other means, only what they say matters.
        if !taken && !name.starts_with("log.") {
            map.serialize_entry(name, value)?;
        }
    }
    map.end()?;
    Ok(bytes)
}

/// What was recorded, in its order.
#[derive(Debug, Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn get(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().find(|(found, _)| *found == name);
        found.map(|(_, value)| value)
    }

    fn set(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|(found, _)| *found == name) {
            Some((_, before)) => *before = value,
            None => self.0.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field.name(), format!("{value:?}").into());
    }
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
        let subscriber =
            tracing_subscriber::registry().with(Json(move || -> Lines { writer.clone() }));
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn an_event_is_one_flat_object_with_what_its_spans_say() {
        let text = logged(|| {
            let span = tracing::error_span!("actor", selector = "a\"b", depth = 1_u64);
            let _entered = span.enter();
            let error = std::io::Error::other("no");
            tracing::warn!(%error, depth = 2_u64, ratio = 0.5, good = false, "said\nso");
        });
        assert_eq!(text.lines().count(), 1);
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["message"], "said\nso");
        assert_eq!(line["selector"], "a\"b");
        assert_eq!(line["depth"], 2);
        assert_eq!(line["ratio"], 0.5);
        assert_eq!(line["good"], false);
        assert_eq!(line["error"], "no");
        assert_eq!(line.as_object().unwrap().len(), 8);
        humantime::parse_rfc3339(line["timestamp"].as_str().unwrap()).unwrap();
    }

    #[test]
    fn names_that_stay_cannot_be_taken() {
        let text = logged(|| tracing::info!(level = "mine", timestamp = 1, "it"));
        assert_eq!(text.matches("\"level\"").count(), 1, "{text}");
        assert_eq!(text.matches("\"timestamp\"").count(), 1, "{text}");
        assert!(text.starts_with("{\"timestamp\":\""), "{text}");
    }
}
