//! A broker over doubles, and a second one on the same store.

mod provider;
mod shelf;
mod store;
mod time;

use bursar_api as api;
use std::collections::BTreeMap;
use std::sync::Arc;

use bursar_api::RequestBody;
use bursar_bindings::{BindingView, Source};
use bursar_broker::{Broker, BrokerParts};
use bursar_credentials::{Deletion, View};
use bursar_dns::{DnsGrants, DnsRecord, RecordState};
use bursar_kernel::Submitted;
use bursar_kernel::audit::{Action, Event};
use bursar_kernel::id::{NodeId, Reference};
use bursar_kernel::nodes::Nodes;
use bursar_kernel::{Caller, Error, Ports, Quotas, Request};
use bursar_regions::RegionPorts;
use bursar_regions::UpdateRegion;
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) use provider::{CERTIFICATE, HELD_BACK, MIRROR, PLAIN, PROVIDER, Provider, REGISTRY};
pub(crate) use shelf::{SHELF, Shelf};
pub(crate) use store::MapStore;
use time::{Counting, Time};

/// An initialized installation with one DNS credential, `zone`.
pub(crate) struct World {
    pub(crate) store: Arc<MapStore>,
    pub(crate) provider: Arc<Provider>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) broker: Arc<Broker>,
    pub(crate) caller: Caller,
    time: Arc<Time>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let store = Arc::new(MapStore::default());
        let provider = Arc::new(Provider::new(store.clone()));
        let time = Arc::new(Time::default());
        let shelf = Arc::new(Shelf::new(store.clone()));
        let broker = node(&store, &provider, &shelf, &time, &Arc::new(among(&store, &time, 1)));
        let token = broker.installation.propose_operator_token();
        assert!(broker.installation.initialize(&token).await.unwrap());
        let request = Request { id: Some("request-1".to_owned()), client: Some("203.0.113.7".to_owned()) };
        let caller = broker.tokens.authenticate(token.expose(), request).await.unwrap();
        let world = Self { store, provider, shelf, broker, caller, time };
        world.create("zone", PROVIDER, false).await.unwrap();
        world
    }

    /// Another process on the same store.
    pub(crate) fn second_node(&self) -> Arc<Broker> {
        self.second_among_nodes().0
    }

    /// The same, and what it knows of the others.
    pub(crate) fn second_among_nodes(&self) -> (Arc<Broker>, Arc<Nodes>) {
        let nodes = Arc::new(among(&self.store, &self.time, 2));
        (node(&self.store, &self.provider, &self.shelf, &self.time, &nodes), nodes)
    }

    /// What the first one says of itself.
    pub(crate) fn first_beat(&self) -> Nodes {
        among(&self.store, &self.time, 1)
    }

    pub(crate) async fn create(&self, name: &str, type_id: &str, probe: bool) -> Result<View, Error> {
        let body = json!({"type": type_id, "name": name, "data": {"zone": "example.com", "token": "s3cret"}});
        let created = self
            .broker
            .credentials
            .create(&self.caller, &account(), submitted::<api::CreateCredential, _>(body), None, probe)
            .await;
        created.map(|created| created.value)
    }

    /// Stores a credential that is found by these selectors.
    pub(crate) async fn store(&self, name: &str, type_id: &str, kind: &str, values: &[&str]) -> View {
        let selectors: Vec<Value> = values.iter().map(|value| json!({"kind": kind, "value": value})).collect();
        self.store_with(name, type_id, json!({"token": "s3cret", "selectors": selectors})).await
    }

    /// Stores a credential with this data.
    pub(crate) async fn store_with(&self, name: &str, type_id: &str, data: Value) -> View {
        let body = json!({"type": type_id, "name": name, "data": data});
        self.broker
            .credentials
            .create(&self.caller, &account(), submitted::<api::CreateCredential, _>(body), None, false)
            .await
            .unwrap()
            .value
    }

    /// Someone with a new token of the account.
    pub(crate) async fn someone(&self, role: &str, scope: Value) -> Caller {
        let body = json!({"name": "someone", "role": role, "scope": scope});
        let made = self
            .broker
            .tokens
            .create(&self.caller, &account(), submitted::<api::CreateToken, _>(body), None)
            .await
            .unwrap();
        let text = made.value.text.unwrap();
        self.broker.tokens.authenticate(text.expose(), Request::default()).await.unwrap()
    }

    /// Binds a place.
    pub(crate) async fn bind(&self, consumer: &str, slot: &str, credential: &str) -> Result<BindingView, Error> {
        let to = Reference::from(credential);
        self.broker.bindings.put(&self.caller, &account(), (consumer, slot), &to, None).await
    }

    /// Resolves without a format: the credential's name and why.
    pub(crate) async fn resolve(&self, consumer: &str, slot: &str) -> Result<(String, Source), Error> {
        let resolved = self.broker.bindings.resolve(&self.caller, &account(), consumer, slot, None).await?;
        Ok((resolved.credential.name, resolved.source))
    }

    /// Deletes a credential.
    pub(crate) async fn delete(&self, credential: &Reference, deletion: Deletion) -> Result<(), Error> {
        self.broker.deletions.delete(&self.caller, &account(), credential, deletion, None).await
    }

    /// Lets so much time pass.
    pub(crate) async fn pass(&self, duration: std::time::Duration) {
        tokio::time::sleep(duration).await;
    }

    pub(crate) async fn present(&self, value: &str) -> Result<DnsRecord, Error> {
        present(&self.broker, &self.caller, value).await
    }

    pub(crate) async fn cleanup(&self, value: &str) -> Result<(), Error> {
        self.broker
            .dns
            .clean_up(&self.caller, &account(), &zone(), submitted::<api::CleanupDnsRecord, _>(record(value)))
            .await
    }

    /// The ledger: value and state of each row.
    pub(crate) async fn rows(&self) -> Vec<(String, RecordState)> {
        let page = self.broker.dns.list(&self.caller, &account(), &zone(), None, 500).await.unwrap();
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
    broker.dns.present(caller, &account(), &zone(), submitted::<api::PresentDnsRecord, _>(record(value))).await
}

