//! Reconciliation compared with a model, and its effect on scrapes in progress.

mod scrapes;

use crate::admission::GlobalLimit;
use crate::metrics::Metrics;
use crate::registry::thread::ActorThread;
use crate::registry::{ActorThreads, Changes, Reconciliation, Registry, SelectorHandle};
use crate::report::State;
use crate::status::Status;
use local_exporter_config::{Environment, Input, Selector, load};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(30);

/// The part of a selector that reconciliation compares: its source and its discovery settings.
type Form = (u8, u8);

fn selectors(forms: &BTreeMap<u8, Form>) -> Vec<Selector> {
    let mut text = "[bridge.selectors]\n".to_owned();
    for (name, (source, _)) in forms {
        let kind = ["uds", "file"][usize::from(source % 2)];
        writeln!(
            text,
            "s{name} = {{ kind = {kind:?}, path = \"/nowhere/{source}\" }}"
        )
        .unwrap();
    }
    let input = Input {
        name: "test".into(),
        text,
    };
    let mut selectors = load(Some(&input), &Environment::new()).unwrap().selectors;
    for (selector, (_, discovery)) in selectors.iter_mut().zip(forms.values()) {
        let interval = (*discovery > 0).then(|| Duration::from_secs((*discovery).into()));
        selector.discovery.scrape_interval = interval;
    }
    selectors
}

/// The expected changes from one configuration to the next.
fn expected(old: &BTreeMap<u8, Form>, new: &BTreeMap<u8, Form>) -> Changes {
    let names = |chosen: &dyn Fn(&u8, &Form) -> bool, of: &BTreeMap<u8, Form>| {
        let chosen = of.iter().filter(|(name, form)| chosen(name, form));
        chosen.map(|(name, _)| format!("s{name}")).collect()
    };
    let was = |name: &u8| old.get(name);
    Changes {
        kept: new
            .iter()
            .filter(|(name, form)| was(name) == Some(form))
            .count(),
        amended: names(
            &|name, form| was(name).is_some_and(|was| was.0 == form.0 && was.1 != form.1),
            new,
        ),
        replaced: names(
            &|name, form| was(name).is_some_and(|was| was.0 != form.0),
            new,
        ),
        added: names(&|name, _| was(name).is_none(), new),
        removed: names(&|name, _| !new.contains_key(name), old),
    }
}

fn statuses(registry: &Registry) -> Vec<(String, Arc<Status>)> {
    let status =
        |handle: &Arc<SelectorHandle>| (handle.spec().name.clone(), Arc::clone(&handle.status));
    registry.iter().map(status).collect()
}

/// Reconciles the registry and compares it with the model; `forms` are those before and after.
fn step(scene: &Scene, registry: &Registry, forms: [&BTreeMap<u8, Form>; 2]) -> Registry {
    let reconciliation = scene.reconcile(registry, selectors(forms[1]));
    assert_eq!(reconciliation.changes, expected(forms[0], forms[1]));
    let names = reconciliation
        .registry
        .iter()
        .map(|handle| handle.spec().clone());
    assert_eq!(names.collect::<Vec<_>>(), selectors(forms[1]));
    for handle in reconciliation.registry.iter() {
        let name = &handle.spec().name;
        let Some(before) = registry.get(name) else {
            continue;
        };
        let same_actor = Arc::ptr_eq(&before.status, &handle.status);
        let stays = !reconciliation.changes.replaced.contains(name);
        assert_eq!(same_actor, stays, "{name}");
        let kept = before.spec() == handle.spec();
        assert_eq!(Arc::ptr_eq(before, handle), kept, "{name}");
    }
    reconciliation.registry
}

struct Scene {
    threads: ActorThreads,
    metrics: Metrics,
    prometheus_registry: prometheus::Registry,
}

impl Scene {
    fn new() -> Self {
        let prometheus_registry = prometheus::Registry::new();
        Self {
            threads: ActorThreads::start(GlobalLimit::unlimited()).unwrap(),
            metrics: Metrics::register(&prometheus_registry).unwrap(),
            prometheus_registry,
        }
    }

    fn reconcile(&self, registry: &Registry, selectors: Vec<Selector>) -> Reconciliation {
        registry.reconcile(selectors, &self.threads, &self.metrics)
    }

    fn actors(&self) -> Vec<usize> {
        let threads = self.threads.handles.all();
        threads.iter().map(ActorThread::actors).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn only_selectors_that_changed_get_new_actors(
        forms in vec(btree_map(0..8_u8, (0..4_u8, 0..3_u8), 0..8), 1..12),
    ) {
        actix_rt::System::new().block_on(async {
            let scene = Scene::new();
            let (mut registry, mut before) = (Registry::default(), BTreeMap::new());
            for after in forms {
                registry = step(&scene, &registry, [&before, &after]);
                prop_assert_eq!(scene.actors().iter().sum::<usize>(), after.len());
                before = after;
            }
            let statuses = statuses(&registry);
            drop(registry);
            for (name, status) in statuses {
                let end = Instant::now() + PATIENCE;
                while status.state() != State::Stopped {
                    prop_assert!(Instant::now() < end, "{} still runs", name);
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            Ok(())
        })?;
    }
}

#[test]
fn new_actors_are_placed_on_the_least_loaded_thread() {
    actix_rt::System::new().block_on(async {
        let scene = Scene::new();
        let count = u8::try_from(scene.threads.handles.all().len()).unwrap();
        let all: BTreeMap<u8, Form> = (0..4 * count).map(|name| (name, (0, 0))).collect();
        let mut registry = scene
            .reconcile(&Registry::default(), selectors(&all))
            .registry;
        assert!(scene.actors().iter().all(|actors| *actors == 4));

        // Only the selectors on the first thread remain.
        let stay = all.iter().filter(|(name, _)| **name % count == 0);
        let mut forms: BTreeMap<u8, Form> = stay.map(|(name, form)| (*name, *form)).collect();
        registry = scene.reconcile(&registry, selectors(&forms)).registry;
        let expected = |(index, actors): (usize, &usize)| *actors == if index == 0 { 4 } else { 0 };
        assert!(scene.actors().iter().enumerate().all(expected));

        forms.extend((100..100 + 4 * (count - 1)).map(|name| (name, (0, 0))));
        registry = scene.reconcile(&registry, selectors(&forms)).registry;
        assert!(scene.actors().iter().all(|actors| *actors == 4));
        drop(registry);
    });
}
