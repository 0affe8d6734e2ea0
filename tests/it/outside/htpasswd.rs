use serde_json::json;

use crate::support::Account;
use crate::support::account::unique;
use crate::support::samples::{artifact, credential};
use crate::support::tools::{feed, tool};

/// Apache's own tool accepts the user and the password (S0-10).
#[tokio::test]
async fn htpasswd_verifies_the_file() {
    let account = Account::new().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let longest = "x".repeat(72);
    for (username, password) in
        [("staging", "correct horse"), ("ünï", "pässwörd"), ("u", longest.as_str()), ("with space", "$2y$' \\")]
    {
        let name = unique("c");
        account.create(credential("basic-auth", &name, json!({ "username": username, "password": password }))).await;
        let files = account
            .manager
            .post(&format!("credentials/{name}/materialize"), json!({ "format": "nginx/htpasswd" }))
            .await
            .expect(200);
        let file = folder.path().join(&name);
        std::fs::write(&file, artifact(&files, "auth")).expect("a file");
        let verify = |password: &str| {
            // -v verifies, -i reads the password from the input.
            feed(tool("htpasswd", "apache2-utils").arg("-vi").arg(&file).arg(username), password)
        };
        assert!(verify(password).ok, "{username}: {}", verify(password).stderr);
        assert!(!verify("wrong").ok);
    }
}
