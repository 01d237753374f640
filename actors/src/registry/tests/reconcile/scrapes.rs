//! Scrapes during and after a reconciliation.

use super::{PATIENCE, Scene};
use crate::registry::Registry;
use crate::report::State;
use crate::scrape::Accepted;
use local_exporter_config::{Environment, Input, load};
use local_exporter_daemons::promsock::PromSock;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// A daemon that responds when the test releases it.
fn held_daemon(path: &std::path::Path) -> (PromSock, Sender<()>) {
    let (release, held) = channel();
    let held = Mutex::new(held);
    let respond = move || {
        let _ = held.lock().unwrap().recv_timeout(PATIENCE);
        b"old 1\n".to_vec()
    };
    (PromSock::bind(path, respond).unwrap(), release)
}

#[test]
fn a_scrape_in_progress_is_completed_by_the_actor_that_started_it() {
    actix_rt::System::new().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("old"), folder.path().join("new"));
        let (daemon, release) = held_daemon(&path);
        let _other = PromSock::bind(&other, || b"new 1\n".to_vec()).unwrap();
        let scene = Scene::new();
        let at = |path: &std::path::Path| {
            let text = format!(
                "[bridge.defaults]\ntimeout = \"30s\"\n\
                 [bridge.selectors]\nit = {{ kind = \"uds\", path = {path:?} }}\n"
            );
            let name = "test".into();
            load(Some(&Input { name, text }), &Environment::new())
                .unwrap()
                .selectors
        };
        let registry = scene.reconcile(&Registry::default(), at(&path)).registry;
        let handle = Arc::clone(registry.get("it").unwrap());
        let status = Arc::clone(&handle.status);
        let in_progress =
            actix_rt::spawn(async move { handle.scrape(PATIENCE, Accepted::EVERYTHING).await });
        while status.snapshot().in_flight == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }

        let reconciled = scene.reconcile(&registry, at(&other)).registry;
        drop(registry);
        let handle = reconciled.get("it").unwrap();
        let result = handle.scrape(PATIENCE, Accepted::EVERYTHING).await.unwrap();
        assert_eq!(&result.body[..], b"new 1\n");
        assert_eq!(status.state(), State::Running, "its scrape is in progress");

        release.send(()).unwrap();
        let result = in_progress.await.unwrap().unwrap();
        assert_eq!(&result.body[..], b"old 1\n");
        let end = Instant::now() + PATIENCE;
        while status.state() != State::Stopped {
            assert!(Instant::now() < end);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(status);
        // Both scrapes count for the selector, whose state is that of the new actor.
        assert_eq!(handle.snapshot().scrapes, 2);
        let text = prometheus::TextEncoder::new();
        let text = text
            .encode_to_string(&scene.prometheus_registry.gather())
            .unwrap();
        let running = "local_exporter_actor_state{selector=\"it\",state=\"running\"} 1";
        assert!(text.contains(running), "{text}");
        assert_eq!(daemon.served(), 1);
    });
}

#[test]
fn new_caches_are_filled_before_the_first_scrape() {
    actix_rt::System::new().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("m.prom");
        std::fs::write(&file, "a 1\n").unwrap();
        let text = format!(
            "[bridge.selectors]\nfile = {{ kind = \"file\", path = {file:?} }}\n\
             bare = {:?}\nsocket = {{ kind = \"uds\", path = \"/nowhere\" }}\n",
            folder.path(),
        );
        let input = Input {
            name: "test".into(),
            text,
        };
        let selectors = load(Some(&input), &Environment::new()).unwrap().selectors;
        let scene = Scene::new();
        let reconciliation = scene.reconcile(&Registry::default(), selectors);
        reconciliation.ready(PATIENCE).await;
        let cached = |name: &str| {
            reconciliation
                .registry
                .get(name)
                .unwrap()
                .snapshot()
                .cache
                .is_some()
        };
        assert!(cached("file") && cached("bare") && !cached("socket"));
    });
}
