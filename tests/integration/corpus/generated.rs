//! Generated protobuf bodies: families of every type with much that is unusual, and some errors.
//!
//! The generator writes what the schema of Prometheus 2.42 knows. It leaves out native histograms, which that version refuses
//! without a flag, and `created_timestamp`, which it does not decode.

use fastrand::Rng;

/// Some messages, each preceded by its length.
pub(super) fn body(random: &mut Rng) -> Vec<u8> {
    let mut body = Vec::new();
    for number in 0..random.usize(1..3) {
        let family = family(random, number);
        body.extend(varint(family.len() as u64, 0));
        body.extend(family);
    }
    match random.u32(0..40) {
        0 => drop(body.pop()),
        1 => {
            let at = random.usize(0..body.len());
            if let Some(byte) = body.get_mut(at) {
                *byte ^= 1 << random.u32(0..8);
            }
        }
        _ => {}
    }
    body
}

fn family(random: &mut Rng, number: usize) -> Vec<u8> {
    let metric_type = random.u64(0..6);
    let written = rarely(random, 30, &[6, 77, u64::MAX, 1 << 32]).unwrap_or(metric_type);
    let name = format!("m{number}");
    let name = rarely(random, 40, &[&b""[..], b"x\xff"]).unwrap_or(name.as_bytes());
    let mut parts = vec![
        bytes(random, 1, name),
        [varint(3 << 3, 0), varint(written, 0)].concat(),
    ];
    if random.bool() {
        let help = rarely(random, 20, &[&b"\xff"[..]]).unwrap_or("h\u{e9}lp".as_bytes());
        parts.push(bytes(random, 2, help));
    }
    for _ in 0..random.usize(0..4) {
        let metric = metric(random, metric_type);
        parts.push(bytes(random, 4, &metric));
    }
    message(random, parts)
}

fn metric(random: &mut Rng, metric_type: u64) -> Vec<u8> {
    let mut parts = Vec::new();
    for _ in 0..random.usize(0..4) {
        let label = label(random);
        parts.push(bytes(random, 1, &label));
    }
    let (field, value) = match rarely(random, 15, &[0, 1, 2, 3, 4]).unwrap_or(metric_type) {
        0 => (3, with_exemplar(random, vec![1], 2)),
        1 => (2, with_exemplar(random, vec![1], 0)),
        2 => (4, summary(random)),
        3 => (5, with_exemplar(random, vec![1], 0)),
        _ => (7, histogram(random)),
    };
    if random.u32(0..30) > 0 {
        parts.push(bytes(random, field, &value));
    }
    if random.u32(0..5) == 0 {
        parts.push([varint(6 << 3, 0), varint(random.u64(..), 0)].concat());
    }
    message(random, parts)
}

fn label(random: &mut Rng) -> Vec<u8> {
    let names: [&[u8]; 6] = [b"a", b"b", b"c", b"d", b"le", b"quantile"];
    let name = rarely(random, 30, &[&b"__name__"[..], b"", b"g\xff"]);
    let name = name.unwrap_or_else(|| random.choice(names).unwrap_or(b"a"));
    let values: [&[u8]; 4] = [b"x", b"y", b"", "\u{e9}".as_bytes()];
    let value = rarely(random, 60, &[&b"\xff"[..]]);
    let value = value.unwrap_or_else(|| random.choice(values).unwrap_or(b"x"));
    let parts = vec![bytes(random, 1, name), bytes(random, 2, value)];
    message(random, parts)
}

fn summary(random: &mut Rng) -> Vec<u8> {
    let mut parts = vec![number(random, 1), double(random, 2)];
    for _ in 0..random.usize(0..3) {
        let quantile = [double(random, 1), double(random, 2)].concat();
        parts.push(bytes(random, 3, &quantile));
    }
    message(random, parts)
}

