//! Errors of files that settings name.

use super::*;

#[test]
fn an_external_error_is_located_at_its_key() {
    let mut host = Host::new();
    host.selector("lib/a.toml", "a", "/a");
    host.selector("lib/b.toml", "b", "/b");
    host.selector("config.toml", "main", "/main");
    let against = |name: &'static str| {
        move |settings: &Settings| {
            let there = settings.selectors.iter().any(|one| one.name == name);
            let error = crate::ExternalError {
                key: ["bridge", "selectors", name, "path"]
                    .map(str::to_owned)
                    .into(),
                found: "it is invalid".into(),
            };
            there.then_some(error).into_iter().collect()
        }
    };
    let loaded = host
        .layers
        .load_with(&PathAccess::default(), &LastValid::default(), &against("a"))
        .unwrap();
    let names = loaded.settings.selectors.iter().map(|one| &*one.name);
    assert_eq!(names.collect::<Vec<_>>(), ["b", "main"]);
    let [warning] = loaded.warnings.as_slice() else {
        panic!("{:?}", loaded.warnings);
    };
    let expected = "lib/a.toml:3:8: bridge.selectors.a.path: it is invalid";
    assert!(warning.to_string().ends_with(expected), "{warning}");
    // Neither the main file nor a variable can be left out.
    let refused = |host: &Host, name| {
        let errors = host
            .layers
            .load_with(
                &PathAccess::default(),
                &LastValid::default(),
                &against(name),
            )
            .unwrap_err();
        errors.to_string()
    };
    let main = refused(&host, "main");
    assert!(main.contains("config.toml:3:8: bridge"), "{main}");
    let name = "LOCAL_EXPORTER__BRIDGE__SELECTORS__B__PATH".to_owned();
    host.layers.environment.insert(name, "/environment".into());
    let variable = refused(&host, "b");
    assert!(
        variable.starts_with("environment LOCAL_EXPORTER__BRIDGE__SELECTORS__B__PATH: "),
        "{variable}"
    );
    host.write("lib/c.toml", "[service]\n");
    host.write("config.toml", "[service]\nstrict_dropins = true\n");
    let strict = refused(&host, "a");
    assert_eq!(strict.lines().count(), 2, "{strict}");
}

#[test]
fn external_and_other_errors_are_reported_together_and_each_key_once() {
    let host = Host::new();
    host.write(
        "config.toml",
        "[service]\nport = \"x\"\ntls = true\nbearer_token_file = \"/t\"\n\
         [bridge.selectors.a]\nkind = \"usd\"\n",
    );
    let check = |settings: &Settings| {
        let error = |key: &str| crate::ExternalError {
            key: ["service", key].map(str::to_owned).to_vec(),
            found: "it is invalid".to_owned(),
        };
        assert!(settings.service.access.bearer_token_file.is_some());
        ["tls", "bearer_token_file"].map(error).to_vec()
    };
    let errors = host
        .layers
        .load_with(&PathAccess::default(), &LastValid::default(), &check)
        .unwrap_err();
    let keys: Vec<_> = errors.0.iter().map(|error| &*error.key).collect();
    let expected = [
        "service.port",
        "service.tls",
        "service.bearer_token_file",
        "bridge.selectors.a.kind",
    ];
    assert_eq!(keys, expected, "{errors}");
    assert!(errors.to_string().contains("true without a certificate"));
}
