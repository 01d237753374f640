//! Messages made by hand, complete, cut off and broken.

use crate::{Check, FaultKind, FormatChoice, Rules, check};

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![
        number << 3 | 2,
        u8::try_from(bytes.len()).unwrap_or(u8::MAX),
    ];
    field.extend_from_slice(bytes);
    field
}

/// A delimited family of one counter with one label, a timestamp and an exemplar.
pub(crate) fn family(name: &[u8], label: &[u8]) -> Vec<u8> {
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
fn complete_messages_pass_and_truncated_ones_do_not() {
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
