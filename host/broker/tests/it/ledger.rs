//! What the ledger shows, and what it is in the way of.

use bursar_credentials::Deletion;
use bursar_kernel::Kind;
use bursar_kernel::audit::Action;
use bursar_kernel::id::Reference;
use bursar_kernel::keys::Table;

use crate::support::{NAME, World, account, zone};

#[tokio::test(start_paused = true)]
async fn the_list_has_pages_oldest_first() {
    let world = World::new().await;
    for value in ["c", "a", "b"] {
        world.present(value).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let page = async |cursor: Option<&str>| {
        let page = world.broker.dns.list(&world.caller, &account(), &zone(), cursor, 2).await.unwrap();
        let values: Vec<String> = page.items.into_iter().map(|record| record.value).collect();
        (values, page.next_cursor)
    };
    let (first, cursor) = page(None).await;
    assert_eq!(first, ["c", "a"]);
    assert_eq!(page(cursor.as_deref()).await, (vec!["b".to_owned()], None));
    let foreign = world.broker.dns.list(&world.caller, &account(), &zone(), Some("x"), 2).await.unwrap_err();
    assert_eq!(foreign.violations[0].pointer, "?cursor");
}

#[tokio::test(start_paused = true)]
async fn records_outlive_a_deletion_and_are_in_the_way_of_a_purge() {
    let world = World::new().await;
    world.present("one").await.unwrap();
    world.present("two").await.unwrap();
    let view = world.broker.credentials.get(&world.caller, &account(), &zone()).await.unwrap();
    assert!(view.warnings.is_empty() && view.last_used_at.is_some(), "a credential in use is no worry");
    let id = Reference::Id(view.credential.id.0);
    let delete = async |purge, force| {
        world.broker.deletions.delete(&world.caller, &account(), &id, Deletion { purge, force }, None).await
    };
    let refused = delete(true, false).await.unwrap_err();
    let told: Vec<_> = refused.conflicts.iter().map(|one| (one.kind.as_str(), one.name.as_str())).collect();
    assert_eq!((refused.kind, told), (Kind::Conflict, vec![("dns-record", NAME), ("dns-record", NAME)]));
    let url = format!("/v1/accounts/{}/credentials/{}/dns", view.credential.account, view.credential.id);
    assert_eq!(refused.conflicts[0].url, url);

    delete(false, false).await.unwrap();
    let deleted = world.broker.credentials.get(&world.caller, &account(), &id).await.unwrap();
    assert_eq!(deleted.warnings.iter().map(|warning| &*warning.code).collect::<Vec<_>>(), ["dns-records"]);
    assert!(delete(true, false).await.is_err());
    delete(true, true).await.unwrap();
    assert_eq!(world.store.count(Table::DnsRecord), 0);
    assert_eq!(world.told(Action::CredentialPurge, "abandonedDnsRecords"), [2]);
}

#[tokio::test(start_paused = true)]
async fn there_is_a_most_but_what_is_there_can_go() {
    let world = World::new().await;
    for number in 0..500 {
        world.present(&number.to_string()).await.unwrap();
    }
    let error = world.present("one more").await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict, "{error}");
    world.present("7").await.unwrap();
    world.cleanup("7").await.unwrap();
    world.cleanup("not ours").await.unwrap();
    world.present("one more").await.unwrap();
}
