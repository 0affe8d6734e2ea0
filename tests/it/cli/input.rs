//! Where a credential's data may come from, and where a secret may not.

use serde_json::json;

use super::runner::Cli;
use crate::support::Account;

#[tokio::test]
async fn a_secret_on_the_command_line_is_refused() {
    let cli = Cli::managing(&Account::new().await);
    let arguments =
        ["credential", "create", "--type", "basic-auth", "x", "--set", "username=octo", "--set", "password=hunter2"];
    let refused = cli.run(&arguments).code(2);
    assert!(refused.stderr.contains("--secret-file"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
    let pointed = ["credential", "create", "--type", "basic-auth", "x", "--set", "/password=hunter2"];
    assert!(!cli.run(&pointed).code(2).stderr.contains("hunter2"));
    let flag = cli.run(&["credential", "create", "--type", "basic-auth", "x", "--password", "hunter2"]).code(2);
    assert!(!flag.stderr.contains("hunter2"), "{}", flag.stderr);
    assert_eq!(cli.run(&["credential", "list", "--quiet"]).ok().stdout, "");
}

#[tokio::test]
async fn data_comes_from_json_or_yaml_by_file_or_stdin() {
    let cli = Cli::managing(&Account::new().await);
    let json = json!({ "username": "octo", "password": "from json" }).to_string();
    let yaml = "username: octo\npassword: 'from yaml'\n";
    let files = [("json", &*json), ("yaml", yaml)];
    for (name, text) in files {
        let path = cli.file(&format!("data.{name}"), text);
        let path = path.to_str().expect("a path that is text");
        cli.run(&["credential", "create", "--type", "basic-auth", &format!("file-{name}"), "--data-file", path]).ok();
        let stdin = format!("stdin-{name}");
        cli.run_with(&["credential", "create", "--type", "basic-auth", &stdin, "--data-file", "-"], text).ok();
        for credential in [format!("file-{name}"), stdin] {
            let secret = cli.run(&["credential", "reveal", &credential, "--field", "password"]).ok().stdout;
            assert_eq!(secret, format!("from {name}"));
        }
    }
}

#[tokio::test]
async fn a_secret_file_keeps_its_bytes_but_for_the_last_newline() {
    let cli = Cli::managing(&Account::new().await);
    for (n, (content, secret)) in
        [("plain", "plain"), ("line\n", "line"), (" spaces \n", " spaces ")].into_iter().enumerate()
    {
        let file = cli.file("secret", content);
        let name = format!("c{n}");
        let secret_file = format!("/password={}", file.display());
        let create = [
            "credential",
            "create",
            "--type",
            "basic-auth",
            &name,
            "--set",
            "username=octo",
            "--secret-file",
            &secret_file,
        ];
        cli.run(&create).ok();
        assert_eq!(cli.run(&["credential", "reveal", &name, "--field", "password"]).ok().stdout, secret);
    }
    let create = [
        "credential",
        "create",
        "--type",
        "basic-auth",
        "in",
        "--set",
        "username=octo",
        "--secret-file",
        "/password=-",
    ];
    cli.run_with(&create, "by stdin\n").ok();
    assert_eq!(cli.run(&["credential", "reveal", "in", "--field", "password"]).ok().stdout, "by stdin");
}

/// Certificate and key are uploaded as files (S0-28).
#[tokio::test]
async fn a_certificate_comes_from_its_files() {
    let cli = Cli::managing(&Account::new().await);
    let made = rcgen::generate_simple_self_signed(["cli.example.com".to_owned()]).expect("a certificate");
    let certificate = cli.file("cert.pem", made.cert.pem());
    let key = cli.file("key.pem", made.signing_key.serialize_pem());
    let (certificate, key) =
        (format!("/certificate={}", certificate.display()), format!("/privateKey={}", key.display()));
    let create = [
        "credential",
        "create",
        "--type",
        "tls-certificate",
        "cli",
        "--file",
        &certificate,
        "--secret-file",
        &key,
        "--output",
        "json",
    ];
    let made = cli.run(&create).ok().json();
    assert_eq!(made["attributes"]["altNames"], json!(["cli.example.com"]));
    assert_eq!(made["secretFields"], json!(["/privateKey"]));
}

#[tokio::test]
async fn what_is_wrong_with_the_input_is_told_without_its_content() {
    let cli = Cli::managing(&Account::new().await);
    let create = ["credential", "create", "--type", "basic-auth", "x", "--data-file", "-"];
    let broken = cli.run_with(&create, "{\"password\": \"hunter2").code(2);
    assert!(!broken.stderr.contains("hunter2"), "{}", broken.stderr);
    cli.run(&["credential", "create", "--type", "basic-auth", "x", "--data-file", "nowhere.json"]).code(1);
    cli.run(&["credential", "create", "--type", "basic-auth", "x", "--secret-file", "/password=nowhere"]).code(1);
    cli.run(&["credential", "create", "--type", "basic-auth", "x", "--set", "no equals sign"]).code(2);
    let twice =
        ["credential", "create", "--type", "basic-auth", "x", "--data-file", "-", "--secret-file", "/password=-"];
    cli.run(&twice).code(2);
}

#[tokio::test]
async fn fields_are_set_and_unset() {
    let cli = Cli::managing(&Account::new().await);
    let data =
        json!({ "server": "ghcr.io", "username": "octo", "email": "a@example.com", "password": "s3cret" }).to_string();
    cli.run_with(&["credential", "create", "--type", "container-registry", "ghcr", "--data-file", "-"], &data).ok();
    let update = ["credential", "update", "ghcr", "--set", "username=hubot", "--unset", "email", "--output", "json"];
    let updated = cli.run(&update).ok().json();
    assert_eq!(updated["data"], json!({ "server": "ghcr.io", "username": "hubot" }));
    assert_eq!(cli.run(&["credential", "reveal", "ghcr", "--field", "password"]).ok().stdout, "s3cret");
}
