//! Text and `OpenMetrics` of any size that consist of much of one thing.

use super::parts::{Shape, around, ended, large, lines, name, shape};

pub(super) const TEXT: &[Shape] = &[
    shape("short names", |size| {
        lines(size, |n| format!("{} 1\n", name(n)))
    }),
    shape("types", |size| {
        lines(size, |n| format!("# TYPE {} histogram\n", name(n)))
    }),
    shape("types and samples", |size| {
        lines(size, |n| format!("# TYPE a{n} gauge\na{n} 1\n"))
    }),
    shape("samples before types", |size| {
        let samples = lines(size / 2, |n| format!("a{n}_count 1\n"));
        [
            samples,
            lines(size / 2, |n| format!("# TYPE a{n} summary\n")),
        ]
        .concat()
    }),
    shape("help", |size| {
        lines(size, |n| format!("# HELP {} x\n", name(n)))
    }),
    shape("one long name", |size| around("a", "_", " 1\n", size)),
    shape("long names", |size| {
        let names = lines(size / 256, |n| format!("{n}\n"));
        let long = "_b".repeat(120);
        names
            .split(|byte| *byte == b'\n')
            .flat_map(|n| [b"a", n, long.as_bytes(), b" 1\n"].concat())
            .collect()
    }),
    shape("one long label value", |size| {
        around("a{b=\"", "x", "\"} 1\n", size)
    }),
    shape("escapes in a value", |size| {
        around("a{b=\"", "\\\\", "\"} 1\n", size)
    }),
    shape("line feeds in a value", |size| {
        around("a{b=\"", "\n", "\"} 1\n", size)
    }),
    shape("NUL bytes in a value", |size| {
        around("a{b=\"", "\0", "\"} 1\n", size)
    }),
    shape("labels of one sample", |size| {
        [
            b"a{".to_vec(),
            lines(size, |n| format!("b{n}=\"c\",")),
            b"} 1\n".to_vec(),
        ]
        .concat()
    }),
    shape("quoted names", |size| {
        lines(size, |n| format!("{{\"a.{n}\",\"b.{n}\"=\"c\"}} 1\n"))
    }),
    shape("series with a quoted name and label", |size| {
        lines(size, |n| format!("{{\"a.b\",\"c.d\"=\"{n}\",e=\"\"}} 1\n"))
    }),
    shape("quoted label names of one sample", |size| {
        [
            b"a{".to_vec(),
            lines(size, |n| format!("\"b.{n}\"=\"c\",d{n}=\"\",")),
            b"} 1\n".to_vec(),
        ]
        .concat()
    }),
    shape("escaped label names of one sample", |size| {
        [
            b"a{".to_vec(),
            lines(size, |n| format!("\"b\\\\{n}\"=\"c\",")),
            b"} 1\n".to_vec(),
        ]
        .concat()
    }),
    shape("empty labels of one sample", |size| {
        around("a{", "b=\"\",", "} 1\n", size)
    }),
    shape("samples with many labels", |size| {
        let labels: String = (0..30).map(|n| format!("l{n}=\"v\",")).collect();
        lines(size, |n| format!("a{{{labels}b=\"{n}\"}} 1\n"))
    }),
    shape("the same sample", |size| around("", "a 1\n", "", size)),
    shape("timestamps of one series", |size| {
        lines(size, |n| format!("a 1 {n}\n"))
    }),
    shape("buckets of one histogram", |size| {
        let head = b"# TYPE a histogram\n".to_vec();
        [
            head,
            lines(size, |n| format!("a_bucket{{le=\"{n}\"}} {n}\n")),
        ]
        .concat()
    }),
    shape("comments", |size| around("", "# x\n", "", size)),
    shape("one long comment", |size| around("# ", "x", "\n", size)),
    shape("blank lines", |size| around("", "\n", "", size)),
    shape("blanks", |size| around("a ", " ", "1\n", size)),
    shape("faults", |size| around("", "!\n", "", size)),
    shape("faults after long lines", |size| {
        let long = "x".repeat(200);
        lines(size, |_| format!("a{{b=\"{long}\"}} !\n"))
    }),
    shape("a fault at the end", |size| {
        around("", "a 1\n", "!\n", size)
    }),
    shape("open quotes", |size| around("", "a{b=\"\n", "", size)),
    shape("backslashes after an open quote", |size| {
        around("a{b=\"", "\\\"", "\n", size)
    }),
    shape("digits", |size| around("a ", "1", "\n", size)),
    shape("digits of a timestamp", |size| {
        around("a 1 ", "1", "\n", size)
    }),
    shape("duplicate types", |size| {
        around("", "# TYPE a gauge\n", "", size)
    }),
];

pub(super) const MANY_FAMILIES_TEXT: &[Shape] = &[
    large("many series, then many families", |size| {
        let series = lines(size / 2, |n| format!("a{{b=\"{n}\"}} 1\n"));
        [series, lines(size / 2, |n| format!("{} 1\n", name(n)))].concat()
    }),
    large("many histograms, then many families", |size| {
        let head = b"# TYPE a histogram\n".to_vec();
        let series = lines(size / 2, |n| format!("a_bucket{{b=\"{n}\"}} 1\n"));
        let families = lines(size / 2, |n| format!("{} 1\n", name(n)));
        [head, series, families].concat()
    }),
];

pub(super) const MANY_FAMILIES_OPENMETRICS: &[Shape] =
    &[large("many series, then many families", |size| {
        let head = b"# TYPE a gauge\n".to_vec();
        let series = lines(size / 2, |n| format!("a{{b=\"{n}\"}} 1\n"));
        let families = lines(size / 2, |n| format!("{} 1\n", name(n)));
        ended(&[head, series, families].concat())
    })];

pub(super) const OPENMETRICS: &[Shape] = &[
    shape("short names", |size| {
        ended(&lines(size, |n| format!("{} 1\n", name(n))))
    }),
    shape("types", |size| {
        ended(&lines(size, |n| format!("# TYPE {} summary\n", name(n))))
    }),
    shape("units", |size| {
        ended(&lines(size, |n| format!("# UNIT {}_b b\n", name(n))))
    }),
    shape("one long unit", |size| {
        let unit = "x".repeat(size / 2);
        format!("# UNIT a_{unit} {unit}\n# EOF\n").into_bytes()
    }),
    shape("one long name", |size| {
        around("a", "_", " 1\n# EOF\n", size)
    }),
    shape("labels of an exemplar", |size| {
        let labels = lines(size, |n| format!("b{n}=\"c\","));
        [b"a 1 # {".to_vec(), labels, b"} 1\n# EOF\n".to_vec()].concat()
    }),
    shape("exemplars", |size| {
        let line = |n| format!("a_total{{b=\"{n}\"}} 1 # {{c=\"d\"}} 1\n");
        ended(&[b"# TYPE a counter\n".to_vec(), lines(size, line)].concat())
    }),
    shape("timestamps of one series", |size| {
        ended(&lines(size, |n| format!("a 1 {n}\n")))
    }),
    shape("interrupted metrics", |size| {
        ended(&lines(size, |n| format!("a{{b=\"{}\"}} 1 {n}\n", n % 2)))
    }),
    shape("states", |size| {
        let head = b"# TYPE a stateset\n".to_vec();
        ended(&[head, lines(size, |n| format!("a{{a=\"{n}\"}} 1\n"))].concat())
    }),
    shape("text with its last line", |size| {
        around("", "\na 1\n# x\n", "# EOF\n", size)
    }),
    shape("no end", |size| around("", "a 1\n", "", size)),
];
