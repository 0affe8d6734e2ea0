//! Regions, bindings and resolution at the command line.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::{Cli, Terminal};
use crate::support::account::unique;
use crate::support::samples::{basic, registry, tls};
use crate::support::server::eventually;
use crate::support::{Account, Server};

/// An account that uses a region of its own, which is a directory.
struct World {
    account: Account,
    cli: Cli,
    region: String,
    path: PathBuf,
}

impl World {
    async fn new() -> Self {
        let account = Account::new().await;
        let cli = operator(&account);
        let path = cli.home().join("region");
        let region = unique("r");
        let setting = format!("path={}", path.display());
        cli.run(&["region", "create", &region, "--target", "directory", "--set", &setting]).ok();
        cli.run(&["region", "attach", &region]).ok();
        Self { account, cli, region, path }
    }

    fn file(&self, credential: &str, artifact: &str) -> PathBuf {
        self.path.join(&self.account.name).join(credential).join(artifact)
    }
}

fn operator(account: &Account) -> Cli {
    Cli::at(&account.server, &account.operator).env("BURSAR_ACCOUNT", &account.name)
}

async fn goes(path: &Path) -> bool {
    eventually(Duration::from_secs(30), async || !path.exists()).await
}

#[tokio::test]
async fn a_regions_life() {
    let server = Server::shared().await;
    let cli = Cli::at(&server, &server.operator());
    let (name, renamed) = (unique("r"), unique("r"));
    assert!(cli.run(&["region", "targets"]).ok().stdout.contains("directory"));
    assert!(cli.run(&["region", "targets", "directory"]).ok().stdout.contains("directoryMode"));
    cli.run(&["region", "targets", "nothing"]).code(3);

    let setting = format!("path={}", cli.home().join("region").display());
    let create = ["region", "create", &name, "--target", "directory", "--set", &setting, "--title", "Europe"];
    cli.run(&create).ok();
    cli.run(&create).code(5);
    assert!(cli.run(&["region", "list"]).ok().stdout.contains(&name));
    let shown = cli.run(&["region", "show", &name, "--output", "json"]).ok().json();
    assert_eq!((&shown["title"], &shown["target"]), (&json!("Europe"), &json!("directory")));

    let refused = cli.run(&["region", "update", &name, "--set", "mode=0666"]).code(1);
    assert!(refused.stderr.contains("/settings/mode"), "{}", refused.stderr);
    cli.run(&["region", "update", &name]).code(2);
    let update = ["region", "update", &name, "--name", &renamed, "--set", "mode=0640", "--drift", "report"];
    cli.run(&update).ok();
    let shown = cli.run(&["region", "show", &renamed, "--output", "json"]).ok().json();
    assert_eq!((&shown["settings"]["mode"], &shown["drift"]), (&json!("0640"), &json!("report")));
    cli.run(&["region", "update", &renamed, "--unset", "mode"]).ok();
    let shown = cli.run(&["region", "show", &renamed, "--output", "json"]).ok().json();
    assert!(shown["settings"].get("mode").is_none(), "{shown}");

    for (command, mode) in [("pause", "paused"), ("drain", "draining"), ("resume", "active")] {
        assert!(cli.run(&["region", command, &renamed]).ok().stdout.contains(mode), "{command}");
    }
    cli.run(&["region", "delete", &renamed]).ok();
    cli.run(&["region", "show", &renamed]).code(3);
}

#[tokio::test]
async fn making_regions_is_the_operators() {
    let account = Account::new().await;
    let cli = Cli::managing(&account);
    cli.run(&["region", "create", &unique("r"), "--target", "directory", "--set", "path=/nowhere"]).code(4);
    cli.run(&["region", "drain", "nothing", "--yes"]).code(4);
    cli.run(&["region", "ensure", "nothing"]).code(3);
    cli.run(&["region", "create", "x", "--target", "directory", "--login", "half"]).code(2);
}

#[tokio::test]
async fn a_secret_setting_never_comes_from_the_command_line() {
    let server = Server::shared().await;
    let cli = Cli::at(&server, &server.operator());
    let name = unique("r");
    let create = ["region", "create", &name, "--target", "webhook", "--set", "url=http://127.0.0.1:9/hook"];
    let refused = cli.run(&[&create[..], &["--set", "secret=hunter2-hunter2-hunter2"]].concat()).code(2);
    assert!(refused.stderr.contains("/settings/secret") && !refused.stderr.contains("hunter2"), "{}", refused.stderr);
    let file = cli.file("secret", "hunter2-hunter2-hunter2\n");
    let from_file = format!("secret={}", file.display());
    let made = cli.run(&[&create[..], &["--secret-file", &from_file, "--output", "json"]].concat()).ok();
    let shown = cli.run(&["region", "show", &name]).ok();
    assert!(!made.stdout.contains("hunter2") && !shown.stdout.contains("hunter2"), "{made:?} {shown:?}");
    cli.run(&["region", "delete", &name]).ok();
}

