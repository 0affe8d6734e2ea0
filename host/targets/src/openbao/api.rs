//! Requests to the server, and what its answers mean.
//!
//! `vaultrs` would not do: it drops `Retry-After`, reads bodies of any length, logs
//! the server's error texts, keeps tokens in plain strings, panics at one that no
//! header can hold, and lacks `sys/capabilities-self` and `metadata_cas`. Five
//! routes are needed.

use bursar_kernel::secret::SecretJson;
use bursar_regions::TargetError;
use reqwest::header::HeaderValue;
use reqwest::{Client, Method};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use zeroize::Zeroizing;

use super::session::Session;
use crate::http::{Connection, retry_after_seconds};

/// The server, with a signed-in session.
pub(super) struct VaultApi {
    client: VaultClient,
    session: Session,
}

/// The server, without a session.
pub(super) struct VaultClient {
    http: Client,
    connection: Connection,
    namespace: Option<String>,
}

/// An answer of the server.
pub(super) struct VaultResponse {
    pub(super) status: u16,
    pub(super) body: SecretJson,
    wait_seconds: Option<u32>,
}

/// A granted token.
#[derive(Deserialize)]
pub(super) struct Auth {
    pub(super) client_token: Zeroizing<String>,
    /// In seconds; 0 where it does not expire.
    pub(super) lease_duration: u64,
    pub(super) renewable: bool,
}

/// What a request does, for error messages.
pub(super) struct Operation {
    /// `read`, `write`, ...
    pub(super) does: &'static str,
    /// As in a policy.
    pub(super) path: String,
    /// The capability it requires.
    pub(super) needs: &'static str,
}

impl VaultApi {
    pub(super) fn new(
        connection: Connection,
        namespace: Option<String>,
        session: Session,
    ) -> Result<Self, TargetError> {
        Ok(Self { client: VaultClient { http: connection.client()?, connection, namespace }, session })
    }

    /// Sends an operation.
    ///
    /// # Errors
    ///
    /// See [`VaultClient::accept`].
    pub(super) async fn call(
        &self,
        method: Method,
        operation: &Operation,
        body: Option<&SecretJson>,
    ) -> Result<VaultResponse, TargetError> {
        let answer = self.exchange(method, &operation.path, body).await?;
        self.accept(answer, operation)
    }

    /// Sends a request and returns any answer to a valid token. An expired token is
    /// replaced once.
    ///
    /// # Errors
    ///
    /// Where there is no answer, or no sign-in.
    pub(super) async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&SecretJson>,
    ) -> Result<VaultResponse, TargetError> {
        let token = self.session.token(&self.client).await?;
        let mut answer = self.client.send(method.clone(), path, Some(&token), body).await?;
        // A valid token without the capability and an invalid one get the same answer.
        if answer.status == 403 && !self.session.is_valid(&self.client, &token).await? {
            let token = self.session.replace(&self.client, &token).await?;
            answer = self.client.send(method, path, Some(&token), body).await?;
        }
        Ok(answer)
    }

    /// See [`VaultClient::accept`].
    pub(super) fn accept(&self, answer: VaultResponse, operation: &Operation) -> Result<VaultResponse, TargetError> {
        self.client.accept(answer, operation)
    }
}

