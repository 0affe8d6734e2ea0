//! A credential put to use over the network: what its plugin is given, and how
//! every request it makes becomes a durable audit event.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::clock::Clock;
use bursar_kernel::plugin::{Context, CredentialType, Exchange, ExchangeRecorder, NetworkCall, PluginError, Taints};
use bursar_kernel::secret::SecretJson;
use bursar_kernel::store::{Batch, Store};
use bursar_kernel::{Error, Kind, Ports};
use futures::future::{Either, select};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{Credential, CredentialRecords, MadeBy};

/// A credential, stored or not yet, on its way to its plugin's network plane.
pub struct Outbound {
    /// Its type.
    pub of: Arc<CredentialType>,
    subject: Subject,
    context: Context,
    /// What all events of this use have in common.
    event: Event,
    recorder: Arc<Recorder>,
}

/// The data that a call is about.
pub(crate) struct Subject {
    /// The whole data.
    pub(crate) data: SecretJson,
    /// Where its secrets are.
    pub(crate) secret_pointers: Vec<String>,
    /// What of it a plugin wrote.
    pub(crate) taints: Taints,
}

impl Outbound {
    /// A stored credential's current data. `by` is the event of whoever uses it;
    /// `purpose` goes into the seed.
    ///
    /// # Errors
    ///
    /// Where the data cannot be read.
    pub async fn of_stored(
        ports: &Ports,
        by: Event,
        credential: &Credential,
        of: Arc<CredentialType>,
        purpose: &str,
    ) -> Result<Self, Error> {
        let data = CredentialRecords::new(ports.clone()).secret_data(credential, credential.version).await?;
        let about = format!("{}\n{}\n{}\n{purpose}", credential.id, credential.version, credential.type_id);
        let context = Context {
            account: Some(credential.account),
            name: credential.name.to_string(),
            version: credential.version,
            seed: ports.blind().digest("network-seed", about.as_bytes()),
            options: json!({}),
        };
        let event = Event {
            account: Some(credential.account),
            credential: Some(credential.id),
            version: Some(credential.version),
            ..by
        };
        let taints = credential.taints(&of.manifest, data.expose());
        let subject = Subject { data, secret_pointers: credential.secret_pointers.clone(), taints };
        Ok(Self::of_draft(ports, event, of, subject, context))
    }

    /// Data that is not stored, recorded as `by` records it.
    pub(crate) fn of_draft(
        ports: &Ports,
        by: Event,
        of: Arc<CredentialType>,
        subject: Subject,
        context: Context,
    ) -> Self {
        let event = Event { plugin: Some(MadeBy::from(&*of).for_audit()), ..by };
        let recorder = Recorder { store: ports.store.clone(), clock: ports.clock.clone(), event: event.clone() };
        Self { of, subject, context, event, recorder: Arc::new(recorder) }
    }

    /// What a plugin call is about.
    #[must_use]
    pub fn call(&self) -> NetworkCall<'_> {
        NetworkCall {
            data: &self.subject.data,
            secret_pointers: &self.subject.secret_pointers,
            taints: &self.subject.taints,
            context: &self.context,
            recorder: self.recorder.clone(),
        }
    }

    /// Whose use it is, as events tell it.
    #[must_use]
    pub fn actor(&self) -> &str {
        &self.event.actor
    }

    /// An event of this use; `detail` is an object that is added to what is
    /// known.
    #[must_use]
    pub fn event(&self, at: Timestamp, action: Action, outcome: Outcome, detail: Value) -> Event {
        event_like(&self.event, at, action, outcome, detail)
    }
}

/// When what begins now must have begun its last call of a plugin.
#[must_use]
pub fn deadline(ports: &Ports) -> Timestamp {
    ports.now() + OPERATION
}

/// One call of a plugin, given up where it outlasts every limit of its host's:
/// what is reserved for it is reserved for so long and no longer.
///
/// # Errors
///
/// The plugin's, or that it took too long.
pub async fn bounded<T>(
    ports: &Ports,
    call: impl Future<Output = Result<T, PluginError>> + Send,
) -> Result<T, PluginError> {
    let call = std::pin::pin!(call);
    match select(call, ports.timer.sleep(CALL)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(PluginError::Unavailable("it took too long".to_owned())),
    }
}

/// Patience with a service that asks to wait: a few times and not for long.
pub struct Patience<'a> {
    ports: &'a Ports,
    deadline: Timestamp,
    waits: u32,
}

impl<'a> Patience<'a> {
    /// Patience until `deadline`.
    #[must_use]
    pub fn new(ports: &'a Ports, deadline: Timestamp) -> Self {
        Self { ports, deadline, waits: 0 }
    }

    /// Ends when the call may be repeated.
    ///
    /// # Errors
    ///
    /// The error itself, where it is another or the patience is at its end.
    pub async fn with(&mut self, error: PluginError) -> Result<(), PluginError> {
        let PluginError::Throttled(asked) = error else { return Err(error) };
        // A service that does not say how long is asked again ever later.
        let seconds = asked.unwrap_or(UNTOLD_WAIT_SECONDS << self.waits);
        if self.waits == MAX_WAITS || seconds > MAX_WAIT_SECONDS {
            return Err(error);
        }
        self.waits += 1;
        let wanted = Duration::from_secs(u64::from(seconds));
        if self.ports.wait(wanted, self.deadline).await { Ok(()) } else { Err(error) }
    }
}

/// Writes each request of a plugin down before the plugin hears of the answer.
struct Recorder {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// Whose use of which credential it is.
    event: Event,
}

#[async_trait]
impl ExchangeRecorder for Recorder {
    async fn record(&self, exchange: Exchange) -> Result<(), Error> {
        let detail = serde_json::to_value(&exchange)
            .map_err(|error| Error::new(Kind::Internal, "a request could not be recorded").because(error))?;
        let event = event_like(&self.event, self.clock.now(), Action::HttpSend, exchange.outcome, detail);
        self.store.commit(Batch::default().event(event)).await?;
        Ok(())
    }
}

fn event_like(common: &Event, at: Timestamp, action: Action, outcome: Outcome, detail: Value) -> Event {
    let mut all = common.detail.clone().unwrap_or_else(|| json!({}));
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), detail) {
        all.extend(more);
    }
    Event { at, action, outcome, detail: Some(all), ..common.clone() }
}

/// Within this time a use case begins its last call: under the minute that a
/// request may take.
const OPERATION: SignedDuration = SignedDuration::from_secs(50);
/// No call of a plugin is waited for longer; its host gives up well before.
const CALL: Duration = Duration::from_mins(1);
/// After the beginning of a use case nothing of it is under way any more: its
/// last call has ended or was given up.
pub const RESERVED: SignedDuration = SignedDuration::from_secs(50 + 60 + 10);
const MAX_WAITS: u32 = 3;
const MAX_WAIT_SECONDS: u32 = 10;
const UNTOLD_WAIT_SECONDS: u32 = 2;
