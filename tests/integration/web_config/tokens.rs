//! Our additions to the toolkit: tokens and networks, for the service and for single selectors.

use super::{Web, bcrypt, selector};
use crate::support::{Exporter, Reply, get, make_fifo, program, quoted, until};

fn bearer(exporter: &Exporter, path: &str, token: &str) -> Reply {
    let value = format!("Bearer {token}");
    get(&exporter.url(path), &[("Authorization", &value)])
}

#[test]
fn a_token_is_accepted_and_read_again() {
    let web = Web::new();
    web.write("token", "first\n");
    let token = format!("bearer_token_file = {}\n", quoted(&web.path("token")));
    let exporter = Exporter::start(&token);
    let reply = exporter.get("/");
    assert_eq!((reply.status, &*reply.text()), (401, "Unauthorized\n"));
    assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    let statuses = || ["first", "second", "firs", ""].map(|t| bearer(&exporter, "/", t).status);
    assert_eq!(statuses(), [200, 401, 401, 401]);
    web.write("token", "second");
    assert_eq!(statuses(), [401, 200, 401, 401]);
    std::fs::remove_file(web.path("token")).unwrap();
    assert_eq!(statuses(), [500, 500, 500, 401]);
    // A FIFO without a writer does not block.
    make_fifo(&web.path("token"));
    assert_eq!(statuses(), [500, 500, 500, 401]);
    std::fs::remove_file(web.path("token")).unwrap();
    web.write("token", "third");
    assert_eq!(bearer(&exporter, "/", "third").status, 200);
}

#[test]
fn a_user_or_a_token_is_sufficient() {
    let web = Web::new();
    web.write("token", "t0k3n");
    let token = format!("bearer_token_file = {}\n", quoted(&web.path("token")));
    let users = format!("basic_auth_users:\n  a: {}\n", bcrypt("b"));
    let exporter = web.start(&users, &token);
    let reply = exporter.get("/");
    let challenges = reply
        .headers
        .iter()
        .filter(|(name, _)| name == "www-authenticate");
    let challenges = challenges.map(|(_, value)| &**value).collect::<Vec<_>>();
    assert_eq!((reply.status, challenges), (401, vec!["Basic", "Bearer"]));
    assert_eq!(bearer(&exporter, "/", "t0k3n").status, 200);
    let authorization = [("Authorization", "Basic YTpi")];
    assert_eq!(get(&exporter.url("/"), &authorization).status, 200);
}

#[test]
fn clients_of_other_networks_are_refused_first() {
    let web = Web::new();
    let users = format!("basic_auth_users:\n  a: {}\n", bcrypt("b"));
    let exporter = web.start(
        &users,
        "allow_from = [\"192.0.2.0/24\", \"2001:db8::/32\"]\n",
    );
    for path in ["/", "/metrics", "/-/healthy", "/bridge?selector=a"] {
        let reply = exporter.get(path);
        assert_eq!(
            (reply.status, &*reply.text()),
            (403, "Forbidden\n"),
            "{path}"
        );
        assert_eq!(reply.header("www-authenticate"), None);
    }
    let exporter = Exporter::start("allow_from = [\"127.0.0.0/8\"]\n");
    assert_eq!(exporter.get("/").status, 200);
}

#[test]
fn a_selector_may_have_a_token_and_networks_of_its_own() {
    let web = Web::new();
    web.write("all", "all");
    web.write("own", "own");
    let source = selector(web.folder.path());
    let exporter = Exporter::start(&format!(
        "bearer_token_file = {}\n[bridge.selectors.open]\n{source}\
         [bridge.selectors.secret]\n{source}bearer_token_file = {}\n\
         [bridge.selectors.far]\n{source}allow_from = [\"192.0.2.0/24\"]\n",
        quoted(&web.path("all")),
        quoted(&web.path("own")),
    ));
    let status = |path: &str, token: &str| bearer(&exporter, path, token).status;
    let scrape =
        |selector: &str, token: &str| status(&format!("/bridge?selector={selector}"), token);
    assert_eq!([scrape("open", "all"), scrape("open", "own")], [200, 401]);
    assert_eq!(
        [scrape("secret", "all"), scrape("secret", "own")],
        [401, 200]
    );
    assert_eq!([scrape("far", "all"), scrape("far", "own")], [403, 403]);
    // In any notation of the path, the selector's token gives access to the selector only.
    assert_eq!(status("/%62ridge?selector=secret", "all"), 401);
    assert_eq!(status("/bridge?s%65lector=secret", "all"), 401);
    assert_eq!(status("/metrics?selector=secret", "own"), 401);
    assert_eq!(status("/bridge?selector=open&selector=secret", "own"), 401);
    // A request with two selectors is no scrape, so the first one's token gives access to nothing.
    assert_eq!(status("/bridge?selector=secret&selector=open", "own"), 400);
}

#[test]
fn the_configuration_page_shows_no_contents_of_its_files() {
    let web = Web::new();
    web.write("token", "hunter2");
    let hash = bcrypt("hunter3");
    let more = format!("bearer_token_file = {}\n", quoted(&web.path("token")));
    let exporter = web.start(&format!("basic_auth_users:\n  alice: {hash}\n"), &more);
    let reply = bearer(&exporter, "/config", "hunter2");
    let (status, page) = (reply.status, reply.text());
    for file in ["token", "web.yml"] {
        assert!(page.contains(&quoted(&web.path(file))), "{status} {page}");
    }
    for secret in ["hunter2", "alice", &hash] {
        assert!(!page.contains(secret), "{page}");
    }
}

#[test]
fn the_content_of_an_invalid_protected_body_is_shown_only_to_its_scraper() {
    let web = Web::new();
    web.write("own", "own");
    std::fs::create_dir(web.path("files")).unwrap();
    let content = "a{secret=\"in_the_body\"} x\n";
    std::fs::write(web.path("files/a.prom"), content).unwrap();
    let path = quoted(&web.path("files"));
    let exporter = Exporter::start(&format!(
        "[bridge.selectors.it]\nkind = \"file\"\npath = {path}\nbearer_token_file = {}\n",
        quoted(&web.path("own")),
    ));
    let scraped = bearer(&exporter, "/bridge?selector=it", "own").text();
    assert!(scraped.contains("in_the_body"), "{scraped}");
    // A valid file beside it: the error is that of one file now.
    std::fs::write(web.path("files/b.prom"), "b 1\n").unwrap();
    until("the other file is served", || {
        bearer(&exporter, "/bridge?selector=it", "own").body == b"b 1\n"
    });
    until("the error is reported", || {
        exporter.actor("it")["cache"]["files"][0]["error"].is_string()
    });
    let page = exporter.get("/debug/actors").text();
    assert!(page.contains("access rules of its own"), "{page}");
    assert!(!page.contains("in_the_body"), "{page}");
    let log = exporter.log().join("\n");
    assert!(log.contains("access rules of its own"), "{log}");
    assert!(!log.contains("in_the_body"), "{log}");
    assert!(!exporter.get("/metrics").text().contains("in_the_body"));
    // The command shows it to a user who can read the files.
    let mut command = program();
    command
        .arg("check")
        .arg("--config.file")
        .arg(exporter.configuration());
    let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(output.contains("in_the_body"), "{output}");
}