impl VaultClient {
    /// Sends one request.
    ///
    /// # Errors
    ///
    /// Where there is no answer.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&SecretJson>,
    ) -> Result<VaultResponse, TargetError> {
        let mut url = self.connection.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path.split('/'));
        }
        // Servers may require it: a browser cannot be tricked into sending it.
        let mut request = self.http.request(method, url).header("X-Vault-Request", "true");
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(token)
                .map_err(|_| TargetError::Failed("the token cannot be sent in a header".to_owned()))?;
            value.set_sensitive(true);
            request = request.header("X-Vault-Token", value);
        }
        if let Some(namespace) = &self.namespace {
            request = request.header("X-Vault-Namespace", namespace);
        }
        if let Some(body) = body {
            request = request.json(body.expose());
        }
        let response = request.send().await.map_err(|error| self.connection.unreachable(&error))?;
        let status = response.status().as_u16();
        let wait_seconds = retry_after_seconds(&response);
        let body = self.connection.body(response, MAX_BODY_BYTES).await?;
        let body = SecretJson::new(serde_json::from_slice(&body).unwrap_or_default());
        Ok(VaultResponse { status, body, wait_seconds })
    }

    /// Passes on an answer with status 2xx, or 404 for a missing path.
    ///
    /// # Errors
    ///
    /// What any other answer means. The server's texts are evaluated but never
    /// quoted: they could repeat a secret.
    pub(super) fn accept(&self, answer: VaultResponse, operation: &Operation) -> Result<VaultResponse, TargetError> {
        let at = self.connection.shown();
        let Operation { does, path, needs } = operation;
        let namespace = self.namespace.as_deref().unwrap_or_default();
        Err(match answer.status {
            404 if answer.says("namespace not found") => {
                TargetError::Invalid(format!("there is no namespace `{namespace}` at {at}: set `namespace`"))
            }
            404 if answer.says("no handler for route") => TargetError::Invalid(format!(
                "nothing is mounted at `{path}`: set `mount` to a KV engine of version 2 (and `authMount` to AppRole)"
            )),
            200..=299 | 404 => return Ok(answer),
            // For content and for metadata.
            400 if answer.says("check-and-set") => TargetError::Conflict(format!("others wrote to `{path}`")),
            // Vault, shortly after a mount was upgraded to version 2.
            400 if answer.says("Upgrading") => TargetError::Unreachable(format!("{at} is still upgrading the mount")),
            403 => TargetError::Refused(format!(
                "the token is not valid, or may not {does} `{path}`: its policy must grant {needs} there"
            )),
            300..=399 => TargetError::Unreachable(format!(
                "{at} is a standby that redirects to another server: set `address` to the active one, or to a load balancer"
            )),
            405 => TargetError::Invalid(format!("`{path}` does not belong to a KV engine of version 2: set `mount`")),
            413 => TargetError::Invalid(format!("the data for `{path}` is too large for the server")),
            429 => TargetError::Throttled { message: format!("{at} answers 429"), seconds: answer.wait_seconds },
            // Vault, on a replica that lags.
            412 => TargetError::Unreachable(format!("{at} lags behind its active server")),
            503 if answer.says("sealed") => {
                TargetError::Unreachable(format!("{at} is sealed: unseal it with `bao operator unseal`"))
            }
            status @ 500..=599 => {
                TargetError::Unreachable(format!("{at} answers {status} to {does} `{path}`: see its log"))
            }
            400 => TargetError::Invalid(format!("{at} refuses to {does} `{path}` (400): see its log")),
            status => operation.failed(&format!("{at} answers {status}")),
        })
    }
}

impl VaultResponse {
    /// The member `data`.
    ///
    /// # Errors
    ///
    /// [`TargetError::Failed`] where it has another shape.
    pub(super) fn data<T: DeserializeOwned>(&self, operation: &Operation) -> Result<T, TargetError> {
        T::deserialize(&self.body.expose()["data"]).map_err(|_| operation.unexpected_answer())
    }

    /// The member `auth`: a granted token.
    ///
    /// # Errors
    ///
    /// [`TargetError::Failed`] where it has another shape.
    pub(super) fn auth(&self, operation: &Operation) -> Result<Auth, TargetError> {
        Auth::deserialize(&self.body.expose()["auth"]).map_err(|_| operation.unexpected_answer())
    }

    /// Whether one of its errors contains these words.
    fn says(&self, words: &str) -> bool {
        let errors = self.body.expose().get("errors").and_then(Value::as_array);
        errors.into_iter().flatten().filter_map(Value::as_str).any(|error| error.contains(words))
    }
}

impl Operation {
    /// The error for an answer of an unexpected shape.
    pub(super) fn unexpected_answer(&self) -> TargetError {
        self.failed("the answer is not that of OpenBao or Vault; check that `address` leads to one")
    }

    fn failed(&self, why: &str) -> TargetError {
        TargetError::Failed(format!("cannot {} `{}`: {why}", self.does, self.path))
    }
}

/// The server accepts requests of 32 MiB; artifacts are far smaller.
const MAX_BODY_BYTES: usize = 33 << 20;
