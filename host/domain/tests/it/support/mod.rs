//! A broker over doubles, and a second one on the same store.

mod provider;
mod store;
mod time;

use std::collections::BTreeMap;
use std::sync::Arc;

use bursar_domain::Error;
use bursar_domain::access::{Caller, Request};
use bursar_domain::audit::{Action, Event};
use bursar_domain::broker::{Broker, Ports};
use bursar_domain::credential::View;
use bursar_domain::dns::{DnsGrants, DnsRecord, RecordState};
use bursar_domain::id::Reference;
use serde_json::{Value, json};

pub(crate) use provider::{PLAIN, PROVIDER, Provider};
pub(crate) use store::MapStore;
use time::{Counting, Time};

/// An initialized installation with one DNS credential, `zone`.
pub(crate) struct World {
    pub(crate) store: Arc<MapStore>,
    pub(crate) provider: Arc<Provider>,
    pub(crate) broker: Arc<Broker>,
    pub(crate) caller: Caller,
    time: Arc<Time>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let store = Arc::new(MapStore::default());
        let provider = Arc::new(Provider::new(store.clone()));
        let time = Arc::new(Time::default());
        let broker = node(&store, &provider, &time);
        let token = broker.propose_operator_token();
        assert!(broker.initialize(&token).await.unwrap());
        let request = Request { id: Some("request-1".to_owned()), client: Some("203.0.113.7".to_owned()) };
        let caller = broker.authenticate(token.expose(), request).await.unwrap();
        let world = Self { store, provider, broker, caller, time };
        world.create("zone", PROVIDER, false).await.unwrap();
        world
    }

    /// Another process on the same store.
    pub(crate) fn second_node(&self) -> Arc<Broker> {
        node(&self.store, &self.provider, &self.time)
    }

    pub(crate) async fn create(&self, name: &str, type_id: &str, probe: bool) -> Result<View, Error> {
        let body = json!({"type": type_id, "name": name, "data": {"zone": "example.com", "token": "s3cret"}});
        let created = self.broker.create_credential(&self.caller, &account(), body, None, probe).await;
        created.map(|created| created.value)
    }

    pub(crate) async fn present(&self, value: &str) -> Result<DnsRecord, Error> {
        present(&self.broker, &self.caller, value).await
    }

    pub(crate) async fn cleanup(&self, value: &str) -> Result<(), Error> {
        self.broker.dns_cleanup(&self.caller, &account(), &zone(), record(value)).await
    }

    /// The ledger: value and state of each row.
    pub(crate) async fn rows(&self) -> Vec<(String, RecordState)> {
        let page = self.broker.list_dns_records(&self.caller, &account(), &zone(), None, 500).await.unwrap();
        page.items.into_iter().map(|record| (record.value, record.state)).collect()
    }

    /// Events of this action: outcome and detail.
    pub(crate) fn events(&self, action: Action) -> Vec<Event> {
        self.store.events().into_iter().filter(|event| event.action == action).collect()
    }

    /// What events of this action tell under `field`.
    pub(crate) fn told(&self, action: Action, field: &str) -> Vec<Value> {
        self.events(action).into_iter().map(|event| event.detail.unwrap()[field].clone()).collect()
    }
}

pub(crate) async fn present(broker: &Broker, caller: &Caller, value: &str) -> Result<DnsRecord, Error> {
    broker.dns_present(caller, &account(), &zone(), record(value)).await
}

/// The body of a request about a value at the one name of these tests.
pub(crate) fn record(value: &str) -> Value {
    json!({"fqdn": NAME, "value": value})
}

pub(crate) fn account() -> Reference {
    Reference::from("default")
}

pub(crate) fn zone() -> Reference {
    Reference::from("zone")
}

/// Pointer and code of each violation.
pub(crate) fn violations(error: &Error) -> Vec<(&str, &str)> {
    error.violations.iter().map(|violation| (violation.pointer.as_str(), violation.code.as_str())).collect()
}

fn node(store: &Arc<MapStore>, provider: &Arc<Provider>, time: &Arc<Time>) -> Arc<Broker> {
    let rules = vec!["_validation.example.com".parse().unwrap()];
    let broker = Broker::new(Ports {
        store: store.clone(),
        trail: store.clone(),
        blind: store.clone(),
        plugins: provider.clone(),
        clock: time.clone(),
        timer: time.clone(),
        entropy: Arc::new(Counting),
    });
    Arc::new(broker.with_dns_grants(DnsGrants::new(BTreeMap::from([(PROVIDER.to_owned(), rules)]))))
}

/// Where the tests' records are.
pub(crate) const NAME: &str = "_acme-challenge.example.com";
