//! What operators decide, through the API and the command line.

use serde_json::json;

use super::guest::Guest;
use super::{Live, states, text};
use crate::cli::{Cli, Terminal};
use crate::support::Account;
use crate::support::openapi::assert_as_described;

#[tokio::test]
async fn what_asks_for_a_host_waits_until_it_is_approved() {
    let live = Live::start().await;
    let account = Account::on(&live.server).await;
    live.put("live.wasm", &Guest::asking("1.0.0", "api.example.com").bytes());
    let entries = live.until("pending", |entries| states(entries) == [("pending", "1.0.0")]).await;
    assert!(text(&entries[0]["reason"]).contains("api.example.com"));
    assert_eq!((&entries[0]["grant"], &entries[0]["grantedHosts"]), (&json!(null), &json!([])));
    assert_eq!(entries[0]["permissionDiff"]["added"], json!(["reach api.example.com: It lives there."]));
    account.manager.get("/v1/credential-types/live-login").await.expect(404);
    let body = json!({ "type": Guest::ID, "name": "one", "data": { "username": "u", "password": "p" } });
    let refused = account.manager.post("credentials", body.clone()).await;
    assert_eq!(refused.violations(), [("/type", "not-loaded")]);
    assert!(text(&refused.body["errors"][0]["message"]).contains("waits for an operator's approval"));

    // Only an operator, and only what is there.
    for path in ["approve", "revoke", "rollback"] {
        account.admin.act(&format!("/v1/plugins/live-login/{path}")).await.expect(403);
        live.operator().act(&format!("/v1/plugins/no-such/{path}")).await.expect(404);
    }
    let other = json!({ "digest": format!("sha256:{}", "0".repeat(64)) });
    live.operator().post("/v1/plugins/live-login/approve", other).await.expect(409);
    live.operator().post("/v1/plugins/live-login/approve", json!({ "digest": 3 })).await.expect(422);
    live.operator().act("/v1/plugins/live-login/rollback").await.expect(409);
    live.operator().act("/v1/plugins/basic-auth/approve").await.expect(409);
    live.operator().act("/v1/plugins/basic-auth/revoke").await.expect(409);

    let digest = json!({ "digest": entries[0]["digest"] });
    let approved = live.operator().post("/v1/plugins/live-login/approve", digest).await.expect(200);
    assert_eq!((&approved["state"], &approved["grantedHosts"]), (&json!("active"), &json!(["api.example.com"])));
    assert_eq!((&approved["grant"]["hosts"], &approved["permissionDiff"]), (&json!(["api.example.com"]), &json!(null)));
    assert!(text(&approved["grant"]["by"]).starts_with("operator:"));
    account.manager.post("credentials", body).await.expect(201);

    let revoked = live.operator().act("/v1/plugins/live-login/revoke").await.expect(200);
    assert_eq!((&revoked["state"], &revoked["grant"]), (&json!("pending"), &json!(null)));
    live.operator().act("/v1/plugins/live-login/revoke").await.expect(409);
    account.manager.get("credentials/one").await.expect(200);
    let unused = account.manager.post("credentials/one/materialize", json!({})).await.expect(503);
    assert!(text(&unused["detail"]).contains("waits for an operator's approval"), "{unused}");

    let trail = live.operator().all("/v1/audit?action=plugin.*&limit=500").await;
    let told = |action: &str, outcome: &str| {
        trail.iter().filter(|entry| entry["action"] == action && entry["outcome"] == outcome).count()
    };
    for (action, denied) in [("plugin.approve", 1), ("plugin.revoke", 1), ("plugin.rollback", 1)] {
        assert_eq!(told(action, "denied"), denied, "{action}");
    }
    assert_eq!((told("plugin.approve", "ok"), told("plugin.revoke", "ok"), told("plugin.rollback", "ok")), (1, 1, 0));
    let approval = trail.iter().find(|entry| entry["action"] == "plugin.approve" && entry["outcome"] == "ok");
    assert_eq!(approval.expect("it is recorded")["detail"]["may"], json!(["reach api.example.com: It lives there."]));
    let answers = live.answers.lock().expect("no thread panicked").clone();
    assert_as_described(&live.server.anonymous(), &answers).await;
}

