//! The program as a single file: all other goals are measured with a copy that is alone in its
//! folder.

use super::{Line, Verdict};
use crate::Outcome;
use crate::scene::Scene;

/// The type of a section with symbols, elf(5).
const SHT_SYMTAB: u32 = 2;

pub(super) fn measure(scene: &Scene) -> Outcome<Vec<Line>> {
    let bytes = std::fs::read(&scene.exporter)?;
    let mebibytes = bytes.len() as f64 / 1024.0 / 1024.0;
    let stripped = !sections(&bytes)
        .ok_or("the exporter is no 64-bit program of this machine's byte order")?
        .contains(&SHT_SYMTAB);
    let symbols = if stripped { "stripped" } else { "with symbols" };
    Ok(vec![Line {
        what: "`dist` binary".to_owned(),
        limit: "stripped, < 12 MiB, one file",
        reached: format!("{symbols}, {mebibytes:.1} MiB, ran alone in a folder"),
        verdict: Verdict::of(stripped && mebibytes < 12.0),
    }])
}

/// The types of the sections of a 64-bit ELF file; elf(5) defines the offsets.
fn sections(bytes: &[u8]) -> Option<Vec<u32>> {
    bytes.starts_with(b"\x7fELF\x02").then_some(())?;
    let long = |at: usize| Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let word = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let short = |at: usize| Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let table = usize::try_from(long(0x28)?).ok()?;
    let (size, count) = (usize::from(short(0x3a)?), usize::from(short(0x3c)?));
    (0..count)
        .map(|number| word(table + number * size + 4))
        .collect()
}
