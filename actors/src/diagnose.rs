//! What is wrong with a source before anybody depends on it, and what to change.
//!
//! Looks at the host as this uid and in this mount namespace, without an actor: names,
//! permissions, mounts. Opens nothing and connects to nothing; whether a scrape succeeds is for a
//! scrape to tell, whose error is then explained by what was found. Blocks for as long as a file
//! system hangs, so that callers bound it. Only `source` knows what a kind needs.

mod advice;
mod partial;

use crate::host::mounts;
use crate::host::path_walk::{self, Component, WalkError};
use crate::host::permission::{self, RequiredAccess};
use crate::host::problem::Problem;
use crate::reason::Reason;
use crate::report::{CacheReport, PassedOver};
use crate::scrape::ScrapeError;
use crate::source::{self, RequiredPath};
use local_exporter_config as config;
use local_exporter_exposition::Summary;
use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// The most findings about one source: a directory may be full of files that nobody may read.
const MOST_FINDINGS: usize = 20;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is, in words.
    pub what: String,
    /// Where, if it is in a file system.
    pub path: Option<PathBuf>,
    /// What to change.
    pub remedy: String,
    /// With which reasons a scrape fails for it; none if it works for now.
    leads_to: &'static [Reason],
}

impl Finding {
    fn of(problem: Problem, leads_to: &'static [Reason]) -> Self {
        let Problem { what, path, remedy } = problem;
        Self {
            what,
            path: Some(path),
            remedy,
            leads_to,
        }
    }
}

/// What is wrong with the host, as far as a source needs it; in the order in which a path meets it.
#[must_use]
pub fn inspect(source: &config::Source) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for finding in source::kind(source).required_paths().iter().flat_map(look) {
        if findings.len() == MOST_FINDINGS {
            break;
        }
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    findings
}

/// What was found, with the cause of a failed scrape before all else.
#[must_use]
pub fn explain(
    source: &config::Source,
    error: &ScrapeError,
    mut findings: Vec<Finding>,
) -> Vec<Finding> {
    let explains = |finding: &Finding| finding.leads_to.contains(&error.reason);
    let cause = match findings.iter().position(explains) {
        Some(found) => findings.remove(found),
        None => Finding {
            what: error.message.clone(),
            path: None,
            remedy: source::kind(source)
                .remedy(error)
                .unwrap_or_else(|| advice::remedy(error.reason).to_owned()),
            leads_to: &[],
        },
    };
    findings.insert(0, cause);
    findings
}

/// What was found, and what the answer lacks of the files that it is made of: a scrape that
/// succeeds does not say so.
#[must_use]
pub fn complete(
    mut findings: Vec<Finding>,
    files: &CacheReport,
    summary: &Summary,
) -> Vec<Finding> {
    partial::add(&mut findings, files, summary);
    findings
}

/// What is to be said where looking was given up.
#[must_use]
pub fn timed_out() -> Finding {
    Finding {
        what: "looking at its paths did not end within its timeout".to_owned(),
        path: None,
        remedy: "see which file system hangs, and mount it anew".to_owned(),
        leads_to: &[Reason::Timeout],
    }
}

fn look(place: &RequiredPath) -> Vec<Finding> {
    let (path, required) = match place {
        RequiredPath::Socket(path) => (path, RequiredAccess::Connect),
        RequiredPath::File(path) => (path, RequiredAccess::Read),
        RequiredPath::Directory(path) => (path, RequiredAccess::List),
        RequiredPath::Unmatched(path, other) => return vec![unmatched(path, other.as_ref())],
    };
    let walk = path_walk::walk(path);
    let mut findings = Vec::new();
    for component in walk
        .passed
        .iter()
        .filter(|component| component.metadata.is_dir())
    {
        findings.extend(stale_mount(component));
        findings.extend(denied(component, RequiredAccess::Search));
    }
    match walk.end {
        Ok(component) => findings.extend(at_the_end(&component, required)),
        // What was found on the way says why.
        Err(_) if !findings.is_empty() => {}
        Err(broken) => findings.push(absent(path, &broken, required)),
    }
    findings
}

