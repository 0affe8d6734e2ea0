//! Text as editors write it, and text that means to deceive.

use serde_json::json;

use super::path;
use crate::cli::Cli;
use crate::support::Account;
use crate::support::samples::{credential, registry};

const MARK: &str = "\u{feff}";

/// C1: a byte order mark says how a text is encoded and is no part of it (RFC
/// 3629, section 6), in whichever file it stands.
#[tokio::test]
async fn a_byte_order_mark_is_dropped_wherever_text_comes_in() {
    let account = Account::new().await;
    let cli = Cli::managing(&account);
    let token = path("C1-token.txt").display().to_string();
    let revealed = async |name: &str| {
        let path = format!("credentials/{name}/reveal");
        let answer = account.manager.post(&path, json!({ "fields": ["/password"] })).await.expect(200);
        answer["data"]["password"].as_str().expect("a password").to_owned()
    };
    let create =
        ["credential", "create", "--type", "container-registry", "--set", "server=ghcr.io", "--set", "username=octo"];
    let with = |name: &str, more: &[&str]| {
        let named = [name];
        create.iter().chain(more).chain(&named).map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };
    let run = |words: Vec<String>| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ran = cli.run(&words);
        assert_eq!(ran.code, 0, "{words:?}: {}", ran.stderr);
    };
    run(with("by-file", &["--secret-file", &format!("/password={token}")]));
    assert_eq!(revealed("by-file").await, "s3cret-token");

    let json = cli.file("data.json", format!("{MARK}{{\"password\": \"of-json\"}}")).display().to_string();
    run(with("by-json", &["--data-file", &json]));
    assert_eq!(revealed("by-json").await, "of-json");
    let yaml = cli.file("data.yaml", format!("{MARK}password: of-yaml\r\n")).display().to_string();
    run(with("by-yaml", &["--data-file", &yaml]));
    assert_eq!(revealed("by-yaml").await, "of-yaml");

    // The token of the client itself.
    let own = cli.file("own-token", format!("{MARK}{}\r\n", account.manager.token())).display().to_string();
    let listed = Cli::bare().env("BURSAR_ADDR", account.server.base()).env("BURSAR_ACCOUNT", &account.name);
    let ran = listed.env("BURSAR_TOKEN_FILE", &own).run(&["credential", "list"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);

    // Another encoding is named, with the cure.
    let utf16: Vec<u8> = format!("{MARK}s3cret\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16 = cli.file("utf16", utf16).display().to_string();
    let words = with("by-utf16", &["--secret-file", &format!("/password={utf16}")]);
    let ran = cli.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(ran.code != 0 && ran.stderr.contains("UTF-16"), "{ran:?}");
}

/// Programs that read such a file put the mark into what they send.
#[tokio::test]
async fn a_byte_order_mark_that_a_program_sent_along_is_dropped() {
    let account = Account::new().await;
    let data =
        json!({ "server": format!("{MARK}ghcr.io"), "username": "octo", "password": format!("{MARK}s3cret-token") });
    let made = account.create(credential("container-registry", "sent", data)).await;
    assert_eq!(made["data"]["server"], "ghcr.io");
    let patch = json!({ "data": { "password": format!("{MARK}rotated") } });
    account.manager.patch("credentials/sent", patch).await.expect(200);
    let reveal = json!({ "fields": ["/password"] });
    let answer = account.manager.post("credentials/sent/reveal", reveal).await.expect(200);
    assert_eq!(answer["data"]["password"], "rotated");
    let pem = super::read("T4-leaf.pem");
    let data =
        json!({ "certificate": format!("{MARK}{pem}"), "privateKey": format!("{MARK}{}", super::read("T4-key.pem")) });
    account.create(credential("tls-certificate", "pem", data)).await;
}

/// What turns the direction of writing, or is not seen, does not reach a
/// terminal, and programs get it as it is.
#[tokio::test]
async fn nothing_unseen_is_shown_to_people() {
    let account = Account::new().await;
    let hidden = "safe\u{202e}gpj.exe\u{2066}\u{2069}\u{200b}\u{200f}\u{61c}\u{e0041}\u{1b}[2J";
    let mut body = registry("hidden");
    body["title"] = json!(hidden);
    body["description"] = json!(hidden);
    body["labels"] = json!({ "team": hidden.replace('\u{1b}', "") });
    account.create(body).await;
    let cli = Cli::managing(&account);
    let unseen = |text: &str| {
        let steering = |c: char| {
            (c.is_control() && c != '\n')
                || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
                || ('\u{e0000}'..='\u{e007f}').contains(&c)
        };
        text.chars().find(|c| steering(*c))
    };
    let refused = format!("--name={hidden}");
    for words in [
        &["credential", "list"][..],
        &["credential", "show", "hidden"],
        &["credential", "create", "container-registry", refused.as_str(), "--set", "username=x"],
        &["credential", "show", "hid\u{202e}den"],
    ] {
        let ran = cli.run(words);
        assert_eq!(unseen(&ran.stdout), None, "{words:?}: {:?}", ran.stdout);
        assert_eq!(unseen(&ran.stderr), None, "{words:?}: {:?}", ran.stderr);
    }
    let ran = cli.run(&["credential", "show", "hidden", "--output", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(shown["title"], hidden, "programs get it as it is");
    let ran = cli.run(&["credential", "show", "hidden", "--output", "yaml"]);
    assert_eq!(ran.code, 0);
}
