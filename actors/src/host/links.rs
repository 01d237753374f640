//! Opens what was found in a directory, and follows only links that give their author no new access.
//!
//! A daemon that may write to a directory can create a link there to a file that only the exporter
//! can read, and would obtain its content from the exporter. A link in a found path is
//! therefore followed only if its target stays inside the directory in which the link was found, or if
//! root or the owner of the target created it, which is the rule of `fs.protected_symlinks`
//! (`proc_sys_fs(5)`).
//!
//! Every decision is about an open descriptor (`O_PATH`, open(2)), and the descriptor of the target is
//! returned, so exchanging a link or a directory meanwhile has no effect. openat2(2) decides about
//! names whose targets stay inside. Where it is not available (Linux before 5.6, or a seccomp filter), and
//! for links that lead outside, the links are followed here, one component at a time with `O_NOFOLLOW`.

use local_exporter_config::shown;
use rustix::fs::{
    FileType, Mode, OFlags, ResolveFlags, Stat, fstat, open, openat, openat2, readlinkat,
};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

/// The most links of one name, as in the kernel (`path_resolution(7)`).
const MAX_LINKS: usize = 40;

/// The user that the kernel shows for every owner that has no number here (`user_namespaces(7)`,
/// overflowuid in `proc_sys_kernel(5)`). Two files with this owner may belong to different users.
const OVERFLOW_USER: u32 = 65534;

/// Inspects, and does not open for reading.
const INSPECT: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// A symbolic link that is not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForeignLink {
    pub(crate) path: PathBuf,
    /// The user that owns the link.
    pub(crate) owner: u32,
    /// The object that the link leads to, without links.
    pub(crate) target: PathBuf,
    /// The user that owns the target.
    pub(crate) target_owner: u32,
}

impl fmt::Display for ForeignLink {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, target) = (shown(&self.path), shown(&self.target));
        let (owner, target_owner) = (self.owner, self.target_owner);
        write!(
            out,
            "the link {path} is not followed: it leads out of its directory to {target}, and uid \
             {owner}, which owns the link, is neither root nor uid {target_owner}, which owns the target"
        )
    }
}

/// Why a found path cannot be opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OpenError {
    /// The system does not allow it.
    System(Errno),
    /// A link is not followed.
    Foreign(ForeignLink),
}

impl From<Errno> for OpenError {
    fn from(error: Errno) -> Self {
        Self::System(error)
    }
}

/// Opens `names` below `directory` with `O_PATH`. Links in the path of `directory` are followed, since it is
/// configured. Blocks.
pub(crate) fn open_found(directory: &Path, names: &Path) -> Result<OwnedFd, OpenError> {
    let mut here = Place {
        descriptor: open(directory, INSPECT, Mode::empty())?,
        path: directory.to_owned(),
    };
    for name in names {
        here = match open_inside(&here, name) {
            Some(descriptor) => Place {
                descriptor,
                path: here.path.join(name),
            },
            None => Walk::of(here, name)?,
        };
    }
    Ok(here.descriptor)
}

/// Opens a name whose target, through any links, stays inside the directory; `None` if it does not, if it
/// cannot be opened, or if openat2(2) is not available.
fn open_inside(directory: &Place, name: &OsStr) -> Option<OwnedFd> {
    let inside = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    openat2(&directory.descriptor, name, INSPECT, Mode::empty(), inside).ok()
}

/// An object that was opened with `O_PATH`.
#[derive(Debug)]
struct Place {
    descriptor: OwnedFd,
    /// Its path, for messages.
    path: PathBuf,
}

impl Place {
    fn child(&self, name: &OsStr) -> rustix::io::Result<Self> {
        let flags = INSPECT | OFlags::NOFOLLOW;
        Ok(Self {
            descriptor: openat(&self.descriptor, name, flags, Mode::empty())?,
            path: self.path.join(name),
        })
    }

    fn root() -> rustix::io::Result<Self> {
        Ok(Self {
            descriptor: open("/", INSPECT, Mode::empty())?,
            path: PathBuf::from("/"),
        })
    }
}

