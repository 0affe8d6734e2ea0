//! Requests to the server, and what its answers mean.
//!
//! vaultrs, which would be at hand, loses `Retry-After`, reads bodies of any
//! length, logs each answer of 404 as an error, keeps tokens in plain texts,
//! and does not know `sys/capabilities-self` and `metadata_cas`. What is needed
//! is five routes.

use bursar_domain::region::TargetError;
use bursar_domain::secret::SecretJson;
use reqwest::header::HeaderValue;
use reqwest::{Client, Method};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use zeroize::Zeroizing;

use super::session::Session;
use crate::http::{Connection, retry_after_seconds};

/// The server, and how we are signed in there.
pub(super) struct Api {
    wire: Wire,
    session: Session,
}

/// The server without a sign-in.
pub(super) struct Wire {
    http: Client,
    connection: Connection,
    namespace: Option<String>,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: SecretJson,
    wait_seconds: Option<u32>,
}

/// A sign-in.
#[derive(Deserialize)]
pub(super) struct Auth {
    pub(super) client_token: Zeroizing<String>,
    /// In seconds; 0 where it does not end.
    pub(super) lease_duration: u64,
    pub(super) renewable: bool,
}

/// What a request is for, for people.
pub(super) struct Asked {
    /// `read`, `write`, ...
    pub(super) does: &'static str,
    /// As it stands in a policy.
    pub(super) path: String,
    /// The capability it takes.
    pub(super) needs: &'static str,
}

impl Api {
    pub(super) fn new(
        connection: Connection,
        namespace: Option<String>,
        session: Session,
    ) -> Result<Self, TargetError> {
        Ok(Self { wire: Wire { http: connection.client()?, connection, namespace }, session })
    }

    /// Asks what `asked` says, at its path.
    ///
    /// # Errors
    ///
    /// What the answer says, but for a 404 that says that there is nothing.
    pub(super) async fn call(
        &self,
        method: Method,
        asked: &Asked,
        body: Option<&SecretJson>,
    ) -> Result<Answer, TargetError> {
        let answer = self.exchange(method, &asked.path, body).await?;
        self.accept(answer, asked)
    }

    /// The same, for whatever answer there is to a valid token. One that has
    /// ended is replaced once.
    ///
    /// # Errors
    ///
    /// Where no answer comes, or we are not let in at all.
    pub(super) async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&SecretJson>,
    ) -> Result<Answer, TargetError> {
        let token = self.session.token(&self.wire).await?;
        let mut answer = self.wire.send(method.clone(), path, Some(&token), body).await?;
        // A token that may not do this and one that is none look the same.
        if answer.status == 403 && !self.session.is_valid(&self.wire, &token).await? {
            let token = self.session.replace(&self.wire, &token).await?;
            answer = self.wire.send(method, path, Some(&token), body).await?;
        }
        Ok(answer)
    }

    /// See [`Wire::accept`].
    pub(super) fn accept(&self, answer: Answer, asked: &Asked) -> Result<Answer, TargetError> {
        self.wire.accept(answer, asked)
    }
}

impl Wire {
    /// Sends one request.
    ///
    /// # Errors
    ///
    /// Where no answer comes.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&SecretJson>,
    ) -> Result<Answer, TargetError> {
        let mut url = self.connection.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path.split('/'));
        }
        // What a server may ask for, since a browser cannot be made to send it.
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
        Ok(Answer { status, body, wait_seconds })
    }

    /// Passes an answer of 2xx on, and of 404 for what is not there.
    ///
    /// # Errors
    ///
    /// What another says. Its own texts are read and never told: they could
    /// repeat what was sent.
    pub(super) fn accept(&self, answer: Answer, asked: &Asked) -> Result<Answer, TargetError> {
        let at = self.connection.shown();
        let Asked { does, path, needs } = asked;
        let namespace = self.namespace.as_deref().unwrap_or_default();
        Err(match answer.status {
            404 if answer.says("namespace not found") => {
                TargetError::Invalid(format!("there is no namespace `{namespace}` at {at}: set `namespace`"))
            }
            404 if answer.says("no handler for route") => TargetError::Invalid(format!(
                "nothing is mounted at `{path}`: set `mount` to a KV engine of version 2 (and `authMount` to AppRole)"
            )),
            200..=299 | 404 => return Ok(answer),
            // Of content and of metadata.
            400 if answer.says("check-and-set") => TargetError::Conflict(format!("others wrote to `{path}`")),
            // Vault, for a moment after a mount was made one of version 2.
            400 if answer.says("Upgrading") => TargetError::Unreachable(format!("{at} is still upgrading the mount")),
            403 => TargetError::Refused(format!(
                "the token is not valid, or may not {does} `{path}`: its policy must grant {needs} there"
            )),
            300..=399 => TargetError::Unreachable(format!(
                "{at} is a standby that points to another server: set `address` to the active one or to what leads there"
            )),
            405 => TargetError::Invalid(format!("`{path}` is not of a KV engine of version 2: set `mount`")),
            413 => TargetError::Invalid(format!("what is to be written to `{path}` is too large for the server")),
            429 => TargetError::Throttled { message: format!("{at} answers 429"), seconds: answer.wait_seconds },
            // Vault, where a replica is behind.
            412 => TargetError::Unreachable(format!("{at} is behind its active server")),
            503 if answer.says("sealed") => {
                TargetError::Unreachable(format!("{at} is sealed: unseal it with `bao operator unseal`"))
            }
            status @ 500..=599 => {
                TargetError::Unreachable(format!("{at} answers {status} when asked to {does} `{path}`: see its log"))
            }
            400 => TargetError::Invalid(format!("{at} does not accept to {does} `{path}` (400): see its log")),
            status => asked.failed(&format!("{at} answers {status}")),
        })
    }
}

impl Answer {
    /// What is under `data`.
    ///
    /// # Errors
    ///
    /// [`TargetError::Failed`] where it is not of that shape.
    pub(super) fn data<T: DeserializeOwned>(&self, asked: &Asked) -> Result<T, TargetError> {
        T::deserialize(&self.body.expose()["data"]).map_err(|_| asked.not_understood())
    }

    /// The sign-in that it grants.
    ///
    /// # Errors
    ///
    /// [`TargetError::Failed`] where it grants none.
    pub(super) fn auth(&self, asked: &Asked) -> Result<Auth, TargetError> {
        Auth::deserialize(&self.body.expose()["auth"]).map_err(|_| asked.not_understood())
    }

    /// Whether one of its errors has these words.
    fn says(&self, words: &str) -> bool {
        let errors = self.body.expose().get("errors").and_then(Value::as_array);
        errors.into_iter().flatten().filter_map(Value::as_str).any(|error| error.contains(words))
    }
}

impl Asked {
    /// An answer that is not of the shape it should be.
    pub(super) fn not_understood(&self) -> TargetError {
        self.failed("the answer is not what OpenBao and Vault say; see whether `address` leads to one")
    }

    fn failed(&self, why: &str) -> TargetError {
        TargetError::Failed(format!("cannot {} `{}`: {why}", self.does, self.path))
    }
}

/// The server takes requests of 32 MiB; an artifact is far smaller.
const MAX_BODY_BYTES: usize = 33 << 20;
