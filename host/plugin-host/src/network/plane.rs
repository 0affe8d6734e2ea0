//! One call of the network plane: what it may use, what it has used up, and
//! what it did.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bursar_kernel::audit::Outcome;
use bursar_kernel::plugin::{CredentialType, Derived, Exchange, ExchangeRecorder, Manifest, NetworkCall};
use serde_json::Value;
use tokio::time::Instant;

use super::assemble::{BASIC, FilledPart, piece};
use super::call_secrets::{CallSecrets, Screen, Unusable};
use super::inbound::{self, MAX_WIRE_BYTES, Unfit};
use super::keys::{DigestAlgorithm, KeyAccess, KeySource, Keys, SignatureAlgorithm, SigningError};
use super::log::{Level, Lines};
use super::outbound::{Terms, granted_addresses};
use super::request::{Denial, Part, Request, Response, SendError};
use super::target::Target;
use super::{Network, Reach, Transport, TransportError, WireAnswer, WireRequest};

/// A call of the network plane.
pub(crate) struct Plane {
    kind: Arc<CredentialType>,
    /// The data without its secrets.
    public: Value,
    secrets: CallSecrets,
    keys: Keys,
    network: Arc<Network>,
    transport: Arc<dyn Transport>,
    recorder: Arc<dyn ExchangeRecorder>,
    /// When the call is over, whatever it is doing.
    deadline: Instant,
    exchange_limit: Duration,
    /// How often `send` was called.
    asked: u64,
    lines: Lines,
}

/// A request could not be recorded: the call must end.
#[derive(Debug, thiserror::Error)]
#[error("its requests could not be recorded")]
pub(crate) struct Unrecorded;

impl Plane {
    /// `secret_pointers` are all places in the call's data that are secret;
    /// `time` is when the call ends, and what one exchange may take of it.
    ///
    /// # Errors
    ///
    /// See [`Unusable`].
    pub(crate) fn new(
        kind: &Arc<CredentialType>,
        call: &NetworkCall<'_>,
        secret_pointers: Vec<String>,
        network: &Arc<Network>,
        time: (Instant, Duration),
    ) -> Result<Self, Unusable> {
        Ok(Self {
            kind: Arc::clone(kind),
            public: public(&kind.manifest, call, &secret_pointers),
            secrets: CallSecrets::new(call.data.clone(), secret_pointers, call.taints.clone(), &kind.manifest)?,
            keys: Keys::default(),
            transport: network.transport(),
            network: Arc::clone(network),
            recorder: Arc::clone(&call.recorder),
            deadline: time.0,
            exchange_limit: time.1,
            asked: 0,
            lines: Lines::default(),
        })
    }

    /// The data as the plugin may see it.
    pub(crate) fn public(&self) -> &Value {
        &self.public
    }

    /// The call's secrets.
    pub(crate) fn secrets(&self) -> &CallSecrets {
        &self.secrets
    }

