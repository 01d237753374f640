//! The flags that locate the configuration, and loading it.

use super::exit::{WRONG, complain, print};
use crate::http::{access, listen};
use clap::Args;
use local_exporter_config::{
    ConfigErrors, Contested, Environment, ExternalError, Flags, LastValid, Layers, Loaded,
    PathAccess, Presence, Selector, Settings, Writable, shown, similar,
};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// The file that is read if no other one is named.
pub(super) const DEFAULT_FILE: &str = "/etc/local-exporter/config.toml";
/// The directories of drop-ins for packages, programs and the administrator, as for systemd: of files
/// with the same name, only the last one is read.
pub(super) const DROP_INS: [&str; 3] = [
    "/usr/lib/local-exporter/conf.d",
    "/run/local-exporter/conf.d",
    "/etc/local-exporter/conf.d",
];

/// The flags that locate the configuration.
#[derive(Args, Debug)]
pub(super) struct Configuration {
    /// The configuration file; also --config.file [default: /etc/local-exporter/config.toml, if it exists].
    #[arg(short, long, visible_alias = "config.file", value_name = "FILE")]
    config: Option<PathBuf>,
    /// A directory of drop-ins, which must exist; repeatable. Of files with the same name, only the one
    /// in the last directory is read; /dev/null disables drop-ins [default: conf.d in
    /// /usr/lib/local-exporter, /run/local-exporter and /etc/local-exporter].
    #[arg(id = "config.dropins", long, value_name = "DIRECTORY")]
    drop_ins: Vec<PathBuf>,
}

impl Configuration {
    /// The layers of the configuration, with the flags that set keys.
    pub(super) fn layers(&self, flags: Flags) -> Layers {
        // The default files are optional; those that a flag names are required.
        let (drop_ins, drop_ins_presence) = match self.drop_ins.as_slice() {
            [] => (DROP_INS.map(PathBuf::from).to_vec(), Presence::Optional),
            named => (named.to_vec(), Presence::Required),
        };
        Layers {
            file: self.config.clone().unwrap_or_else(|| DEFAULT_FILE.into()),
            presence: match self.config {
                Some(_) => Presence::Required,
                None => Presence::Optional,
            },
            drop_ins,
            drop_ins_presence,
            environment: environment(),
            flags,
        }
    }
}

/// Loads the layers; where one is wrong, every error has been printed.
pub(super) fn load(layers: &Layers) -> Result<Loaded, ExitCode> {
    layers.load().map_err(|errors| report(&errors))
}

/// [`load`], which also checks the files and listeners that serving needs.
pub(super) fn load_to_serve(layers: &Layers, access: &PathAccess) -> Result<Loaded, ExitCode> {
    let check = |settings: &Settings| external_errors(settings, access);
    let loaded = layers.load_with(access, &LastValid::default(), &check);
    loaded.map_err(|errors| report(&errors))
}

fn external_errors(settings: &Settings, access: &PathAccess) -> Vec<ExternalError> {
    let mut errors = access::external_errors(settings, access);
    errors.extend(listen::external_errors(&settings.service.listeners));
    errors
}

/// The files and directories that the layers are read from, as messages list them.
pub(super) fn looked_in(layers: &Layers) -> String {
    let paths = layers.paths().map(|path| shown(path).to_string());
    format!("looked in {}", paths.collect::<Vec<_>>().join(", "))
}

/// The error that a selector is not configured, with those that are, and the paths that were read.
pub(super) fn unknown(name: &str, selectors: &[Selector], layers: &Layers) -> String {
    let known: Vec<_> = selectors
        .iter()
        .map(|selector| selector.name.as_str())
        .collect();
    let meant = similar(name, known.iter().copied());
    let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {meant:?}?"));
    let known = match known.as_slice() {
        [] => "no selector is configured".to_owned(),
        known => format!("configured selectors: {known:?}"),
    };
    let looked_in = looked_in(layers);
    format!("selector {name:?}: not configured{meant}; {known}; {looked_in}")
}

fn report(errors: &ConfigErrors) -> ExitCode {
    // One error per line without the parts of a log line, so that editors can jump to its location.
    complain(&errors.to_string());
    ExitCode::from(WRONG)
}

/// Prints the drop-ins that other users can change.
pub(super) fn complain_about(writable: &[Writable]) {
    for found in writable {
        complain(&format!("warning: {found}"));
    }
}

/// `--config.check`: reports errors, and drop-ins that would be left out.
pub(super) fn check(layers: &Layers) -> ExitCode {
    let loaded = match load_to_serve(layers, &PathAccess::default()) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    for warning in &loaded.warnings {
        complain(&format!("left out: {warning}"));
    }
    complain_about(&loaded.writable);
    let drop_ins = &loaded.drop_ins;
    for Contested {
        selector,
        used,
        ignored,
    } in &drop_ins.contested
    {
        let ignored = ignored.join(", ");
        complain(&format!(
            "selector {selector:?}: defined in {used}, which is used, and in {ignored}"
        ));
    }
    let (files, selectors) = (loaded.files.len(), loaded.settings.selectors.len());
    let left_out: Vec<&str> = drop_ins.rejected.keys().map(String::as_str).collect();
    let left_out = match left_out.as_slice() {
        [] => String::new(),
        files => format!(", left out: {}", files.join(" ")),
    };
    print(
        format!("configuration OK; files: {files}, selectors: {selectors}{left_out}\n").as_bytes(),
    )
}

fn environment() -> Environment {
    let text = |text: OsString| text.to_string_lossy().into_owned();
    std::env::vars_os()
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}