fn histogram(random: &mut Rng) -> Vec<u8> {
    let mut parts = vec![number(random, 1), double(random, 2)];
    for _ in 0..random.usize(0..4) {
        let mut bucket = number(random, 1);
        bucket.extend(with_exemplar(random, vec![2], 3));
        parts.push(bytes(random, 3, &bucket));
    }
    message(random, parts)
}

/// A message with floating-point fields, and perhaps an exemplar in `exemplar_field`.
fn with_exemplar(random: &mut Rng, doubles: Vec<u64>, exemplar_field: u64) -> Vec<u8> {
    let mut parts: Vec<Vec<u8>> = doubles
        .into_iter()
        .map(|field| double(random, field))
        .collect();
    if exemplar_field > 0 && random.bool() {
        let label = label(random);
        let timestamp = [number(random, 1), number(random, 2)].concat();
        let exemplar = [
            bytes(random, 1, &label),
            double(random, 2),
            bytes(random, 3, &timestamp),
        ];
        let exemplar = message(random, exemplar.into());
        parts.push(bytes(random, exemplar_field, &exemplar));
    }
    message(random, parts)
}

/// Joins fields, in any order, with unknown, repeated, missing or broken ones now and then.
fn message(random: &mut Rng, mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    if random.u32(0..12) == 0 {
        parts.push(unusual(random));
    }
    if random.u32(0..20) == 0
        && let Some(part) = random.choice(&parts).cloned()
    {
        parts.push(part);
    }
    if random.u32(0..5) == 0 {
        random.shuffle(&mut parts);
    }
    let mut message = parts.concat();
    if random.u32(0..80) == 0 {
        message.pop();
    }
    message
}

fn unusual(random: &mut Rng) -> Vec<u8> {
    match random.u32(0..9) {
        0 => [varint(100 << 3, 0), varint(5, 0)].concat(),
        1 => bytes(random, 20, b"xyz"),
        2 => [
            varint(20 << 3 | 3, 0),
            varint(8, 0),
            varint(1, 0),
            varint(20 << 3 | 4, 0),
        ]
        .concat(),
        3 => [varint(20 << 3 | 5, 0), b"abcd".to_vec()].concat(),
        4 => [varint(20 << 3 | 1, 0), b"12345678".to_vec()].concat(),
        5 => vec![random.u8(0..7) << 3 | random.u8(0..8), random.u8(0..4)],
        6 => vec![random.u8(..)],
        7 => [vec![0x80; random.usize(1..11)], vec![1]].concat(),
        _ => Vec::new(),
    }
}

/// One of `values` in one of `odds` cases.
fn rarely<T: Copy>(random: &mut Rng, odds: u32, values: &[T]) -> Option<T> {
    let chosen = random.u32(0..odds) == 0;
    chosen.then(|| random.choice(values).copied()).flatten()
}

fn bytes(random: &mut Rng, field: u64, content: &[u8]) -> Vec<u8> {
    let padding = if random.u32(0..30) == 0 {
        random.usize(1..3)
    } else {
        0
    };
    let length = varint(content.len() as u64, padding);
    [varint(field << 3 | 2, padding), length, content.to_vec()].concat()
}

fn number(random: &mut Rng, field: u64) -> Vec<u8> {
    let number = random.choice([0, 1, 300, 1 << 31, 1 << 32, 1 << 63, u64::MAX]);
    [varint(field << 3, 0), varint(number.unwrap_or(0), 0)].concat()
}

fn double(random: &mut Rng, field: u64) -> Vec<u8> {
    let number = random.choice([
        0.0,
        1.0,
        -1.0,
        2.5,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ]);
    let number = number.unwrap_or(0.0).to_le_bytes().to_vec();
    [varint(field << 3 | 1, 0), number].concat()
}

/// `number`, with bytes that do not change it.
fn varint(mut number: u64, padding: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or(0);
        number >>= 7;
        if number == 0 {
            break bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
    for _ in 0..padding.min(9 - bytes.len().min(9)) {
        if let Some(last) = bytes.last_mut() {
            *last |= 0x80;
        }
        bytes.push(0);
    }
    bytes
}
