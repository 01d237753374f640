//! The findings about one required path, in the order of its components.

use super::finding::Finding;
use crate::host::links::{OpenError, open_found};
use crate::host::mounts;
use crate::host::path_walk::{self, Component, WalkError};
use crate::host::permission::{self, AccessKind};
use crate::reason::Reason;
use crate::report::PassedOver;
use crate::source::RequiredPath;
use local_exporter_config::shown;
use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Inspects a path and everything that it leads through. Blocks.
pub(super) fn inspect(required: &RequiredPath) -> Vec<Finding> {
    let (path, access) = match required {
        RequiredPath::Socket(path) => (path, AccessKind::Connect),
        RequiredPath::File(path) => (path, AccessKind::Read),
        RequiredPath::Found(directory, path) => match found(directory, path) {
            Some(findings) => return findings,
            None => (path, AccessKind::Read),
        },
        RequiredPath::Directory(path) => (path, AccessKind::List),
        RequiredPath::Unmatched(path, other) => return vec![unmatched(path, other.as_ref())],
    };
    let walk = path_walk::walk(path);
    let mut findings = Vec::new();
    let passed = walk.passed.iter();
    for directory in passed.filter(|component| component.metadata.is_dir()) {
        findings.extend(stale_mount(directory));
        findings.extend(denied(directory, AccessKind::Search));
    }
    match walk.end {
        Ok(end) => findings.extend(last_component(&end, access)),
        // The findings about the directories explain the error.
        Err(_) if !findings.is_empty() => {}
        Err(error) => findings.push(absent(path, &error, access)),
    }
    findings
}

/// The finding about a path below a configured directory that a link makes unusable. A directory has
/// none of its own: it is a matched directory that cannot be listed. `None` for a file.
fn found(directory: &Path, path: &Path) -> Option<Vec<Finding>> {
    let names = path.strip_prefix(directory).ok()?;
    if let Err(OpenError::Foreign(link)) = open_found(directory, names) {
        return Some(vec![Finding {
            what: link.to_string(),
            remedy: format!(
                "have root or uid {} create the link, or set `follow_links = \"all\"`",
                link.target_owner
            ),
            path: Some(link.path),
            leads_to: &[Reason::Denied],
        }]);
    }
    path.is_dir().then(Vec::new)
}

fn last_component(component: &Component, access: AccessKind) -> Vec<Finding> {
    if let Some(unsuitable) = unsuitable(component, access) {
        return vec![unsuitable];
    }
    let mounted = stale_mount(component).or_else(|| match access {
        AccessKind::Read | AccessKind::Connect => {
            let problem = mounts::mount_point(component)?;
            Some(Finding::of(problem, &[]))
        }
        AccessKind::List | AccessKind::Search => None,
    });
    let denied = denied(component, access);
    denied.into_iter().chain(mounted).collect()
}

fn stale_mount(component: &Component) -> Option<Finding> {
    const LEADS_TO: &[Reason] = &[Reason::Absent, Reason::Refused, Reason::Bus];
    let problem = mounts::stale(component)?;
    Some(Finding::of(problem, LEADS_TO))
}

fn denied(component: &Component, access: AccessKind) -> Option<Finding> {
    let problem = permission::missing(component, access)?;
    Some(Finding::of(problem, &[Reason::Denied]))
}

fn unsuitable(component: &Component, access: AccessKind) -> Option<Finding> {
    let kind = component.metadata.file_type();
    let (fits, wanted) = match access {
        AccessKind::Connect => (kind.is_socket(), "socket"),
        AccessKind::Read => (kind.is_file(), "regular file"),
        AccessKind::List | AccessKind::Search => (kind.is_dir(), "directory"),
    };
    let remedy = match access {
        AccessKind::Connect if kind.is_file() => "correct `path`, or set `kind = \"file\"`",
        AccessKind::Read if kind.is_socket() => "correct `path`, or set `kind = \"uds\"`",
        _ => "correct `path`",
    };
    (!fits).then(|| Finding {
        what: format!("{} is not a {wanted}", shown(&component.path)),
        path: Some(component.path.clone()),
        remedy: remedy.to_owned(),
        // The kernel checks write permission before it checks that the file is a socket.
        leads_to: &[Reason::Unsuitable, Reason::Denied, Reason::Bus],
    })
}

fn absent(path: &Path, error: &WalkError, access: AccessKind) -> Finding {
    let WalkError { at, link, error } = error;
    let (missing, whole) = (shown(at), shown(path));
    let link = link.as_ref().map(|link| shown(link));
    let what = match (link, error.kind()) {
        (None, ErrorKind::NotFound) => format!("{missing} does not exist"),
        (None, _) => format!("{missing} cannot be resolved: {error}"),
        (Some(link), ErrorKind::NotFound) => {
            format!("{whole} leads through the link {link} to {missing}, which does not exist")
        }
        (Some(link), _) => format!("{whole} leads through the link {link} to {missing}: {error}"),
    };
    let daemon = match access {
        AccessKind::Connect => "start the daemon",
        AccessKind::Read | AccessKind::List | AccessKind::Search => "have the daemon write it",
    };
    let parent = shown(at.parent().unwrap_or(Path::new("/")));
    Finding {
        what,
        path: Some(at.clone()),
        remedy: format!(
            "{daemon}, or correct the path; if it exists outside of this mount namespace, mount \
             it into {parent} (PrivateTmp= and ProtectHome= hide it from a service)"
        ),
        leads_to: &[Reason::Absent, Reason::Bus, Reason::Io],
    }
}

fn unmatched(path: &Path, other: Option<&PassedOver>) -> Finding {
    let other = other.map(|PassedOver { path, why }| {
        let path = shown(path);
        format!("; {path} is passed over because {why}")
    });
    let other = other.unwrap_or_default();
    Finding {
        what: format!("no file matches in {}{other}", shown(path)),
        path: Some(path.to_owned()),
        remedy: "correct the file names, `pattern` or `path`".to_owned(),
        leads_to: &[Reason::Absent],
    }
}
