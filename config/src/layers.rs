//! Where a configuration comes from, so that it can be loaded again in the same way.
//!
//! Reads files and directories, and nothing else of the host: the environment
//! and the flags are those of the start, as they are for every process.

use crate::error::{ConfigError, ConfigErrors};
use crate::flags::Flags;
use crate::merge::{Input, Inputs, whole_file};
use crate::settings::{ExternalCheck, Settings};
use crate::variables::Environment;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// Everything a configuration is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layers {
    /// The main file.
    pub file: PathBuf,
    /// Whether that file must be there.
    pub presence: Presence,
    /// The directories of drop-ins. Of files with the same name the one in the last
    /// directory counts.
    pub drop_ins: Vec<PathBuf>,
    /// Whether each of these must be there; where it need not, one that is not holds nothing.
    pub drop_ins_presence: Presence,
    /// The variables of the process.
    pub environment: Environment,
    /// What the command line sets.
    pub flags: Flags,
}

/// Whether a file or a directory must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It was asked for by name.
    Required,
    /// It is looked for where it usually is.
    Optional,
}

/// A configuration that is right, as far as it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// What it says.
    pub settings: Settings,
    /// What is wrong in drop-ins, which were therefore left out, and the variables that were
    /// left out with them: for the log.
    pub warnings: Vec<ConfigError>,
    /// All of it as one TOML text, defaults included. It may be shown: there is no secret in
    /// it. Selectors of one line come first, as TOML wants it.
    pub text: String,
    /// The SHA-256 of that text in hexadecimal digits: the same for the same values,
    /// whatever files and comments they stood in.
    pub hash: String,
    /// The files that were read, those of drop-ins that were left out too.
    pub files: Vec<PathBuf>,
}

impl Loaded {
    /// How many drop-ins were left out.
    #[must_use]
    pub fn drop_ins_left_out(&self) -> usize {
        let files = self
            .warnings
            .iter()
            .filter_map(|wrong| wrong.location.file());
        files.collect::<BTreeSet<_>>().len()
    }
}

impl Layers {
    /// Reads and judges everything, as if for the first time.
    ///
    /// # Errors
    /// Every error, those of drop-ins too where they are strict.
    pub fn load(&self) -> Result<Loaded, ConfigErrors> {
        self.load_with(&|_| Vec::new())
    }

    /// [`Layers::load`], with somebody who looks into the files that the settings name. What
    /// is found there is an error where the file is named, so it leaves out a drop-in as well.
    ///
    /// # Errors
    /// Those of [`Layers::load`], and the errors that `check` returns.
    pub fn load_with(&self, check: ExternalCheck<'_>) -> Result<Loaded, ConfigErrors> {
        let mut files = Vec::new();
        let mut unreadable = Vec::new();
        let mut drop_ins = Vec::new();
        let mut masked = 0;
        for path in self.drop_in_files()? {
            if is_masked(&path) {
                masked += 1;
                continue;
            }
            match Input::read(&path) {
                Ok(input) => drop_ins.push(input),
                Err((_, errors)) => unreadable.extend(errors.0),
            }
            files.push(path);
        }
        let file = match Input::read(&self.file) {
            Ok(input) => Some(input),
            Err((io::ErrorKind::NotFound, _)) if self.presence == Presence::Optional => None,
            Err((_, errors)) => {
                unreadable.extend(errors.0);
                return Err(ConfigErrors(unreadable));
            }
        };
        files.extend(file.is_some().then(|| self.file.clone()));
        let inputs = Inputs {
            drop_ins,
            unreadable,
            masked,
            file,
            environment: self.environment.clone(),
            flags: self.flags.clone(),
        };
        let merged = inputs.read(check)?;
        let digest = Sha256::digest(merged.text.as_bytes());
        Ok(Loaded {
            settings: merged.settings,
            warnings: merged.warnings,
            hash: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            text: merged.text,
            files,
        })
    }

    /// Where the configuration may change, whether there is anything now or not:
    /// the main file, then the directories of drop-ins.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let drop_ins = self.drop_ins.iter().map(PathBuf::as_path);
        std::iter::once(self.file.as_path()).chain(drop_ins)
    }

    /// The drop-ins that count, by name, and whatever masks some. A directory that cannot be
    /// listed is nobody's single error: without it selectors of many would vanish.
    fn drop_in_files(&self) -> Result<Vec<PathBuf>, ConfigErrors> {
        let mut paths = Vec::new();
        let mut by_name = BTreeMap::<OsString, PathBuf>::new();
        for directory in &self.drop_ins {
            if is_masked(directory) {
                paths.push(directory.clone());
                continue;
            }
            match (names(directory), self.drop_ins_presence) {
                (Ok(names), _) => by_name.extend(names),
                (Err(error), Presence::Optional) if error.kind() == io::ErrorKind::NotFound => {}
                (Err(error), _) => {
                    let found = format!("cannot be listed: {error}");
                    return Err(whole_file(&directory.display().to_string(), &found));
                }
            }
        }
        paths.extend(by_name.into_values());
        Ok(paths)
    }
}

/// The drop-ins of a directory, by name. Names with a dot before them are editors' own.
fn names(directory: &Path) -> io::Result<Vec<(OsString, PathBuf)>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let bytes = name.as_encoded_bytes();
        if bytes.ends_with(b".toml") && !bytes.starts_with(b".") {
            names.push((name, entry.path()));
        }
    }
    Ok(names)
}

/// Whether a path leads to `/dev/null`, by which people say that nothing shall be there.
fn is_masked(path: &Path) -> bool {
    let device = fs::metadata(path).is_ok_and(|about| about.file_type().is_char_device());
    device && fs::canonicalize(path).is_ok_and(|path| path == Path::new("/dev/null"))
}

#[cfg(test)]
mod tests;
