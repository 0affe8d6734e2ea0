//! Signatures, ours and those of the `minisign` tool, either way round.

use std::os::unix::fs::PermissionsExt as _;

use super::guest::Guest;
use super::{Live, states, text};
use crate::cli::{Cli, Terminal};
use crate::support::tools::{run, tool};

#[tokio::test]
async fn only_signed_plugins_are_accepted_where_the_operator_says_so() {
    let cli = Cli::bare();
    let (password, key) = (cli.file("password", "correct horse\n"), cli.home().join("release.key"));
    let file = cli.file("live.wasm", Guest::asking("1.0.0", "api.example.com").bytes());
    let [password, key, file] = [&password, &key, &file].map(|path| path.to_str().expect("a printable path"));
    let made = cli.run(&["plugin", "sign", "--generate", "--key", key, "--password-file", password]).ok();
    let public = made.stdout.lines().last().expect("the public key").to_owned();
    assert!(public.starts_with("RW"), "{made:?}");
    assert_eq!(std::fs::metadata(key).expect("the key").permissions().mode() & 0o777, 0o600);
    cli.run(&["plugin", "sign", "--generate", "--key", key, "--password-file", password]).code(5);

    let wrong = cli.file("wrong", "battery staple\n");
    let wrong = wrong.to_str().expect("a printable path");
    let refused = cli.run(&["plugin", "sign", file, "--key", key, "--password-file", wrong]).code(1);
    assert!(refused.stderr.contains("not the password"), "{refused:?}");
    cli.run(&["plugin", "sign", file, "--key", key, "--password-file", password]).ok();

    let live = Live::start_with(|builder| {
        builder.env("BURSAR_PLUGINS__APPROVAL", "signed-only").env("BURSAR_PLUGINS__TRUSTED_KEYS", public.as_str())
    })
    .await;
    let bytes = std::fs::read(file).expect("the plugin");
    live.put("live.wasm", &bytes);
    let rejected = async || live.operator().get("/v1/plugins/live").await.body;
    super::until(&live.operator(), "nothing yet", <[_]>::is_empty).await;
    let start = std::time::Instant::now();
    while !text(&rejected().await["reason"]).contains("it is not signed") {
        assert!(start.elapsed() < super::LIMIT, "{}", rejected().await);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    live.put("live.wasm.minisig", &std::fs::read(format!("{file}.minisig")).expect("the signature"));
    let entries = live.until("in use", |entries| states(entries) == [("active", "1.0.0")]).await;
    assert_eq!(text(&entries[0]["signedBy"]), public);

    let inspected = cli.run(&["plugin", "inspect", file, "--trusted-key", &public]).ok().stdout;
    assert!(inspected.contains(&format!("good, by {public}")), "{inspected}");
    assert!(inspected.contains("reach api.example.com: It lives there."), "{inspected}");
    let inspected = cli.run(&["plugin", "inspect", file, "--output", "json"]).ok().json();
    assert_eq!((text(&inspected["id"]), text(&inspected["contractVersion"])), (Guest::ID, "0.1.0"));
    let junk = cli.file("junk.wasm", "junk");
    let refused = cli.run(&["plugin", "inspect", junk.to_str().expect("a printable path")]).code(1);
    assert!(refused.stderr.contains("not a WebAssembly component"), "{refused:?}");
}

#[test]
fn keys_and_signatures_are_those_of_minisign() {
    let cli = Cli::bare();
    let component = Guest::version("1.0.0").bytes();
    let (password, file) = (cli.file("password", "correct horse\n"), cli.file("a.wasm", &component));
    let home = cli.home().to_owned();
    let path = |name: &str| home.join(name).to_str().expect("a printable path").to_owned();
    let [password, file] = [&password, &file].map(|path| path.to_str().expect("a printable path").to_owned());

    // Ours, verified by theirs; and our key, used by theirs.
    let (key, public) = (path("ours.key"), path("ours.pub"));
    cli.run(&["plugin", "sign", &file, "--generate", "--key", &key, "--password-file", &password]).ok();
    let verified = run(tool("minisign", "minisign").args(["-V", "-p", &public, "-m", &file]));
    assert!(verified.output().contains("file:a.wasm"), "the trusted comment names the file");
    std::fs::write(&file, "other content").expect("a file");
    assert!(!run(tool("minisign", "minisign").args(["-V", "-p", &public, "-m", &file])).ok);
    std::fs::write(&file, &component).expect("a file");

    // Theirs, without a password, used by ours.
    let (key, public) = (path("theirs.key"), path("theirs.pub"));
    run(tool("minisign", "minisign").args(["-G", "-W", "-s", &key, "-p", &public])).output();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("our file");
    let refused = cli.run(&["plugin", "sign", &file, "--key", &key]).code(2);
    assert!(refused.stderr.contains("chmod 600"), "{refused:?}");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("our file");
    let signed = cli.run(&["plugin", "sign", &file, "--key", &key]).ok();
    let told = std::fs::read_to_string(&public).expect("the public key");
    assert_eq!(signed.stdout.lines().last(), told.lines().last());
    run(tool("minisign", "minisign").args(["-V", "-p", &public, "-m", &file])).output();

    // Theirs, judged by ours.
    run(tool("minisign", "minisign").args(["-S", "-W", "-s", &key, "-m", &file])).output();
    let public = told.lines().last().expect("the public key");
    let judged = cli.run(&["plugin", "inspect", &file, "--trusted-key", public]).ok().stdout;
    assert!(judged.contains(&format!("good, by {public}")), "{judged}");
    let nonsense = cli.file("nonsense.key", "untrusted comment: x\nAAAA\n");
    std::fs::set_permissions(&nonsense, std::fs::Permissions::from_mode(0o600)).expect("our file");
    let nonsense = nonsense.to_str().expect("a printable path");
    cli.run(&["plugin", "sign", &file, "--key", nonsense, "--password-file", &password]).code(2);
    cli.run(&["plugin", "sign", &file, "--key", &path("none.key")]).code(1);
}

#[test]
fn a_password_is_asked_for_and_not_shown() {
    let cli = Cli::bare();
    cli.file("a.wasm", "content");
    let mut terminal = Terminal::run(&cli, &["plugin", "sign", "a.wasm", "--generate", "--key", "typed.key"]);
    terminal.expect("Passphrase").expect(": ").enter("typed-s3cret");
    terminal.expect("The same again").expect(": ").enter("typed-s3cret");
    let (code, screen) = terminal.end();
    assert!(code == 0 && !screen.contains("typed-s3cret"), "{screen}");
    let mut terminal = Terminal::run(&cli, &["plugin", "sign", "a.wasm", "--key", "typed.key"]);
    terminal.expect("Password").expect(": ").enter("typed-s3cret");
    let (code, screen) = terminal.end();
    assert!(code == 0 && !screen.contains("typed-s3cret"), "{screen}");
    let public = cli.home().join("typed.pub");
    let file = cli.home().join("a.wasm");
    run(tool("minisign", "minisign").arg("-V").arg("-p").arg(public).arg("-m").arg(file)).output();
}
