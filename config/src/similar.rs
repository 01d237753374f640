//! "Did you mean": the known name that a wrong one resembles.

/// The longest name that is compared, in bytes. The cost of a comparison grows with both lengths.
const LONGEST: usize = 64;
/// The least similarity, from 0 to 1, that clap requires for its suggestions too.
const LEAST: f64 = 0.7;

/// The most similar of the known names, if one is similar.
pub fn similar<'k>(wrong: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if wrong.len() > LONGEST {
        return None;
    }
    let known = known.into_iter().filter(|name| name.len() <= LONGEST);
    let rated = known.map(|name| (strsim::jaro(wrong, name), name));
    let best = rated.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(similarity, _)| *similarity > LEAST)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_similar_name_is_found_if_there_is_one() {
        let keys = ["timeout", "max_bytes", "max_age", "path"];
        let cases = [
            ("time_out", Some("timeout")),
            ("timout", Some("timeout")),
            ("maxbytes", Some("max_bytes")),
            ("colour", None),
            ("", None),
        ];
        for (wrong, expected) in cases {
            assert_eq!(similar(wrong, keys), expected, "{wrong}");
        }
        assert_eq!(similar(&"timeout".repeat(100), keys), None);
    }
}
