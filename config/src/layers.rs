//! Where the layers of a configuration are read from, so that a reload can read them again.
//!
//! Reads files and directories, and nothing else of the host: the environment and the flags
//! are those of the start of the process.

use crate::drop_ins::{DropInState, LastValid};
use crate::error::{ConfigError, ConfigErrors};
use crate::flags::Flags;
use crate::input::{Input, whole_file};
use crate::merge::Inputs;
use crate::path_access::PathAccess;
use crate::settings::{ExternalCheck, Settings};
use crate::shown::shown;
use crate::variables::Environment;
use crate::writers::{Writable, find_writable};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// The origins of the layers of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layers {
    /// The main file.
    pub file: PathBuf,
    /// The presence of the main file.
    pub presence: Presence,
    /// The directories of drop-ins. A file takes precedence over files with the same name in
    /// the directories before.
    pub drop_ins: Vec<PathBuf>,
    /// The presence of each of these directories.
    pub drop_ins_presence: Presence,
    /// The environment variables of the process.
    pub environment: Environment,
    /// The keys that the command line sets.
    pub flags: Flags,
}

/// The requirement that a file or a directory exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It must: the user named it.
    Required,
    /// It need not: it is at its default path. A missing one is like an empty one.
    Optional,
}

/// A valid configuration, perhaps without some drop-ins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The errors of drop-ins, and the variables that were left out with them: for the log.
    pub warnings: Vec<ConfigError>,
    /// The drop-ins with errors, and the texts of the others for the next load.
    pub drop_ins: DropInState,
    /// The whole configuration as one TOML text, with defaults. It has no secrets and may be
    /// displayed. Bare directories come before other selectors, as TOML requires.
    pub text: String,
    /// The SHA-256 of that text in hexadecimal digits. It depends on the values only, not on
    /// files and comments.
    pub hash: String,
    /// The drop-ins that other users than root and that of this process can change.
    pub writable: Vec<Writable>,
    /// The files that were read, including drop-ins that were left out.
    pub files: Vec<PathBuf>,
}

impl Layers {
    /// Reads and checks all layers.
    ///
    /// # Errors
    /// Every error; those of drop-ins only if these are strict.
    pub fn load(&self) -> Result<Loaded, ConfigErrors> {
        self.load_with(&PathAccess::default(), &LastValid::default(), &|_| {
            Vec::new()
        })
    }

    /// [`Layers::load`], with a check of the files that the settings name. Its errors are located
    /// at the keys that name the files, so one in a drop-in leaves out that drop-in. A drop-in with an
    /// error keeps the selectors of its text in `last_valid`, if there is one.
    ///
    /// # Errors
    /// Those of [`Layers::load`], and the errors that `check` returns.
    pub fn load_with(
        &self,
        access: &PathAccess,
        last_valid: &LastValid,
        check: ExternalCheck<'_>,
    ) -> Result<Loaded, ConfigErrors> {
        let mut files = Vec::new();
        let mut unreadable = Vec::new();
        let mut drop_ins = Vec::new();
        let mut masked = 0;
        for path in self.drop_in_files(access)? {
            match Input::read_unless(is_masked, &path, access) {
                Ok(Some(input)) => drop_ins.push(input),
                Ok(None) => {
                    masked += 1;
                    continue;
                }
                Err((_, errors)) => {
                    let file = errors.0.first().and_then(|error| error.location.file());
                    drop_ins.extend(file.and_then(|file| last_valid.get(file)).cloned());
                    unreadable.extend(errors.0);
                }
            }
            files.push(path);
        }
        let directories = self.drop_ins.iter().map(PathBuf::as_path);
        let writable = find_writable(directories, files.iter().map(PathBuf::as_path), access);
        let file = match Input::read_unless(|_| false, &self.file, access) {
            Ok(input) => input,
            Err((io::ErrorKind::NotFound, _)) if self.presence == Presence::Optional => None,
            Err((_, errors)) => {
                unreadable.extend(errors.0);
                return Err(ConfigErrors(unreadable));
            }
        };
        files.extend(file.is_some().then(|| self.file.clone()));
        let inputs = Inputs {
            drop_ins,
            last_valid: last_valid.clone(),
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
            drop_ins: merged.drop_ins,
            hash: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            text: merged.text,
            writable,
            files,
        })
    }

    /// The paths whose changes can change the configuration, whether they exist or not: the main
    /// file, then the directories of drop-ins.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let drop_ins = self.drop_ins.iter().map(PathBuf::as_path);
        std::iter::once(self.file.as_path()).chain(drop_ins)
    }

    /// The drop-ins that are not overridden, by name, and what masks others. A directory that
    /// cannot be listed is an error of the whole configuration, since all its selectors would
    /// be missing.
    fn drop_in_files(&self, access: &PathAccess) -> Result<Vec<PathBuf>, ConfigErrors> {
        let mut paths = Vec::new();
        let mut by_name = BTreeMap::<OsString, PathBuf>::new();
        for directory in &self.drop_ins {
            let owned = directory.clone();
            let listed = access.run(directory, move || match is_masked(&owned) {
                true => Ok(None),
                false => names(&owned).map(Some),
            });
            match (listed.flatten(), self.drop_ins_presence) {
                (Ok(None), _) => paths.push(directory.clone()),
                (Ok(Some(names)), _) => by_name.extend(names),
                (Err(error), Presence::Optional) if error.kind() == io::ErrorKind::NotFound => {}
                (Err(error), _) => {
                    let found = format!("cannot be listed: {error}");
                    return Err(whole_file(&shown(directory).to_string(), &found));
                }
            }
        }
        paths.extend(by_name.into_values());
        Ok(paths)
    }
}

/// The drop-ins of a directory, by name. Hidden files, as editors create them, are ignored.
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

/// Returns whether a path leads to `/dev/null`, which masks a drop-in or a directory, as in systemd.
fn is_masked(path: &Path) -> bool {
    let device = fs::metadata(path).is_ok_and(|about| about.file_type().is_char_device());
    device && fs::canonicalize(path).is_ok_and(|path| path == Path::new("/dev/null"))
}

#[cfg(test)]
mod tests;
