use crate::support::lab::{AcmeDns, PowerDns};

/// pyacmedns, by the author of acme-dns, and certbot-acme-dns register, update and are refused.
#[tokio::test]
async fn clients_of_others_prove_acme_dns() {
    let powerdns = PowerDns::start().await;
    let acme_dns = AcmeDns::start(&powerdns).await;
    acme_dns.prove(&powerdns).output();
    let account = acme_dns.credentials("acme-dns");
    assert_eq!(account["fulldomain"], format!("{}.auth.example.test", account["subdomain"].as_str().expect("a name")));
}
