//! The precedence of listeners.

use super::Given;
use local_exporter_config::{FlagValue, Listen, ListenAddress, Listeners};

fn every(ports: &[u16]) -> Listeners {
    let listen = |port: &u16| Listen::Tcp(ListenAddress::Every, *port);
    Listeners::Configured(ports.iter().map(listen).collect())
}

#[test]
fn the_last_layer_that_describes_listeners_replaces_all_others() {
    let old = Given::of("[service]\naddress = \"127.0.0.1\"\nport = 1\n");
    let new = Given::of("[service]\nlisten = [\":1\", \":2\"]\n");
    assert_eq!(new.listeners(), every(&[1, 2]));
    let listen = |layers: Given| layers.variable("SERVICE__LISTEN", ":3");
    assert_eq!(listen(old.clone()).listeners(), every(&[3]));
    assert_eq!(listen(new.clone()).listeners(), every(&[3]));
    let port = |layers: Given| layers.variable("SERVICE__PORT", "4");
    assert_eq!(port(new.clone()).listeners(), every(&[4]));
    let address = ListenAddress::One("127.0.0.1".parse().unwrap());
    let kept = Listeners::Configured(vec![Listen::Tcp(address, 4)]);
    assert_eq!(port(old.clone()).listeners(), kept);
    let flags = FlagValue::Texts(vec![":5".into(), ":6".into()]);
    for layers in [
        old.clone(),
        new.clone(),
        port(old.clone()),
        port(new.clone()),
    ] {
        let layers = layers.flag("--web.listen-address", "listen", flags.clone());
        assert_eq!(layers.listeners(), every(&[5, 6]));
    }
    // Both in one layer are ambiguous.
    let found = port(listen(old)).read().unwrap_err();
    let expected = "environment LOCAL_EXPORTER__SERVICE__LISTEN: service.listen: \
                    `listen` together with `address` or `port`, expected only one of the two";
    assert_eq!(found, expected);
}

#[test]
fn the_sockets_of_systemd_replace_all_others() {
    let layers = Given::of("[service]\nlisten = \":1\"\n");
    let layers = layers.flag("--web.systemd-socket", "systemd_socket", FlagValue::Given);
    assert_eq!(layers.listeners(), Listeners::Systemd);
    // Unused keys are checked as well.
    let layers = Given::of("[service]\nport = -1\nsystemd_socket = true\n");
    assert!(
        layers
            .read()
            .unwrap_err()
            .starts_with("FILE:2:8: service.port")
    );
}
