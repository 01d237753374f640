//! The user to authenticate as on a bus.
//!
//! EXTERNAL authentication compares the uid that a client sends with the one
//! that the kernel reports to the bus (D-Bus specification, "EXTERNAL"). In a
//! user namespace the two differ: the bus sees the uid outside of it, which
//! `/proc/self/uid_map` contains for one level of namespaces (`user_namespaces(7)`).

/// The own uid, as mapped to the outside.
pub(super) fn uid_of_host() -> u32 {
    let own = rustix::process::geteuid().as_raw();
    let map = std::fs::read_to_string("/proc/self/uid_map");
    map.ok().and_then(|map| outside(&map, own)).unwrap_or(own)
}

/// The uid outside of the namespace, according to a map with lines of "inside outside count".
fn outside(map: &str, uid: u32) -> Option<u32> {
    map.lines().find_map(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        let (inside, outside) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        let count = numbers.next()?.ok()?;
        let offset = uid.checked_sub(inside).filter(|offset| *offset < count)?;
        outside.checked_add(offset)
    })
}

#[cfg(test)]
mod tests {
    use super::outside;

    #[test]
    fn uids_are_mapped_as_by_the_kernel() {
        let host = "         0          0 4294967295\n";
        let rootless = "         0       1000          1\n         1     100000      65536\n";
        let cases = [
            (host, 0, Some(0)),
            (host, 1000, Some(1000)),
            (rootless, 0, Some(1000)),
            (rootless, 1, Some(100_000)),
            (rootless, 65_536, Some(165_535)),
            (rootless, 65_537, None),
            ("", 0, None),
            ("nonsense\n0 7 1\n", 0, Some(7)),
            ("0 4294967295 2\n", 1, None),
        ];
        for (map, uid, expected) in cases {
            assert_eq!(outside(map, uid), expected, "{uid} in {map:?}");
        }
    }
}