/// A link whose target has not been reached yet.
#[derive(Debug)]
struct Followed {
    path: PathBuf,
    metadata: Stat,
    /// The number of components that remain behind the target.
    behind: usize,
}

/// Follows the links of one name.
struct Walk {
    /// The directory in which the name was found, as device and inode.
    found_in: (u64, u64),
    /// The directories passed, each in the one before. Never empty.
    passed: Vec<Place>,
    /// The components ahead; the next one is the last.
    ahead: Vec<OsString>,
    links: Vec<Followed>,
}

impl Walk {
    /// Opens a name in a directory.
    fn of(directory: Place, name: &OsStr) -> Result<Place, OpenError> {
        let metadata = fstat(&directory.descriptor)?;
        let walk = Self {
            found_in: (metadata.st_dev, metadata.st_ino),
            passed: vec![directory],
            ahead: vec![name.to_owned()],
            links: Vec::new(),
        };
        walk.run()
    }

    fn run(mut self) -> Result<Place, OpenError> {
        let mut count = 0;
        while let Some(name) = self.ahead.pop() {
            if name == ".." {
                self.leave()?;
            } else {
                let here = self.passed.last().ok_or(Errno::NOENT)?;
                let next = here.child(&name)?;
                let metadata = fstat(&next.descriptor)?;
                if FileType::from_raw_mode(metadata.st_mode) == FileType::Symlink {
                    count += 1;
                    if count > MAX_LINKS {
                        return Err(Errno::LOOP.into());
                    }
                    self.follow(next, metadata)?;
                    continue;
                }
                self.passed.push(next);
            }
            self.judge()?;
        }
        Ok(self.passed.pop().ok_or(Errno::NOENT)?)
    }

    /// Goes to the directory above.
    fn leave(&mut self) -> Result<(), OpenError> {
        let left = self.passed.pop().ok_or(Errno::NOENT)?;
        if self.passed.is_empty() {
            self.passed.push(left.child(OsStr::new(".."))?);
        }
        Ok(())
    }

    fn follow(&mut self, link: Place, metadata: Stat) -> Result<(), OpenError> {
        let target = readlinkat(link.descriptor.as_fd(), "", Vec::new())?;
        let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
        if target.is_absolute() {
            self.passed = vec![Place::root()?];
        }
        self.links.push(Followed {
            path: link.path,
            metadata,
            behind: self.ahead.len(),
        });
        let names = target.components().rev().filter_map(|part| match part {
            Component::Normal(_) | Component::ParentDir => Some(part.as_os_str().to_owned()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
        });
        self.ahead.extend(names);
        // The target may be `/` or `.`.
        self.judge()
    }

    /// Checks the links whose target has been reached.
    fn judge(&mut self) -> Result<(), OpenError> {
        while let Some(link) = self.links.pop_if(|link| link.behind == self.ahead.len()) {
            let target = self.passed.last().ok_or(Errno::NOENT)?;
            let metadata = fstat(&target.descriptor)?;
            if !may_lead_to(&link.metadata, &metadata) && !self.is_inside()? {
                return Err(OpenError::Foreign(ForeignLink {
                    path: link.path,
                    owner: link.metadata.st_uid,
                    target: target.path.clone(),
                    target_owner: metadata.st_uid,
                }));
            }
        }
        Ok(())
    }

    /// Whether the walk is inside the directory in which the name was found.
    fn is_inside(&self) -> Result<bool, Errno> {
        for place in &self.passed {
            let metadata = fstat(&place.descriptor)?;
            if (metadata.st_dev, metadata.st_ino) == self.found_in {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether the owner of a link can lead the exporter to a target.
fn may_lead_to(link: &Stat, target: &Stat) -> bool {
    match link.st_uid {
        // A further hard link may have been created by another user (`fs.protected_hardlinks`).
        0 => link.st_nlink == 1,
        OVERFLOW_USER => false,
        owner => owner == target.st_uid,
    }
}

#[cfg(test)]
mod tests;