#[tokio::test]
async fn whose_a_region_is_and_what_is_pushed_there_are_said_by_name() {
    let world = World::new().await;
    let other = Account::on(&world.account.server).await;
    let accounts = || {
        let shown = world.cli.run(&["region", "show", &world.region, "--output", "json"]).ok().json();
        shown["accounts"].clone()
    };
    assert_eq!(accounts(), json!(null));
    let refused = world.cli.run(&["region", "update", &world.region, "--open-to", &other.name]).code(5);
    assert!(refused.stderr.contains(&format!("account {}", world.account.name)), "{}", refused.stderr);
    let both = ["region", "update", &world.region, "--open-to", &world.account.name, "--open-to", &other.name];
    world.cli.run(&both).ok();
    assert_eq!(accounts().as_array().map(Vec::len), Some(2));
    Cli::managing(&Account::on(&world.account.server).await).run(&["region", "show", &world.region]).code(3);

    world.account.create(basic("staging")).await;
    let attach = ["region", "attach", &world.region, "--type", "tls-certificate", "--output", "json"];
    assert_eq!(world.cli.run(&attach).ok().json()["types"], json!(["tls-certificate"]));
    let ensured = world.cli.run(&["region", "ensure", &world.region, "--output", "json"]).ok().json();
    assert_eq!(ensured["synced"], json!(0));
    let wrong = world.cli.run(&["region", "attach", &world.region, "--type", "no-such"]).code(1);
    assert!(wrong.stderr.contains("/types/0"), "{}", wrong.stderr);

    let narrow = ["region", "update", &world.region, "--open-to", &other.name, "--force"];
    world.cli.run(&narrow).ok();
    assert_eq!(accounts(), json!([other.name]));
    world.cli.run(&["region", "update", &world.region, "--open-to-all"]).ok();
    assert_eq!(accounts(), json!(null));
}

/// S0-40.
#[tokio::test]
async fn ensure_ends_when_all_is_in_place_and_does_nothing_the_second_time() {
    let world = World::new().await;
    world.account.create(basic("staging")).await;
    world.account.create(registry("ghcr")).await;
    let ensured = world.cli.run(&["region", "ensure", &world.region, "--output", "json"]).ok().json();
    assert_eq!(ensured, json!({ "region": world.region, "ready": true, "synced": 2, "failed": [] }));
    let file = fs::read_dir(world.path.join(&world.account.name).join("ghcr")).expect("it is there");
    let file = file.flatten().next().expect("a file").path();
    let stamp = || fs::metadata(&file).map(|metadata| (metadata.ino(), metadata.mtime_nsec())).expect("it is there");
    let before = stamp();
    assert!(world.cli.run(&["region", "ensure", &world.region]).ok().stdout.contains("2 in place"));
    assert_eq!(stamp(), before);
    assert!(world.cli.run(&["region", "plan", &world.region]).ok().stdout.contains("2 unchanged"));
    assert!(world.cli.run(&["region", "attached"]).ok().stdout.contains(&world.region));

    world.cli.run(&["region", "detach", &world.region]).ok();
    assert!(goes(&file).await, "{} stays", file.display());
}

#[tokio::test]
async fn ensure_names_what_is_not_in_place() {
    let world = World::new().await;
    let theirs = world.file("ghcr", "theirs");
    fs::create_dir_all(theirs.parent().expect("a folder")).expect("a folder");
    fs::write(&theirs, "theirs").expect("a file");
    world.account.create(basic("staging")).await;
    world.account.create(registry("ghcr")).await;
    for work in ["ensure", "sync"] {
        let refused = world.cli.run(&["region", work, &world.region]).code(5);
        assert!(refused.stdout.contains("ghcr") && !refused.stdout.contains("staging"), "{work}: {refused:?}");
        assert!(refused.stderr.contains("1 credential is not in place"), "{work}: {refused:?}");
        assert_eq!(world.cli.run(&["region", work, &world.region, "--quiet"]).code(5).line(), "ghcr");
        let told = world.cli.run(&["region", work, &world.region, "--output", "json"]).code(5).json();
        assert_eq!((&told["ready"], &told["failed"][0]["credential"]), (&json!(false), &json!("ghcr")));
    }
    let plan = world.cli.run(&["region", "plan", &world.region]).ok().stdout;
    assert!(plan.contains("foreign"), "{plan}");
    assert_eq!(fs::read_to_string(&theirs).expect("it is there"), "theirs");
    fs::remove_dir_all(theirs.parent().expect("a folder")).expect("it was there");
    let synced = world.cli.run(&["credential", "sync", "ghcr"]).ok().stdout;
    assert!(synced.contains(&world.region), "{synced}");
    world.cli.run(&["region", "ensure", &world.region]).ok();
}

