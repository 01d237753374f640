//! Events are lost when the queue of inotify overflows: what they would have told of is found all
//! the same, and the events that come afterwards go on being heeded.

use super::{file, is_by, news};
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

/// More events than the kernel keeps for anybody, which are lost on an exporter that is stopped.
fn overflow(scene: &Scene) {
    let directory = scene.folder().join("it");
    let witness = Witness::of(&directory);
    scene.exporter.signal("STOP");
    until("it is stopped", || state(&scene.exporter) == "T");
    let most = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let most: usize = most.trim().parse().unwrap();
    let other = directory.join("other");
    // Each time three events, so half as many again as are kept.
    for _ in 0..=most / 2 {
        drop(fs::File::create(&other).unwrap());
        fs::remove_file(&other).unwrap();
    }
    witness.assert_overflowed(most);
}

/// Whether it runs, sleeps or is stopped, `proc_pid_stat(5)`.
fn state(exporter: &Exporter) -> String {
    let stat = fs::read_to_string(format!("/proc/{}/stat", exporter.process())).unwrap();
    let behind_the_name = stat.rsplit(") ").next().unwrap();
    behind_the_name.split(' ').next().unwrap().to_owned()
}

/// Another instance of inotify. It does not look either, and asks for fewer events of the same
/// directory than the exporter does: when its queue overflows, so has the exporter's.
struct Witness(OwnedFd);

impl Witness {
    fn of(directory: &Path) -> Self {
        let instance = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        let few = WatchFlags::CREATE | WatchFlags::CLOSE_WRITE | WatchFlags::DELETE;
        inotify::add_watch(&instance, directory, few).unwrap();
        Self(instance)
    }

    /// As many events as are kept are there, and then one that says that more were lost.
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

/// Loses events, has something happen meanwhile, and looks whether the file is found that was
/// written then, and what is written after it.
fn lost(name: &'static str, meanwhile: impl FnOnce(&Scene)) {
    let scene = Scene::start(|folder| file(folder, "1h"));
    until("it is served", || scene.is_good());
    assert_eq!(times_lost(&scene), Some(0.0));
    overflow(&scene);
    meanwhile(&scene);
    PromFile::new(scene.folder().join("it/it.prom"))
        .write(b"it 2\n")
        .unwrap();
    scene.exporter.signal("CONT");
    scene.meanwhile(name, || {
        let began = Instant::now();
        until("what was lost is found", || {
            scene.exporter.scrape("it").text() == "it 2\n"
        });
        let took = began.elapsed();
        assert!(is_by(&scene, "it", "events"));
        assert!(times_lost(&scene) >= Some(1.0));
        news(&scene, "it 3\n");
        news(&scene, "it 4\n");
        (Outcome::good(took), ())
    });
}

#[test]
fn loses_events_when_its_queue_overflows() {
    lost("inotify queue overflows", |_| {});
}

/// Another directory with the number that one had which is gone.
fn reborn(directory: &Path) -> bool {
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
        // Nothing tells the new directory from the old one, which is watched no more.
        if !reborn(&scene.folder().join("it")) {
            println!("this file system gave the new directory another number");
        }
    });
}