/// The body of a request about a value at the one name of these tests.
pub(crate) fn record(value: &str) -> Value {
    json!({"fqdn": NAME, "value": value})
}

/// A command, read from a request's body.
pub(crate) fn submitted<B: RequestBody, C: From<B>>(body: Value) -> Submitted<C> {
    B::read(body).unwrap().map(C::from)
}

/// The command that changes a region.
pub(crate) fn region_patch(body: Value) -> Submitted<UpdateRegion> {
    api::PatchRegion::command(api::PatchRegion::read(body).unwrap())
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

fn among(store: &Arc<MapStore>, time: &Arc<Time>, number: u128) -> Nodes {
    let (id, process) = (NodeId(Uuid::from_u128(number)), Uuid::from_u128(number + 100));
    Nodes::sharing(store.clone(), time.clone(), id, process, "0")
}

fn node(
    store: &Arc<MapStore>,
    provider: &Arc<Provider>,
    shelf: &Arc<Shelf>,
    time: &Arc<Time>,
    nodes: &Arc<Nodes>,
) -> Arc<Broker> {
    let rules = vec!["_validation.example.com".parse().unwrap()];
    Arc::new(Broker::new(BrokerParts {
        ports: Ports {
            store: store.clone(),
            blind: store.clone(),
            plugins: provider.clone(),
            notices: shelf.clone(),
            clock: time.clone(),
            timer: time.clone(),
            entropy: Arc::new(Counting),
        },
        trail: store.clone(),
        regions: RegionPorts { targets: Arc::new(shelf::Shelves(shelf.clone())), nodes: nodes.clone(), concurrency: 4 },
        dns_grants: DnsGrants::new(BTreeMap::from([(PROVIDER.to_owned(), rules)])),
        quotas: Quotas::default(),
    }))
}

/// Where the tests' records are.
pub(crate) const NAME: &str = "_acme-challenge.example.com";
