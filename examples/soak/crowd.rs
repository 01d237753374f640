//! A directory with one valid file, beside which many large or strange ones appear.

use crate::bodies::{LONG_NAME, MAX_BYTES, USUAL};
use fastrand::Rng;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The valid file, and what the names of the others begin with: they are read after it.
const VALID: &str = "m.prom";
const OTHER: char = 'n';
/// The largest number of files that appear at once.
const MOST: usize = 40;

/// The directory.
pub(crate) struct Crowd(PathBuf);

impl Crowd {
    pub(crate) fn of(path: PathBuf) -> Self {
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes the valid file, and removes all others.
    pub(crate) fn heal(&self) -> io::Result<()> {
        fs::write(self.0.join(VALID), USUAL)?;
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            if entry.file_name() != VALID {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Sparse files, one file with a long name, or the end of both.
    pub(crate) fn disturb(&self, random: &mut Rng) -> io::Result<()> {
        match random.usize(..3) {
            0 => {
                for number in 0..random.usize(1..=MOST) {
                    let file = File::create(self.0.join(format!("{OTHER}{number}.prom")))?;
                    file.set_len(MAX_BYTES as u64)?;
                }
                Ok(())
            }
            1 => fs::write(self.0.join(format!("{OTHER}.prom")), &*LONG_NAME),
            _ => self.heal(),
        }
    }
}
