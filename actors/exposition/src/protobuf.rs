//! Steps through delimited protobuf: whole messages of `io.prometheus.client.MetricFamily`.
//!
//! Promises that every length fits the body, that each message is a family with a name and a type, and that its names,
//! labels and help are UTF-8. It does not check_as buckets or native histograms. Source: `metrics.proto` of
//! `prometheus/client_model`, `model/textparse/protobufparse.go`.

use super::Summary;
use super::fault::{Fault, FaultKind};

/// A field of a message.
struct Field<'a> {
    number: u64,
    data: Data<'a>,
}

enum Data<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes.
    Fixed,
}

/// What is wrong, without its place.
type Message = &'static str;

/// Reads every message of `body` into `summary`; `deep` looks into them, otherwise they are only counted out.
pub(super) fn read(body: &[u8], deep: bool, summary: &mut Summary) -> Result<(), Fault> {
    let mut rest = body;
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let offset = body.len() - rest.len();
        let fault = |kind, message: Message| {
            let place = body.get(offset..).unwrap_or_default();
            let shown = place.get(..20).unwrap_or(place).escape_ascii().to_string();
            Fault {
                kind,
                line: number,
                column: offset + 1,
                message: message.to_owned(),
                excerpt: shown,
            }
        };
        let Some((length, after)) = varint(rest) else {
            let kind = if rest.len() < 10 {
                FaultKind::Truncated
            } else {
                FaultKind::Malformed
            };
            return Err(fault(kind, "the length of a message does not end"));
        };
        let split = usize::try_from(length)
            .ok()
            .and_then(|length| after.split_at_checked(length));
        let Some((family, after)) = split else {
            return Err(fault(
                FaultKind::Truncated,
                "the body ends within a message",
            ));
        };
        if deep {
            read_family(family, summary).map_err(|message| fault(FaultKind::Malformed, message))?;
        }
        summary.families += 1;
        rest = after;
    }
    Ok(())
}

/// Whether `body` starts as a delimited family does: a length, then a name that is not longer.
pub(super) fn is_plausible(body: &[u8]) -> bool {
    let Some((length, rest)) = varint(body) else {
        return false;
    };
    let Some((name, _)) = rest.strip_prefix(&[0x0a]).and_then(varint) else {
        return false;
    };
    name > 0 && name.saturating_add(2) <= length
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        if index == 9 && *byte > 1 {
            return None;
        }
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(index + 1..)?));
        }
    }
    None
}

