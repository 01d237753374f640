//! Protobuf of any size that consists of much of one thing.

use super::parts::{Shape, name, repeat, shape};

pub(super) const PROTOBUF: &[Shape] = &[
    shape("families", |size| {
        messages(size, |n| field(1, name(n).as_bytes()))
    }),
    shape("one long name", |size| {
        delimited(&field(1, &vec![b'a'; size]))
    }),
    shape("metrics", |size| {
        let metric = |n: usize| field(4, &[label(&n.to_string(), "v"), vec![0x12, 0]].concat());
        let metrics: Vec<u8> = repeat(size, metric);
        delimited(&[field(1, b"a"), vec![0x18, 1], metrics].concat())
    }),
    shape("labels of one metric", |size| {
        let labels: Vec<u8> = repeat(size, |n| label(&format!("l{n}"), "v"));
        let metric = field(4, &[labels, vec![0x12, 0]].concat());
        delimited(&[field(1, b"a"), vec![0x18, 1], metric].concat())
    }),
    shape("buckets of one histogram", |size| {
        let bucket = |n: usize| {
            let bound = [vec![0x11], (n as f64).to_le_bytes().to_vec()].concat();
            field(3, &bound)
        };
        let buckets: Vec<u8> = repeat(size, bucket);
        let metric = field(4, &field(7, &buckets));
        delimited(&[field(1, b"a"), vec![0x18, 4], metric].concat())
    }),
    shape("unknown fields", |size| {
        let unknown: Vec<u8> = repeat(size, |_| field(15, b""));
        delimited(&[field(1, b"a"), unknown].concat())
    }),
    shape("repeated names", |size| {
        let names: Vec<u8> = repeat(size, |_| field(1, b"a"));
        delimited(&names)
    }),
    shape("nested groups", |size| {
        delimited(&[field(1, b"a"), vec![0x7b; size / 2], vec![0x7c; size / 2]].concat())
    }),
    shape("cut off", |size| {
        let mut body = messages(size, |n| field(1, name(n).as_bytes()));
        body.pop();
        body
    }),
];

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn field(number: usize, bytes: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(bytes.len()), bytes.to_vec()].concat()
}

fn label(name: &str, value: &str) -> Vec<u8> {
    field(
        1,
        &[field(1, name.as_bytes()), field(2, value.as_bytes())].concat(),
    )
}

fn delimited(message: &[u8]) -> Vec<u8> {
    [varint(message.len()), message.to_vec()].concat()
}

fn messages(size: usize, message: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    repeat(size, |n| delimited(&message(n)))
}
