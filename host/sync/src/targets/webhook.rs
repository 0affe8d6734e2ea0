//! A receiver of somebody's own making: each change is one signed request.
//!
//! What a receiver can rely on, and what its answers mean, is told to its author
//! in `docs/targets/webhook.md`.

mod answer;
mod message;
mod settings;

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::hmac;
use bursar_domain::Violation;
use bursar_domain::id::Name;
use bursar_domain::region::{Login, Owner, Parcel, Removal, Seen, Setting, Target, TargetError, TargetKind};
use bursar_domain::secret::SecretJson;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method};
use serde_json::Value;
use zeroize::Zeroizing;

use self::answer::Answer;
use self::settings::{key, read};
use crate::blot::Blotter;
use crate::http::Connection;

/// The kind.
pub(super) const KIND: TargetKind = TargetKind {
    id: "webhook",
    title: "Webhook",
    summary: "A receiver of your own, which gets each change as a signed request.",
    settings: &[
        Setting {
            name: "url",
            about: "where requests go: https, or http for a loopback address",
            required: true,
            moves: true,
            ..PLAIN
        },
        Setting { name: "secret", about: "the key of the signatures, at least 16 characters", secret: true, ..PLAIN },
        Setting { name: "caFile", about: "a file of root certificates in PEM, instead of the system's", ..PLAIN },
        Setting { name: "timeoutSeconds", about: "how long a request may take (default: 10)", ..PLAIN },
        Setting { name: "headers", about: "headers to send along, none of them secret", ..PLAIN },
    ],
    takes_login: true,
    preferred_formats: "",
};

/// What is wrong with settings.
pub(super) fn judge(settings: &SecretJson) -> Vec<Violation> {
    read(settings).1
}

/// The target.
pub(super) fn open(region: &Name, settings: &SecretJson, login: Option<Login>) -> Result<Arc<dyn Target>, TargetError> {
    let (read, violations) = read(settings);
    let Some(read) = read.filter(|_| violations.is_empty()) else {
        return Err(TargetError::Invalid("the settings are not valid".to_owned()));
    };
    let key = key(read.secret, login)?;
    Ok(Arc::new(Webhook {
        http: read.connection.client()?,
        connection: read.connection,
        headers: read.headers,
        signing: hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()),
        key,
        region: region.to_string(),
    }))
}

struct Webhook {
    http: Client,
    connection: Connection,
    headers: HeaderMap,
    signing: hmac::Key,
    key: Zeroizing<String>,
    region: String,
}

#[async_trait]
impl Target for Webhook {
    fn place(&self, owner: &Owner) -> Result<String, TargetError> {
        Ok(format!("{}/{}", owner.account_name, owner.credential_name))
    }

    async fn put(&self, place: &str, parcel: &Parcel, receipt: Option<&Value>) -> Result<Value, TargetError> {
        let body = message::put(&self.region, place, parcel, receipt)?;
        let answer = self.send(Method::PUT, body, Some(&parcel.idempotency_key)).await?;
        let secrets = parcel.artifacts.iter().map(|artifact| artifact.content.as_slice());
        let blotter = Blotter::new(secrets.chain([self.key.as_bytes()]));
        if answer.is_success() {
            return Ok(answer.receipt(&blotter));
        }
        Err(answer.refusal(&self.connection.shown(), Some(&blotter)))
    }

    async fn remove(&self, place: &str, removal: &Removal, receipt: Option<&Value>) -> Result<(), TargetError> {
        let body = message::delete(&self.region, place, removal, receipt)?;
        let answer = self.send(Method::DELETE, body, Some(&removal.idempotency_key)).await?;
        if answer.is_success() || answer.says_gone() {
            return Ok(());
        }
        // Its texts could repeat what is there, and that is not known here.
        match answer.refusal(&self.connection.shown(), None) {
            TargetError::Foreign(_) => Ok(()),
            error => Err(error),
        }
    }

    async fn look(&self, _place: &str, _owner: &Owner) -> Result<Seen, TargetError> {
        Ok(Seen::CannotTell)
    }

    async fn check(&self) -> Result<(), TargetError> {
        let answer = self.send(Method::OPTIONS, Zeroizing::default(), None).await?;
        // One that does not know the method is there, and knows its own methods.
        if answer.is_success() || answer.lacks_method() {
            return Ok(());
        }
        Err(answer.refusal(&self.connection.shown(), None))
    }
}

impl Webhook {
    async fn send(
        &self,
        method: Method,
        body: Zeroizing<Vec<u8>>,
        idempotency_key: Option<&str>,
    ) -> Result<Answer, TargetError> {
        let mut request = self
            .http
            .request(method, self.connection.url.clone())
            .headers(self.headers.clone())
            .header("X-Bursar-Signature", message::signature(&self.signing, &body));
        if let Some(key) = idempotency_key {
            request = request.header("Idempotency-Key", key).header("Content-Type", "application/json");
        }
        let response = request.body(body.to_vec()).send().await;
        let response = response.map_err(|error| self.connection.unreachable(&error))?;
        Answer::read(response, &self.connection).await
    }
}

const PLAIN: Setting = Setting { name: "", about: "", secret: false, moves: false, required: false, lines: false };
