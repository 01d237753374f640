//! An error names the layer that contains it.

use super::{Given, text};
use local_exporter_config::FlagValue;

#[test]
fn an_error_names_its_layer() {
    let layers = Given::of("[service]\nport = true\n")
        .variable("SERVICE__LANDLOCK", "perhaps")
        .flag("--web.telemetry-path", "telemetry_path", text("metrics"))
        .flag("--web.enable-lifecycle", "lifecycle", FlagValue::Given);
    let expected = [
        "FILE:2:8: service.port: the boolean true, expected a port number from 0 (any free one) to 65535",
        "environment LOCAL_EXPORTER__SERVICE__LANDLOCK: service.landlock: \"perhaps\", expected true or false",
        "--web.telemetry-path: service.telemetry_path: \"metrics\", \
         expected an absolute path such as \"/metrics\" that is not another page of the exporter",
    ];
    assert_eq!(layers.read().unwrap_err(), expected.join("\n"));
}

#[test]
fn an_error_in_an_element_of_a_list_names_its_flag_or_variable() {
    let wrong = FlagValue::Texts(vec![":1".into(), "localhost:2".into()]);
    let layers = Given::of("[service]\nlisten = \":0\"\n")
        .variable("SERVICE__ALLOW_FROM", "[\"::1\", \"all\"]")
        .flag("--web.listen-address", "listen", wrong);
    let found = layers.read().unwrap_err();
    let lines: Vec<_> = found.lines().collect();
    assert_eq!(lines.len(), 2, "{found}");
    let variable =
        "environment LOCAL_EXPORTER__SERVICE__ALLOW_FROM: service.allow_from[1]: \"all\"";
    assert!(lines[0].starts_with(variable), "{found}");
    let flag = "--web.listen-address: service.listen[1]: \"localhost:2\"";
    assert!(lines[1].starts_with(flag), "{found}");
}
