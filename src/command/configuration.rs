//! Where the configuration comes from, as the command line says it.

use super::exit::{WRONG, complain, print};
use crate::http::{access, listen};
use clap::Args;
use local_exporter_config::{
    ConfigErrors, Environment, ExternalError, Flags, Layers, Loaded, Presence, Selector, Settings,
};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Where the configuration is looked for when no file is named.
pub(super) const DEFAULT_FILE: &str = "/etc/local-exporter/config.toml";
/// Where packages, programs and the host's administrator leave drop-ins, as for systemd:
/// of two files with the same name the later one counts.
pub(super) const DROP_INS: [&str; 3] = [
    "/usr/lib/local-exporter/conf.d",
    "/run/local-exporter/conf.d",
    "/etc/local-exporter/conf.d",
];

/// Where the configuration comes from.
#[derive(Args, Debug)]
pub(super) struct Configuration {
    /// The configuration, also as --config.file [default: /etc/local-exporter/config.toml, which may be absent].
    #[arg(short, long, visible_alias = "config.file", value_name = "FILE")]
    config: Option<PathBuf>,
    /// A directory of drop-ins, which must be there; repeatable, of files with one name that in the last directory
    /// counts; /dev/null for none [default: conf.d in /usr/lib/local-exporter,
    /// /run/local-exporter and /etc/local-exporter].
    #[arg(id = "config.dropins", long, value_name = "DIRECTORY")]
    drop_ins: Vec<PathBuf>,
}

impl Configuration {
    /// All that the settings are made of, with what else the command line says.
    pub(super) fn layers(&self, flags: Flags) -> Layers {
        // What is looked for where it usually is need not be there; what was asked for must.
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
    layers.load().map_err(|errors| wrong(&errors))
}

/// [`load`], with a look at what else decides whether it can be served.
pub(super) fn load_to_serve(layers: &Layers) -> Result<Loaded, ExitCode> {
    let loaded = layers.load_with(&external_errors);
    loaded.map_err(|errors| wrong(&errors))
}

fn external_errors(settings: &Settings) -> Vec<ExternalError> {
    let mut errors = access::external_errors(settings);
    errors.extend(listen::external_errors(&settings.service.listeners));
    errors
}

/// That a selector is not configured, with those that are.
pub(super) fn unknown(name: &str, selectors: &[Selector]) -> String {
    let known: Vec<_> = selectors.iter().map(|selector| &selector.name).collect();
    let known = match known.as_slice() {
        [] => "there is none at all".to_owned(),
        known => format!("there are {known:?}"),
    };
    format!("selector {name:?}: not configured; {known}")
}

fn wrong(errors: &ConfigErrors) -> ExitCode {
    // One error a line, without a log's trimmings, so that editors can jump to them.
    complain(&errors.to_string());
    ExitCode::from(WRONG)
}

/// `--config.check`: whether serving this would begin. What is left out of it is told as well.
pub(super) fn check(layers: &Layers) -> ExitCode {
    let loaded = match load_to_serve(layers) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    for warning in &loaded.warnings {
        complain(&format!("left out: {warning}"));
    }
    let (files, selectors) = (loaded.files.len(), loaded.settings.selectors.len());
    print(
        format!("the configuration is right; files: {files}, selectors: {selectors}\n").as_bytes(),
    )
}

fn environment() -> Environment {
    let text = |text: OsString| text.to_string_lossy().into_owned();
    std::env::vars_os()
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}
