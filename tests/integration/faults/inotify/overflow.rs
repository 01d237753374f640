//! Events are lost when the queue of inotify overflows: the changes are found nevertheless, and later
//! events are still processed.

use super::{change, file, is_by};
use crate::faults::scene::{Outcome, Scene};
use crate::support::{Exporter, until};
use local_exporter_daemons::promfile::PromFile;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

/// Causes more events than the kernel's queue holds while the exporter is stopped, so that it loses
/// some.
fn overflow(scene: &Scene) {
    let directory = scene.folder().join("it");
    let witness = Witness::of(&directory);
    scene.exporter.signal("STOP");
    until("the process is stopped", || state(&scene.exporter) == "T");
    let most = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let most: usize = most.trim().parse().unwrap();
    let other = directory.join("other");
    // Three events each time, so one and a half times the size of the queue.
    for _ in 0..=most / 2 {
        drop(fs::File::create(&other).unwrap());
        fs::remove_file(&other).unwrap();
    }
    witness.assert_overflowed(most);
}

/// The state of the process: running, sleeping or stopped (`proc_pid_stat(5)`).
fn state(exporter: &Exporter) -> String {
    let stat = fs::read_to_string(format!("/proc/{}/stat", exporter.process())).unwrap();
    let behind_the_name = stat.rsplit(") ").next().unwrap();
    behind_the_name.split(' ').next().unwrap().to_owned()
}

/// A second inotify instance that is not read either, and watches the same directory for fewer
/// kinds of events than the exporter: if its queue overflows, so does the exporter's.
struct Witness(OwnedFd);

impl Witness {
    fn of(directory: &Path) -> Self {
        let instance = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        let few = WatchFlags::CREATE | WatchFlags::CLOSE_WRITE | WatchFlags::DELETE;
        inotify::add_watch(&instance, directory, few).unwrap();
        Self(instance)
    }

    /// Asserts that the queue is full, and that its last event reports an overflow.
    fn assert_overflowed(self, most: usize) {
        let mut space = [MaybeUninit::uninit(); 4096];
        let mut events = Reader::new(self.0, &mut space);
        let mut last = ReadFlags::empty();
        let mut kept = 0;
        while let Ok(event) = events.next() {
            last = event.events();
            kept += usize::from(!last.contains(ReadFlags::QUEUE_OVERFLOW));
        }
        assert_eq!((kept, last), (most, ReadFlags::QUEUE_OVERFLOW));
    }
}

fn times_lost(scene: &Scene) -> Option<f64> {
    scene
        .exporter
        .metric("local_exporter_file_events_lost_total")
}

/// Loses events while `meanwhile` runs, and expects that files written then and later are found.
fn lost(name: &'static str, meanwhile: impl FnOnce(&Scene)) {
    let scene = Scene::start(|folder| file(folder, "1h"));
    until("the file is served", || scene.is_good());
    assert_eq!(times_lost(&scene), Some(0.0));
    overflow(&scene);
    meanwhile(&scene);
    PromFile::new(scene.folder().join("it/it.prom"))
        .write(b"it 2\n")
        .unwrap();
    scene.exporter.signal("CONT");
    scene.meanwhile(name, || {
        let began = Instant::now();
        until("the lost change is served", || {
            scene.exporter.scrape("it").text() == "it 2\n"
        });
        let took = began.elapsed();
        assert!(is_by(&scene, "it", "events"));
        assert!(times_lost(&scene) >= Some(1.0));
        change(&scene, "it 3\n");
        change(&scene, "it 4\n");
        (Outcome::good(took), ())
    });
}

#[test]
fn loses_events_when_its_queue_overflows() {
    lost("inotify queue overflows", |_| {});
}

/// Creates another directory with the inode number of a removed one.
fn reuse_inode(directory: &Path) -> bool {
    let number = fs::metadata(directory).unwrap().ino();
    fs::remove_dir_all(directory).unwrap();
    for attempt in 0..100 {
        let next = directory.with_extension(attempt.to_string());
        fs::create_dir(&next).unwrap();
        if fs::metadata(&next).unwrap().ino() == number {
            fs::rename(next, directory).unwrap();
            return true;
        }
    }
    fs::create_dir(directory).unwrap();
    false
}

#[test]
fn loses_the_end_of_a_directory_when_its_queue_overflows() {
    lost("inotify loses the end of a directory", |scene| {
        // The new directory looks like the old one, which is no longer watched.
        if !reuse_inode(&scene.folder().join("it")) {
            println!("this file system gave the new directory another number");
        }
    });
}
