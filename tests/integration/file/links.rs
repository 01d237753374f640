//! Links in directories: a daemon cannot read files through the exporter that it cannot read itself.

use crate::support::{Exporter, get, program, quoted, until};
use local_exporter_skip::skip;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::PathBuf;
use tempfile::TempDir;

/// The user of the daemon that may write to the directory `it`.
const DAEMON: u32 = 61_001;
const TOKEN: &str = "secret_of_the_other 1\n";

/// A daemon's directory beside the files of a protected selector, and an exporter that serves both.
struct Scene {
    folder: TempDir,
    exporter: Exporter,
}

impl Scene {
    /// `None` if this is not root, who alone can create files of other users.
    fn start(more: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            skip("only root can create files of other users");
            return None;
        }
        let folder = tempfile::tempdir_in(std::env::temp_dir().canonicalize().unwrap()).unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("it")).unwrap();
        fs::create_dir(at("other")).unwrap();
        lchown(at("it"), Some(DAEMON), None).unwrap();
        fs::write(at("token"), TOKEN).unwrap();
        fs::write(at("other/other.prom"), "other 1\n").unwrap();
        for file in ["token", "other/other.prom"] {
            fs::set_permissions(at(file), Permissions::from_mode(0o600)).unwrap();
        }
        let exporter = Exporter::start(&format!(
            "[bridge.selectors.it]\nkind = \"file\"\npath = {}\nrefresh = \"200ms\"\n{more}\n\
             [bridge.selectors.other]\nkind = \"file\"\npath = {}\nbearer_token_file = {}\n",
            quoted(&at("it")),
            quoted(&at("other")),
            quoted(&at("token")),
        ));
        Some(Self { folder, exporter })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The daemon creates a link in its directory.
    fn link(&self, name: &str, target: &str) {
        let temporary = self.at("it/new");
        symlink(self.at(target), &temporary).unwrap();
        lchown(&temporary, Some(DAEMON), None).unwrap();
        fs::rename(temporary, self.at("it").join(name)).unwrap();
    }

    /// Everything that a client without the token, or a reader of the log, can see.
    fn visible(&self) -> String {
        let pages = [
            "/bridge?selector=it",
            "/bridge?selector=it&debug=true",
            "/debug/actors",
        ];
        let pages = pages.map(|page| self.exporter.get(page).text());
        pages.concat() + &self.exporter.log().join("\n")
    }

    #[track_caller]
    fn is_denied(&self, cause: &str) {
        until(cause, || self.exporter.scrape("it").text().contains(cause));
        self.exporter.scrape("it").assert_error(502, "it", "denied");
        let visible = self.visible();
        assert!(!visible.contains("secret_of_the_other"), "{visible}");
        assert!(!visible.contains("\nother 1"), "{visible}");
    }
}

#[test]
fn a_link_of_a_daemon_to_a_token_or_to_a_protected_file_is_denied() {
    let Some(scene) = Scene::start("") else {
        return;
    };
    scene.link("it.prom", "other/other.prom");
    scene.is_denied("follow_links = \"all\" allows it");
    scene.link("it.prom", "token");
    scene.is_denied("follow_links = \"all\" allows it");
    // The owner of the target may.
    fs::write(scene.at("own"), "own 1\n").unwrap();
    lchown(scene.at("own"), Some(DAEMON), None).unwrap();
    scene.link("it.prom", "own");
    until("the daemon's own file is served", || {
        scene.exporter.scrape("it").body == b"own 1\n"
    });
}

#[test]
fn a_token_is_never_served_by_whatever_name() {
    let Some(scene) = Scene::start("follow_links = \"all\"") else {
        return;
    };
    let cause = "is a token, key or web configuration file of the exporter";
    scene.link("it.prom", "other/other.prom");
    until("every link is followed", || {
        scene.exporter.scrape("it").body == b"other 1\n"
    });
    scene.link("it.prom", "token");
    scene.is_denied(cause);
    fs::remove_file(scene.at("it/it.prom")).unwrap();
    fs::hard_link(scene.at("token"), scene.at("it/it.prom")).unwrap();
    scene.is_denied(cause);
    // A token that was replaced is recognised at once.
    fs::remove_file(scene.at("it/it.prom")).unwrap();
    fs::write(scene.at("next"), TOKEN.replace('1', "2")).unwrap();
    fs::hard_link(scene.at("next"), scene.at("it/it.prom")).unwrap();
    fs::rename(scene.at("next"), scene.at("token")).unwrap();
    scene.is_denied(cause);
}

#[test]
fn a_token_that_is_named_explicitly_is_never_served() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, TOKEN).unwrap();
    let exporter = Exporter::start(&format!(
        "[bridge.selectors.it]\nkind = \"file\"\npath = {path}\n\
         [bridge.selectors.other]\nkind = \"file\"\npath = \"/nowhere\"\nbearer_token_file = {path}\n",
        path = quoted(&token)
    ));
    let reply = exporter.scrape("it");
    reply.assert_error(502, "it", "denied");
    assert!(!reply.text().contains("secret_of_the_other"));
    let scrape = get(&exporter.url("/debug/actors"), &[]).text();
    assert!(!scrape.contains("secret_of_the_other"), "{scrape}");
}

#[test]
fn check_names_the_link_its_owner_and_the_key() {
    let Some(scene) = Scene::start("") else {
        return;
    };
    scene.link("it.prom", "other/other.prom");
    let mut command = program();
    let configuration = scene.exporter.configuration();
    command
        .args(["check", "it", "--config.file"])
        .arg(configuration);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let (link, target) = (scene.at("it/it.prom"), scene.at("other/other.prom"));
    let expected = format!(
        "it: denied: the link {} is not followed: it leads out of its directory to {}, and uid {DAEMON}, \
         which owns the link, is neither root nor uid 0, which owns the target; have root or uid 0 \
         create the link, or set `follow_links = \"all\"`\n",
        link.display(),
        target.display()
    );
    assert_eq!(text, expected);
}

#[test]
fn a_pattern_lists_no_directory_to_which_a_daemon_linked() {
    let Some(scene) = Scene::start("") else {
        return;
    };
    fs::write(scene.at("other/named_only_here.txt"), "").unwrap();
    fs::set_permissions(scene.at("other"), Permissions::from_mode(0o700)).unwrap();
    let exporter = Exporter::start(&format!(
        "[bridge.selectors.it]\nkind = \"file\"\npath = {}\nrefresh = \"200ms\"\n",
        quoted(&scene.at("it/*"))
    ));
    scene.link("away", "other");
    until("the link is denied", || {
        exporter
            .scrape("it")
            .text()
            .contains("follow_links = \"all\" allows it")
    });
    let page = exporter.get("/debug/actors").text();
    assert!(!page.contains("named_only_here"), "{page}");
    assert!(!page.contains("other.prom"), "{page}");
}

/// The layout in which the kubelet mounts a `ConfigMap`.
#[test]
fn a_config_map_is_served() {
    let Some(scene) = Scene::start("") else {
        return;
    };
    let at = |name: &str| scene.at("it").join(name);
    fs::create_dir(at("..2026")).unwrap();
    fs::write(at("..2026/it.prom"), "config_map 1\n").unwrap();
    for (target, name) in [("..2026", "..data"), ("..data/it.prom", "it.prom")] {
        symlink(target, at(name)).unwrap();
        lchown(at(name), Some(DAEMON), None).unwrap();
    }
    until("it is served", || {
        scene.exporter.scrape("it").body == b"config_map 1\n"
    });
}
