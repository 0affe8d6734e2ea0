use crate::support::lab::PowerDns;

#[tokio::test]
async fn a_resolver_sees_what_is_set() {
    let powerdns = PowerDns::start().await;
    powerdns.create_zone("example.test").await;
    let before = powerdns.record_sets("example.test").await;
    assert_eq!(before.len(), 1, "a fresh zone has its name servers: {before:?}");

    let name = "_acme-challenge.example.test";
    powerdns.set_txt("example.test", name, &["two", "one with \\\"quotes\\\""]).await;
    assert_eq!(powerdns.txt(name), ["one with \"quotes\"", "two"]);
    assert_eq!(powerdns.record_sets("example.test").await.len(), 2);

    powerdns.set_txt("example.test", name, &[]).await;
    assert_eq!(powerdns.txt(name), Vec::<String>::new());
    assert_eq!(powerdns.record_sets("example.test").await, before);
}