    /// Sends a request, and records it before the plugin learns anything of the
    /// answer.
    ///
    /// # Errors
    ///
    /// [`Unrecorded`]; the inner error says why there is no answer.
    pub(crate) async fn send(&mut self, request: Request) -> Result<Result<Response, SendError>, Unrecorded> {
        self.asked += 1;
        if self.asked > MAX_REQUESTS {
            if self.asked == MAX_REQUESTS + 1 {
                self.refuse(&request.method, None, &Denial::new(FLOOD)).await?;
            }
            return Ok(Err(SendError::Denied(FLOOD.to_owned())));
        }
        let target = match Target::parse(&request.url) {
            Ok(target) => target,
            Err(denial) => return self.refuse(&request.method, None, &denial).await.map(Err),
        };
        let kind = Arc::clone(&self.kind);
        let built = Terms {
            plugin: &kind.manifest.id,
            manifest: &kind.manifest,
            public: &self.public,
            config: &self.network.config,
            secrets: &self.secrets,
            keys: &self.keys,
        }
        .build(&request, &target);
        let outbound = match built {
            Ok(outbound) => outbound,
            Err(denial) => return self.refuse(&request.method, Some(&target), &denial).await.map(Err),
        };
        let record = Exchange {
            sent_bytes: outbound.wire.body.as_ref().map_or(0, |body| body.len() as u64),
            endpoint: outbound.endpoint.map(|endpoint| endpoint.name.clone()),
            ..self.exchange(&request.method, Some(&target))
        };
        self.keep_back_written(&request);
        let answer = match self.carry(outbound.wire, record, &target, outbound.answers).await? {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(error)),
        };
        Ok(Ok(inbound::response(&answer, outbound.endpoint, &mut self.secrets)))
    }

    /// Loads a key.
    pub(crate) fn load_key(&mut self, source: KeySource) -> Result<u32, SigningError> {
        self.keys.load(source, &KeyAccess { secrets: &self.secrets, manifest: &self.kind.manifest })
    }

    /// Derives a key.
    pub(crate) fn derive_key(&mut self, key: u32, data: &[Part]) -> Result<u32, SigningError> {
        self.keys.derive(key, data, &KeyAccess { secrets: &self.secrets, manifest: &self.kind.manifest })
    }

    /// Makes a MAC.
    pub(crate) fn hmac(&mut self, key: u32, data: &[Part]) -> Result<u32, SigningError> {
        let made = self.keys.hmac(key, data, &KeyAccess { secrets: &self.secrets, manifest: &self.kind.manifest });
        made.inspect(|handle| self.keep_back(*handle))
    }

    /// Makes a signature.
    pub(crate) fn sign(&mut self, key: u32, algorithm: SignatureAlgorithm, data: &[Part]) -> Result<u32, SigningError> {
        let made =
            self.keys.sign(key, algorithm, data, &KeyAccess { secrets: &self.secrets, manifest: &self.kind.manifest });
        made.inspect(|handle| self.keep_back(*handle))
    }

    /// Makes a digest of what may hold secrets.
    pub(crate) fn digest(&mut self, algorithm: DigestAlgorithm, data: &[Part]) -> Result<u32, SigningError> {
        let made =
            self.keys.digest(algorithm, data, &KeyAccess { secrets: &self.secrets, manifest: &self.kind.manifest });
        made.inspect(|handle| self.keep_back(*handle))
    }

    /// The digest of the plugin's own data.
    pub(crate) fn digest_text(&mut self, algorithm: DigestAlgorithm, data: &[u8]) -> Result<String, SigningError> {
        self.keys.digest_text(algorithm, data)
    }

    /// Unix seconds.
    pub(crate) fn now(&self) -> i64 {
        self.network.transport.now()
    }

    /// Logs a line.
    pub(crate) fn log(&mut self, level: Level, message: &str) {
        self.lines.log(&self.kind.manifest.id, level, message, self.secrets.known());
    }

    /// Records how many requests and lines exceeded the limits.
    ///
    /// # Errors
    ///
    /// [`Unrecorded`].
    pub(crate) async fn close(&mut self) -> Result<(), Unrecorded> {
        let plugin = self.kind.manifest.id.as_str();
        if self.lines.dropped() > 0 {
            tracing::warn!(plugin, lines = self.lines.dropped(), "a plugin exceeded its limit of log lines");
        }
        // The first of them was recorded at once.
        let more = self.asked.saturating_sub(MAX_REQUESTS + 1);
        if more == 0 {
            return Ok(());
        }
        tracing::warn!(plugin, requests = more, "a plugin exceeded its limit of requests");
        let reason = Some(format!("{more} more requests beyond the 20 of a call"));
        self.record(Exchange { reason, outcome: Outcome::Denied, ..self.exchange("", None) }).await
    }

    /// Performs the exchange in a separate task: a call that is abandoned meanwhile
    /// must not lose the record of what was sent.
    async fn carry(
        &self,
        wire: WireRequest,
        record: Exchange,
        target: &Target,
        screen: Screen,
    ) -> Result<Result<WireAnswer, SendError>, Unrecorded> {
        let left = self.deadline.saturating_duration_since(Instant::now()).saturating_sub(RECORDING_TIME);
        let timeout = left.min(self.exchange_limit);
        let plugin = self.kind.manifest.id.clone();
        let addresses = self.network.config.granted_addresses.get(&plugin).cloned().unwrap_or_default();
        let reach = Reach { addresses, timeout, max_answer_bytes: MAX_WIRE_BYTES };
        let (transport, recorder) = (Arc::clone(&self.transport), Arc::clone(&self.recorder));
        let authority = target.authority();
        let task = tokio::spawn(async move {
            let outcome = if timeout.is_zero() {
                Err(TransportError::Timeout(timeout))
            } else {
                transport.exchange(wire, &reach).await
            };
            let (record, outcome) = conclude(outcome, record, &plugin, &authority, &screen);
            recorder.record(record).await.map(|()| outcome)
        });
        match task.await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(error)) => {
                tracing::error!(plugin = self.kind.manifest.id, %error, "a plugin's request was not recorded");
                Err(Unrecorded)
            }
            Err(_panicked) => Err(Unrecorded),
        }
    }

    /// Records a request that is not sent.
    async fn refuse(&self, method: &str, target: Option<&Target>, denial: &Denial) -> Result<SendError, Unrecorded> {
        let reason = denial.to_string();
        tracing::warn!(plugin = self.kind.manifest.id, reason, "a plugin's request was refused");
        let outcome = Outcome::Denied;
        self.record(Exchange { reason: Some(reason), outcome, ..self.exchange(method, target) }).await?;
        Ok(SendError::Denied(denial.rule.clone()))
    }

    async fn record(&self, exchange: Exchange) -> Result<(), Unrecorded> {
        self.recorder.record(exchange).await.map_err(|error| {
            tracing::error!(plugin = self.kind.manifest.id, %error, "a plugin's request was not recorded");
            Unrecorded
        })
    }

    /// The record of a request before it is sent. What the plugin chose freely is
    /// truncated and scrubbed.
    fn exchange(&self, method: &str, target: Option<&Target>) -> Exchange {
        let clean = |text: &str, most: usize| {
            let text = self.secrets.known().scrub_text(text);
            text.chars().filter(|c| !crate::text::is_unprintable(*c)).take(most).collect::<String>()
        };
        Exchange {
            method: clean(method, MAX_METHOD),
            host: target.map(Target::authority).unwrap_or_default(),
            path: target.map(|target| clean(target.path(), MAX_PATH)).unwrap_or_default(),
            status: None,
            sent_bytes: 0,
            received_bytes: 0,
            endpoint: None,
            reason: None,
            outcome: Outcome::Ok,
        }
    }

    /// Learns the secrets as this request encodes them: a service may encode once
    /// more what it was sent.
    fn keep_back_written(&mut self, request: &Request) {
        let fields = request.headers.iter().chain(&request.query).flat_map(|field| &field.value);
        for part in fields.chain(request.body.iter().flatten()) {
            if let Ok(FilledPart::Secret { origin, value, written, .. }) = piece(part, &self.secrets)
                && value != written
            {
                self.secrets.learn(written.strip_prefix(BASIC).unwrap_or(&written), &BTreeSet::from([origin]));
            }
        }
    }

    /// Learns a signature, which is a secret too.
    fn keep_back(&mut self, handle: u32) {
        if let Ok((bytes, origins)) = self.keys.output(handle)
            && !origins.is_empty()
        {
            self.secrets.learn(bytes, origins);
        }
    }
}