/// What is wrong with what a path leads to.
fn at_the_end(component: &Component, required: RequiredAccess) -> Vec<Finding> {
    if let Some(unsuitable) = unsuitable(component, required) {
        return vec![unsuitable];
    }
    let mounted = stale_mount(component).or_else(|| match required {
        RequiredAccess::Read | RequiredAccess::Connect => {
            mounts::alone(component).map(|alone| Finding::of(alone, &[]))
        }
        RequiredAccess::List | RequiredAccess::Search => None,
    });
    denied(component, required)
        .into_iter()
        .chain(mounted)
        .collect()
}

fn stale_mount(component: &Component) -> Option<Finding> {
    const REASONS: &[Reason] = &[Reason::Absent, Reason::Refused, Reason::Bus];
    mounts::stale(component).map(|problem| Finding::of(problem, REASONS))
}

fn denied(component: &Component, required: RequiredAccess) -> Option<Finding> {
    let problem = permission::missing(component, required)?;
    Some(Finding::of(problem, &[Reason::Denied]))
}

fn unsuitable(component: &Component, required: RequiredAccess) -> Option<Finding> {
    let kind = component.metadata.file_type();
    let (fits, wanted) = match required {
        RequiredAccess::Connect => (kind.is_socket(), "socket"),
        RequiredAccess::Read => (kind.is_file(), "regular file"),
        RequiredAccess::List | RequiredAccess::Search => (kind.is_dir(), "directory"),
    };
    let remedy = match required {
        RequiredAccess::Connect if kind.is_file() => "correct `path`, or set `kind = \"file\"`",
        RequiredAccess::Read if kind.is_socket() => "correct `path`, or set `kind = \"uds\"`",
        _ => "correct `path`",
    };
    (!fits).then(|| Finding {
        what: format!("{} is not a {wanted}", component.path.display()),
        path: Some(component.path.clone()),
        remedy: remedy.to_owned(),
        // The kernel asks for write permission before it looks whether there is a socket.
        leads_to: &[Reason::Unsuitable, Reason::Denied, Reason::Bus],
    })
}

fn absent(path: &Path, broken: &WalkError, required: RequiredAccess) -> Finding {
    let WalkError { at, link, error } = broken;
    let (place, whole) = (at.display(), path.display());
    let link = link.as_ref().map(|link| link.display());
    let what = match (link, error.kind()) {
        (None, ErrorKind::NotFound) => format!("{place} does not exist"),
        (None, _) => format!("{place} leads nowhere: {error}"),
        (Some(link), ErrorKind::NotFound) => {
            format!("{whole} leads by the link {link} to {place}, which does not exist")
        }
        (Some(link), _) => format!("{whole} leads by the link {link} to {place}: {error}"),
    };
    let daemon = match required {
        RequiredAccess::Connect => "start the daemon",
        RequiredAccess::Read | RequiredAccess::List | RequiredAccess::Search => {
            "have the daemon write it"
        }
    };
    let above = at.parent().unwrap_or(Path::new("/")).display();
    Finding {
        what,
        path: Some(at.clone()),
        remedy: format!(
            "{daemon}, or correct the path; where it exists outside of this mount namespace, \
             mount it into {above} (PrivateTmp= and ProtectHome= hide it from a service)"
        ),
        leads_to: &[Reason::Absent, Reason::Bus, Reason::Io],
    }
}

fn unmatched(path: &Path, other: Option<&PassedOver>) -> Finding {
    let other = other.map(|PassedOver { path, why }| {
        let path = path.display();
        format!("; {path} is passed over, since {why}")
    });
    let (path, other) = (path.to_owned(), other.unwrap_or_default());
    Finding {
        what: format!("nothing matches in {}{other}", path.display()),
        path: Some(path),
        remedy: "have the daemon name its files so, or correct `pattern` or `path`".to_owned(),
        leads_to: &[Reason::Absent],
    }
}