#[tokio::test]
async fn an_operator_approves_and_rolls_back_at_a_terminal() {
    let live = Live::start().await;
    let cli = Cli::at(&live.server, &live.operator());
    live.put("live.wasm", &Guest::asking("1.0.0", "a.example.com").bytes());
    live.until("pending", |entries| states(entries) == [("pending", "1.0.0")]).await;
    let refused = cli.run(&["plugin", "approve", "live-login"]).code(2);
    assert!(refused.stderr.contains("reach a.example.com: It lives there.") && refused.stderr.contains("--yes"));

    let mut terminal = Terminal::run(&cli, &["plugin", "approve", "live-login"]);
    terminal.expect("It may then:").expect("reach a.example.com").expect("Approve live-login?").enter("n");
    assert_eq!(terminal.end().0, 1);
    let mut terminal = Terminal::run(&cli, &["plugin", "approve", "live-login"]);
    terminal.expect("Approve live-login?").enter("y");
    let (code, screen) = terminal.end();
    assert!(code == 0 && screen.contains("active"), "{screen}");

    live.put("live.wasm", &Guest::asking("2.0.0", "b.example.com").bytes());
    live.until("waiting", |entries| states(entries) == [("active", "1.0.0"), ("pending", "2.0.0")]).await;
    let approved = cli.run(&["plugin", "approve", "live-login", "--yes"]).ok();
    assert!(approved.stderr.contains("New beside what was granted:\n  - reach b.example.com"), "{}", approved.stderr);
    assert!(approved.stderr.contains("No longer:\n  - reach a.example.com"), "{}", approved.stderr);
    let shown = cli.run(&["plugin", "inspect", "live-login"]).ok();
    assert!(shown.stdout.contains("It asks to:\n  - reach b.example.com"), "{}", shown.stdout);

    let rolled_back = cli.run(&["plugin", "rollback", "live-login", "--yes", "--output", "json"]).ok().json();
    assert_eq!((&rolled_back["version"], &rolled_back["pinned"]), (&json!("1.0.0"), &json!(true)), "{rolled_back}");
    assert!(text(&rolled_back["reason"]).contains("set aside"));
    cli.run(&["plugin", "rollback", "live-login", "--yes"]).code(5);
    let list = cli.run(&["plugin", "list"]).ok().stdout;
    assert!(list.contains("set aside by a rollback"), "{list}");
    live.put("live.wasm", &Guest::asking("2.0.1", "a.example.com").bytes());
    live.until("mended", |entries| states(entries) == [("active", "2.0.1")]).await;
    let revoked = cli.run(&["plugin", "revoke", "live-login", "--output", "json"]).ok().json();
    assert_eq!(revoked["state"], "pending");
    let trail = live.operator().all("/v1/audit?action=plugin.rollback&limit=500").await;
    assert_eq!((trail.len(), &trail[0]["outcome"]), (1, &json!("ok")));
    assert!(text(&trail[0]["plugin"]).starts_with("live-login@sha256:"));
}

#[tokio::test]
async fn a_plugin_that_forgets_a_secret_is_reviewed_first() {
    let live = Live::start().await;
    live.put("live.wasm", &Guest::version("1.0.0").bytes());
    live.until("in use", |entries| states(entries) == [("active", "1.0.0")]).await;
    let mut open = Guest::version("2.0.0");
    open.schema["properties"]["password"] = json!({ "type": "string" });
    live.put("live.wasm", &open.bytes());
    let entries =
        live.until("in review", |entries| states(entries) == [("active", "1.0.0"), ("needs-review", "2.0.0")]).await;
    assert!(text(&entries[1]["reason"]).contains("/password"));
    live.operator().act("/v1/plugins/live-login/approve").await.expect(200);
    live.until("taken over", |entries| states(entries) == [("active", "2.0.0")]).await;
}