/// What the plugin may see of a call's data: neither secrets nor values derived
/// from them, except verified copies.
fn public(manifest: &Manifest, call: &NetworkCall<'_>, secret_pointers: &[String]) -> Value {
    let is_clean = |pointer: &str| call.taints.about(pointer).next().is_none();
    let withheld = manifest.derives.iter().filter(|derived| match derived {
        Derived::Computed(_) => true,
        Derived::Copied(copied) => {
            !(copied.is_copied(call.data.expose()) && is_clean(&copied.field) && is_clean(&copied.secret))
        }
    });
    let withheld = withheld.map(Derived::field).chain(call.taints.places()).map(str::to_owned);
    let all: Vec<String> = withheld.chain(secret_pointers.iter().cloned()).collect();
    call.data.without(&all)
}

/// Concludes an exchange: what to record and to log, and what the plugin learns.
fn conclude(
    outcome: Result<WireAnswer, TransportError>,
    record: Exchange,
    plugin: &str,
    authority: &str,
    screen: &Screen,
) -> (Exchange, Result<WireAnswer, SendError>) {
    let no_answer = |outcome, reason: String, error| {
        tracing::warn!(plugin, host = authority, reason, "a plugin's request got no answer");
        (Exchange { outcome, reason: Some(reason), ..record.clone() }, Err(error))
    };
    match outcome {
        Ok(answer) => {
            let record = Exchange { status: Some(answer.status), received_bytes: answer.body.len() as u64, ..record };
            match inbound::admit(&answer, record.endpoint.is_some(), screen) {
                Ok(()) => (Exchange { outcome: Outcome::Ok, ..record }, Ok(answer)),
                Err(unfit) => {
                    let (outcome, error) = match unfit {
                        Unfit::TooLarge => (Outcome::Failed, SendError::TooLarge),
                        Unfit::Encoded | Unfit::Token | Unfit::Repeats => {
                            (Outcome::Denied, SendError::Denied(unfit.as_str().to_owned()))
                        }
                    };
                    (Exchange { outcome, reason: Some(unfit.as_str().to_owned()), ..record }, Err(error))
                }
            }
        }
        Err(TransportError::Refused(why)) => {
            let denial = Denial { rule: why, cure: Some(granted_addresses(plugin, authority)) };
            no_answer(Outcome::Denied, denial.to_string(), SendError::Unreachable)
        }
        Err(error @ TransportError::Timeout(_)) => no_answer(Outcome::Failed, error.to_string(), SendError::Timeout),
        Err(error @ TransportError::TooLarge(_)) => no_answer(Outcome::Failed, error.to_string(), SendError::TooLarge),
        Err(error @ TransportError::Failed(_)) => no_answer(Outcome::Failed, error.to_string(), SendError::Unreachable),
    }
}

const FLOOD: &str = "a call may send 20 requests";
const MAX_REQUESTS: u64 = 20;
const MAX_METHOD: usize = 16;
const MAX_PATH: usize = 1024;
/// Reserved for recording an exchange before the call ends.
const RECORDING_TIME: Duration = Duration::from_secs(1);
