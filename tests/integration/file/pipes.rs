//! A path that leads to a FIFO: its writer notices nothing of the exporter.

use crate::support::{Exporter, make_fifo, quoted, until};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::time::{Duration, Instant};

#[test]
fn a_pipe_at_a_configured_path_is_never_opened() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("it.prom");
    make_fifo(&pipe);
    // A writer that opens without waiting succeeds only while a reader has the pipe open (fifo(7)).
    let has_reader = || {
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match rustix::fs::open(&pipe, flags, Mode::empty()) {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error, Errno::NXIO);
                false
            }
        }
    };
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut opened = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                opened += u32::from(has_reader());
            }
            opened
        });
        let config = format!(
            "[bridge.selectors]\nit = {{ kind = \"file\", path = {}, refresh = \"100ms\" }}\n",
            quoted(&pipe)
        );
        let exporter = Exporter::start(&config);
        exporter.scrape("it").assert_error(502, "it", "unsuitable");
        let began = Instant::now();
        until("many looks have ended", || {
            began.elapsed() > Duration::from_secs(2)
        });
        exporter.scrape("it").assert_error(502, "it", "unsuitable");
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(writer.join().unwrap(), 0);
    });
}
