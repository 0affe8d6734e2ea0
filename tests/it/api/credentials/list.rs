use std::collections::BTreeSet;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::Account;
use crate::support::samples::{basic, registry, tls};

/// Lists are narrowed by type, category, slot, label and text (S0-18, S2-04, S2-13, S2-16, S4-31).
#[tokio::test]
async fn filters_narrow_and_combine() {
    let account = Account::new().await;
    let mut first = registry("ghcr");
    first["title"] = json!("GitHub PACKAGES");
    first["labels"] = json!({ "team": "web", "tier": "prod" });
    account.create(first).await;
    let mut second = basic("staging");
    second["labels"] = json!({ "team": "web" });
    second["description"] = json!("the old gate");
    account.create(second).await;
    account.create(tls("www")).await;
    account.create(basic("gone")).await;
    account.manager.delete("credentials/gone").await.expect(204);

    for (query, expected) in [
        ("", vec!["ghcr", "staging", "www"]),
        ("?type=basic-auth", vec!["staging"]),
        ("?category=container-registry", vec!["ghcr"]),
        ("?slot=image-pull", vec!["ghcr"]),
        ("?slot=no-such-slot", vec![]),
        ("?label=team", vec!["ghcr", "staging"]),
        ("?label=team%3Dweb", vec!["ghcr", "staging"]),
        ("?label=team%3Dweb&label=tier%3Dprod", vec!["ghcr"]),
        ("?label=team%3Dother", vec![]),
        ("?q=packages", vec!["ghcr"]),
        ("?q=OLD%20gate", vec!["staging"]),
        ("?q=w", vec!["www"]),
        ("?type=basic-auth&label=tier", vec![]),
        ("?deleted=true", vec!["gone"]),
        ("?deleted=false", vec!["ghcr", "staging", "www"]),
        ("?limit=1", vec!["ghcr", "staging", "www"]),
    ] {
        let listed = account.manager.all(&format!("credentials{query}")).await;
        assert_eq!(names(&listed), expected, "{query}");
    }
}

#[tokio::test]
async fn pages_have_a_limit_and_a_cursor() {
    let account = Account::new().await;
    for n in 0..5 {
        account.create(basic(&format!("c{n}"))).await;
    }
    let page = account.manager.get("credentials?limit=2").await.expect(200);
    assert_eq!(names(page["items"].as_array().expect("items")), ["c0", "c1"]);
    let cursor = page["nextCursor"].as_str().expect("there is more");
    let page = account.manager.get(&format!("credentials?limit=3&cursor={cursor}")).await.expect(200);
    assert_eq!(names(page["items"].as_array().expect("items")), ["c2", "c3", "c4"]);
    assert_eq!(page["nextCursor"], Value::Null);

    for (query, pointer) in [
        ("limit=0", "?limit"),
        ("limit=501", "?limit"),
        ("limit=many", "?limit"),
        ("cursor=nonsense", "?cursor"),
        ("deleted=perhaps", "?deleted"),
        ("colour=red", "?colour"),
    ] {
        let reply = account.manager.get(&format!("credentials?{query}")).await;
        assert_eq!(reply.pointers(), [pointer], "{query}");
    }
}

/// Whoever pages through while others write sees each credential that was there
/// all the time exactly once.
#[tokio::test]
async fn cursors_are_stable_under_concurrent_writes() {
    let account = Account::new().await;
    let made = join_all((0..30).map(|n| account.create(basic(&format!("stays{n}"))))).await;
    let expected: BTreeSet<&str> = made.iter().map(|one| one["id"].as_str().expect("an id")).collect();
    let doomed = join_all((0..10).map(|n| account.create(basic(&format!("doomed{n}"))))).await;

    let writing = async {
        for (n, one) in doomed.iter().enumerate() {
            let id = one["id"].as_str().expect("an id");
            account.manager.delete(&format!("credentials/{id}")).await.expect(204);
            account.create(basic(&format!("new{n}"))).await;
            account.manager.patch(&format!("credentials/stays{n}"), json!({ "title": "changed" })).await.expect(200);
        }
    };
    let (listed, ()) = tokio::join!(account.admin.all("credentials?limit=3"), writing);
    let ids: Vec<&str> = listed.iter().map(|one| one["id"].as_str().expect("an id")).collect();
    let distinct: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), distinct.len(), "one was listed twice");
    assert!(distinct.is_superset(&expected), "one that was there all the time was left out");
}

/// Members see what a select shows, such as name, type and creation time (S0-06, S0-17, S4-24).
#[tokio::test]
async fn a_member_sees_rows_for_selects_and_no_more() {
    let account = Account::new().await;
    let mut body = tls("www");
    body["title"] = json!("The site");
    body["labels"] = json!({ "team": "web" });
    let created = account.create(body).await;
    for client in [&account.member, &account.auditor] {
        let row = client.get("credentials").await.expect(200)["items"][0].clone();
        let members: BTreeSet<&str> = row.as_object().expect("an object").keys().map(String::as_str).collect();
        let expected = [
            "account",
            "bindable",
            "category",
            "createdAt",
            "default",
            "deletedAt",
            "id",
            "name",
            "names",
            "status",
            "title",
            "type",
            "updatedAt",
            "version",
        ];
        assert_eq!(members.into_iter().collect::<Vec<_>>(), expected);
        assert_eq!(
            (&row["id"], &row["title"], &row["names"]),
            (&created["id"], &json!("The site"), &json!(["www.example.com"]))
        );
        assert_eq!(client.get("credentials/www").await.expect(200), row, "one is shown as in the list");
    }
}

fn names(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["name"].as_str().expect("a name")).collect()
}
