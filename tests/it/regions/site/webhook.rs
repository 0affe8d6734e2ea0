use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Contents, Site};
use crate::support::fault_proxy::FaultProxy;
use crate::support::receiver::Receiver;

/// A receiver, perhaps behind a proxy that a test makes unwell.
pub(in super::super) struct Webhook {
    pub(in super::super) receiver: Receiver,
    proxy: Option<FaultProxy>,
}

impl Webhook {
    pub(in super::super) async fn start() -> Self {
        Self { receiver: Receiver::start(KEY).await, proxy: None }
    }

    pub(in super::super) async fn behind_a_proxy() -> Self {
        let receiver = Receiver::start(KEY).await;
        let proxy = FaultProxy::start(receiver.address()).await;
        Self { receiver, proxy: Some(proxy) }
    }

    pub(in super::super) fn proxy(&self) -> &FaultProxy {
        self.proxy.as_ref().expect("it was started behind a proxy")
    }

    /// The key of the signatures.
    pub(in super::super) fn key() -> &'static str {
        KEY
    }

    /// What a well-behaved sender never does, unless somebody asks for a sync.
    #[track_caller]
    pub(in super::super) fn assert_well_treated(&self) {
        self.assert_understood();
        let counts = self.receiver.counts();
        assert_eq!(counts.unchanged, 0, "what had not changed was pushed: {counts:?}");
    }

    /// What it never does at all.
    #[track_caller]
    pub(in super::super) fn assert_understood(&self) {
        let counts = self.receiver.counts();
        assert_eq!(counts.bad_signatures, 0, "{counts:?}");
        assert_eq!(counts.malformed, 0, "{counts:?}");
        assert_eq!(counts.altered, 0, "another body under the same key: {counts:?}");
    }
}

#[async_trait]
impl Site for Webhook {
    fn target(&self) -> &'static str {
        "webhook"
    }

    fn settings(&self) -> Value {
        let mut settings = self.receiver.settings();
        if let Some(proxy) = &self.proxy {
            settings["url"] = json!(format!("http://{}/hook", proxy.address()));
            settings["timeoutSeconds"] = json!(PATIENCE_SECONDS);
        }
        settings
    }

    async fn held(&self, account: &str) -> Contents {
        let ours = |place: &str| Some(place.strip_prefix(account)?.strip_prefix('/')?.to_owned());
        let held = self.receiver.held().into_iter();
        held.filter_map(|(place, held)| Some((ours(&place)?, held.artifacts))).collect()
    }

    async fn plant(&self, account: &str, name: &str) {
        self.receiver.claim(&format!("{account}/{name}"));
    }

    async fn uproot(&self, account: &str, name: &str) {
        self.receiver.release(&format!("{account}/{name}"));
    }

    async fn trace(&self, account: &str, name: &str) -> String {
        let place = format!("{account}/{name}");
        format!("{:?} {}", self.receiver.at(&place), self.receiver.writes_at(&place))
    }

    async fn tamper(&self, _: &str, _: &str) {
        unreachable!("nobody can look at what a receiver holds");
    }

    async fn take(&self, _: &str, _: &str) {
        unreachable!("nobody can look at what a receiver holds");
    }
}

const KEY: &str = "the-key-signaturesignaturesignature";
/// How long a receiver behind a proxy is waited for.
const PATIENCE_SECONDS: u32 = 1;
