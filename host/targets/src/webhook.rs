//! A receiver that somebody else wrote: each change is one signed request.
//!
//! `docs/targets/webhook.md` is the contract for its author: what to rely on, and
//! what the answers mean.

mod answer;
mod message;
mod settings;

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use aws_lc_rs::hmac;
use bursar_kernel::id::Name;
use bursar_kernel::secret::SecretJson;
use bursar_regions::{Login, Owner, Parcel, Removal, Seen, Target, TargetError, TargetKind};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method};
use serde_json::Value;
use zeroize::Zeroizing;

use self::answer::ReceiverResponse;
use self::settings::{WebhookOptions, key};
use crate::blot::Blotter;
use crate::http::Connection;
use crate::settings::{CompiledKind, Violations};

/// The kind.
pub(super) static KIND: LazyLock<CompiledKind> = LazyLock::new(|| {
    CompiledKind::new(include_str!("webhook/settings.json"), |settings| TargetKind {
        id: "webhook",
        title: "Webhook",
        summary: "A receiver of your own, which gets each change as a signed request.",
        settings,
        takes_login: true,
        preferred_formats: "",
    })
});

/// Everything that is wrong with settings.
pub(super) fn validate(settings: &SecretJson) -> Violations {
    WebhookOptions::read(settings).err().unwrap_or_default()
}

/// Opens a target. Sends nothing.
///
/// # Errors
///
/// [`TargetError::Invalid`] where settings or login cannot be used.
pub(super) fn open(region: &Name, settings: &SecretJson, login: Option<Login>) -> Result<Arc<dyn Target>, TargetError> {
    let options = WebhookOptions::read(settings)?;
    let key = key(options.secret, login)?;
    Ok(Arc::new(Webhook {
        http: options.connection.client()?,
        connection: options.connection,
        headers: options.headers,
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
        // Its message could repeat the artifacts, which are unknown here.
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
        // A receiver without this method is reachable, and may have the others.
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
    ) -> Result<ReceiverResponse, TargetError> {
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
        ReceiverResponse::read(response, &self.connection).await
    }
}