#[tokio::test]
async fn ensure_draws_a_bar_on_a_terminal() {
    let world = World::new().await;
    world.account.create(basic("staging")).await;
    let mut terminal = Terminal::run(&world.cli, &["region", "ensure", &world.region]);
    terminal.expect("1/1").expect("is ready: 1 in place");
    assert_eq!(terminal.end().0, 0);
}

#[tokio::test]
async fn an_account_chooses_formats_by_type() {
    let world = World::new().await;
    world.account.create(basic("staging")).await;
    world.account.create(registry("ghcr")).await;
    let formats = ["--format", "container-registry=docker/config.json", "--format", "basic-auth="];
    let attach = [&["region", "attach", &world.region, "--on-detach", "keep"][..], &formats].concat();
    world.cli.run(&attach).ok();
    world.cli.run(&["region", "ensure", &world.region]).ok();
    let file = world.file("ghcr", "config.json");
    assert!(fs::read_to_string(&file).expect("it is there").contains("ghcr.io"));
    assert!(!world.file("staging", "").exists());
    let detached = world.cli.run(&["region", "detach", &world.region, "--keep", "--remove"]);
    assert_eq!(detached.code, 2, "{detached:?}");
    world.cli.run(&["region", "detach", &world.region]).ok();
    assert!(!goes_soon(&file).await, "{} was to be kept", file.display());
}

/// Looks for a moment whether something goes that is to stay.
async fn goes_soon(path: &Path) -> bool {
    eventually(Duration::from_millis(1500), async || !path.exists()).await
}

#[tokio::test]
async fn what_is_bound_is_resolved_and_handed_out() {
    let account = Account::new().await;
    let cli = operator(&account);
    cli.run(&["resolve", "app:web", "image-pull"]).code(3);
    account.create(registry("ghcr")).await;
    let source = || cli.run(&["resolve", "app:web", "image-pull", "--output", "json"]).ok().json()["source"].clone();
    assert_eq!(source(), "default");
    cli.run(&["binding", "put", "app:web", "image-pull", "ghcr"]).ok();
    assert!(cli.run(&["binding", "list", "--consumer", "app:web"]).ok().stdout.contains("ghcr"));
    let found = cli.run(&["resolve", "app:web", "image-pull", "--output", "json"]).ok();
    assert_eq!(found.json()["credential"]["name"], "ghcr");
    assert!(!found.stdout.contains("s3cret"), "{}", found.stdout);

    let format = ["--format", "docker/config.json"];
    let config = cli.run(&[&["resolve", "app:web", "image-pull"][..], &format].concat()).ok().json();
    assert!(config["auths"]["ghcr.io"]["auth"].is_string(), "{config}");
    let out = cli.home().join("out");
    let folder = ["--output-dir", out.to_str().expect("a path that is text")];
    cli.run(&[&["resolve-image", "ghcr.io/org/app:1"][..], &format, &folder].concat()).ok();
    assert_eq!(fs::metadata(out.join("config.json")).expect("it was written").mode() & 0o777, 0o600);
    cli.run(&[&["resolve", "app:web", "image-pull"][..], &folder].concat()).code(2);
    cli.run(&["resolve-image", "quay.io/org/app:1"]).code(3);

    assert_eq!(source(), "binding");
    cli.run(&["binding", "delete", "app:web", "image-pull"]).ok();
    assert_eq!(source(), "default");
}

/// S0-43, S0-44.
#[tokio::test]
async fn certificates_are_listed_by_host() {
    let account = Account::new().await;
    account.create(tls("www")).await;
    let cli = operator(&account);
    assert!(cli.run(&["certificate", "list", "--host", "www.example.com"]).ok().stdout.contains("www"));
    assert_eq!(cli.run(&["certificate", "list", "--host", "other.example.com"]).ok().stdout, "");
    cli.run(&["certificate", "list"]).code(2);
}