/// Calls `each` with every field of `message`.
fn fields<'a>(
    message: &'a [u8],
    mut each: impl FnMut(Field<'a>) -> Result<(), Message>,
) -> Result<(), Message> {
    const CUT: Message = "a field ends outside its message";
    let mut rest = message;
    while !rest.is_empty() {
        let (tag, after) = varint(rest).ok_or(CUT)?;
        let (data, after) = match tag & 7 {
            0 => varint(after).map(|(number, after)| (Data::Varint(number), after)),
            1 => after.get(8..).map(|after| (Data::Fixed, after)),
            2 => varint(after).and_then(|(length, after)| {
                let (bytes, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
                Some((Data::Bytes(bytes), after))
            }),
            5 => after.get(4..).map(|after| (Data::Fixed, after)),
            _ => return Err("a field has a wire type that protobuf does not know"),
        }
        .ok_or(CUT)?;
        if tag >> 3 == 0 {
            return Err("a field has the number 0");
        }
        each(Field {
            number: tag >> 3,
            data,
        })?;
        rest = after;
    }
    Ok(())
}

fn read_family(message: &[u8], summary: &mut Summary) -> Result<(), Message> {
    let mut name: &[u8] = &[];
    fields(message, |field| {
        match (field.number, field.data) {
            (1, Data::Bytes(bytes)) => name = bytes,
            (2, Data::Bytes(bytes)) if std::str::from_utf8(bytes).is_err() => {
                return Err("a help text is not UTF-8");
            }
            (2, Data::Bytes(_)) => {}
            (3, Data::Varint(kind)) if kind > 5 => {
                return Err("a family has a type that Prometheus does not know");
            }
            (3, Data::Varint(_)) => {}
            (4, Data::Bytes(metric)) => read_metric(metric, summary)?,
            (1..=4, _) => return Err("a field of a family has the wrong wire type"),
            _ => {}
        }
        Ok(())
    })?;
    if name.is_empty() {
        return Err("a family has no name");
    }
    if std::str::from_utf8(name).is_err() {
        return Err("a family's name is not UTF-8");
    }
    summary.needs_utf8 |= !super::cursor::is_legacy_metric_name(name);
    Ok(())
}

fn read_metric(message: &[u8], summary: &mut Summary) -> Result<(), Message> {
    summary.samples += 1;
    fields(message, |field| {
        match (field.number, field.data) {
            (1, Data::Bytes(label)) => read_label(label, summary),
            (6, Data::Varint(stamp)) => {
                summary.newest_timestamp_ms =
                    summary.newest_timestamp_ms.max(Some(stamp.cast_signed()));
                Ok(())
            }
            // A counter's exemplar is its field 2; of a histogram, field 3 of its buckets and its own field 16.
            (3, Data::Bytes(counter)) => count_field(counter, 2, &mut summary.exemplars),
            (7, Data::Bytes(histogram)) => {
                fields(histogram, |field| match (field.number, field.data) {
                    (3, Data::Bytes(bucket)) => count_field(bucket, 3, &mut summary.exemplars),
                    (16, Data::Bytes(_)) => {
                        summary.exemplars += 1;
                        Ok(())
                    }
                    _ => Ok(()),
                })
            }
            (2 | 4 | 5, Data::Bytes(value)) => fields(value, |_| Ok(())),
            (1..=7, _) => Err("a field of a metric has the wrong wire type"),
            _ => Ok(()),
        }
    })
}

fn count_field(message: &[u8], number: u64, count: &mut usize) -> Result<(), Message> {
    fields(message, |field| {
        *count += usize::from(field.number == number);
        Ok(())
    })
}

fn read_label(message: &[u8], summary: &mut Summary) -> Result<(), Message> {
    let mut name: &[u8] = &[];
    let mut value: &[u8] = &[];
    fields(message, |field| {
        match (field.number, field.data) {
            (1, Data::Bytes(bytes)) => name = bytes,
            (2, Data::Bytes(bytes)) => value = bytes,
            (1 | 2, _) => return Err("a field of a label has the wrong wire type"),
            _ => {}
        }
        Ok(())
    })?;
    if std::str::from_utf8(name).is_err() || std::str::from_utf8(value).is_err() {
        return Err("a label is not UTF-8");
    }
    if name.is_empty() && !value.is_empty() {
        return Err("a label has no name");
    }
    summary.needs_utf8 |= !super::cursor::is_legacy_label_name(name);
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::{Check, FaultKind, FormatChoice, Rules, check};

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut field = vec![
            number << 3 | 2,
            u8::try_from(bytes.len()).unwrap_or(u8::MAX),
        ];
        field.extend_from_slice(bytes);
        field
    }

    /// A delimited family of one counter with one label, a timestamp and an exemplar.
    pub(in super::super) fn family(name: &[u8], label: &[u8]) -> Vec<u8> {
        let label = field(1, &[field(1, label), field(2, b"v")].concat());
        let counter = field(
            3,
            &[vec![9, 0, 0, 0, 0, 0, 0, 0, 0], field(2, &[])].concat(),
        );
        let metric = field(4, &[label, counter, vec![0x30, 0x88, 0x27]].concat());
        let family = [field(1, name), field(2, b"help"), vec![0x18, 0], metric].concat();
        let mut message = vec![u8::try_from(family.len()).unwrap_or(u8::MAX)];
        message.extend(family);
        message
    }

    #[test]
    fn whole_messages_pass_and_cut_ones_do_not() {
        let body = [family(b"up", b"l"), family(b"my.name", b"l")].concat();
        let rules = Rules::default();
        let summary = check(&body, &rules);
        let found = summary.map(|s| {
            (
                s.samples,
                s.families,
                s.exemplars,
                s.newest_timestamp_ms,
                s.needs_utf8,
            )
        });
        assert_eq!(found, Ok((2, 2, 2, Some(5000), true)));
        let one = family(b"up", b"l").len();
        for end in 1..body.len() {
            for check_level in [Check::Ingest, Check::Whole] {
                let rules = Rules {
                    format: FormatChoice::Protobuf,
                    check: check_level,
                    ..rules
                };
                let kind = check(&body[..end], &rules).map_err(|fault| fault.kind);
                assert_eq!(kind.is_ok(), end == one, "{end}");
                assert!(kind.is_ok() || kind == Err(FaultKind::Truncated));
            }
        }
    }

    #[test]
    fn broken_families_are_refused() {
        let rules = Rules {
            format: FormatChoice::Protobuf,
            ..Rules::default()
        };
        for body in [
            family(b"", b"l"),
            family(b"\xff", b"l"),
            family(b"a", b""),
            family(b"a", b"\xff"),
            vec![2, 0x0f, 0],
            vec![1, 0x0a],
            vec![0xff; 12],
        ] {
            let found = check(&body, &rules).map_err(|fault| fault.kind);
            assert_eq!(found, Err(FaultKind::Malformed), "{}", body.escape_ascii());
        }
    }
}
