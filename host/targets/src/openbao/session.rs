//! The session: a given token, or tokens of an `AppRole`.
//!
//! Source: <https://openbao.org/api-docs/auth/approle/>

use std::time::Duration;

use bursar_kernel::secret::SecretJson;
use bursar_regions::TargetError;
use reqwest::Method;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::api::{Operation, VaultClient};

/// How to sign in.
pub(super) enum SignIn {
    /// With a token.
    Token(Zeroizing<String>),
    /// With a role of the method mounted at `auth/<mount>`.
    AppRole { mount: String, role_id: Zeroizing<String>, secret_id: Zeroizing<String> },
}

/// A sign-in, and its current token.
pub(super) struct Session {
    sign_in: SignIn,
    /// Locked during sign-in, so that concurrent calls sign in once.
    current: Mutex<Option<ActiveToken>>,
}

struct ActiveToken {
    token: Zeroizing<String>,
    /// Its lifetime when it was issued.
    issued_for: Duration,
    renewable: bool,
    /// Half of its lifetime; `None` where it does not expire.
    renew_at: Option<Instant>,
}

impl Session {
    pub(super) fn new(sign_in: SignIn) -> Self {
        Self { sign_in, current: Mutex::new(None) }
    }

    /// A token with about half of its lifetime left, or more.
    ///
    /// # Errors
    ///
    /// Where the sign-in fails.
    pub(super) async fn token(&self, client: &VaultClient) -> Result<Zeroizing<String>, TargetError> {
        let mut current = self.current.lock().await;
        if let Some(current) = current.as_mut() {
            let due = current.renew_at.is_some_and(|at| at <= Instant::now());
            if !due || (current.renewable && current.renew(client).await) {
                return Ok(current.token.clone());
            }
        }
        let new = self.sign_in(client).await?;
        let token = new.token.clone();
        *current = Some(new);
        Ok(token)
    }

    /// Whether the server accepts a token. One without the policy `default` may not
    /// look itself up, and counts as invalid.
    pub(super) async fn is_valid(&self, client: &VaultClient, token: &str) -> Result<bool, TargetError> {
        let path = "auth/token/lookup-self";
        let answer = client.send(Method::GET, path, Some(token), None).await?;
        Ok(answer.status != 403 && client.accept(answer, &operation(path)).map(|_| true)?)
    }

    /// A new token in place of an `expired` one.
    ///
    /// # Errors
    ///
    /// [`TargetError::Refused`] where the token was given.
    pub(super) async fn replace(&self, client: &VaultClient, expired: &str) -> Result<Zeroizing<String>, TargetError> {
        if let SignIn::Token(_) = &self.sign_in {
            return Err(TargetError::Refused(
                "the token is invalid or expired, or lacks the policy `default`: give another one, or an AppRole, whose \
                 tokens are renewed"
                    .to_owned(),
            ));
        }
        {
            let mut current = self.current.lock().await;
            // Another call may have replaced it already.
            if current.as_ref().is_some_and(|current| *current.token == expired) {
                *current = None;
            }
        }
        self.token(client).await
    }

    async fn sign_in(&self, client: &VaultClient) -> Result<ActiveToken, TargetError> {
        let (mount, role_id, secret_id) = match &self.sign_in {
            SignIn::Token(token) => return Ok(ActiveToken::new(token.clone(), Duration::ZERO, false)),
            SignIn::AppRole { mount, role_id, secret_id } => (mount, role_id, secret_id),
        };
        let path = format!("auth/{mount}/login");
        let operation = operation(&path);
        let body = SecretJson::new(json!({ "role_id": **role_id, "secret_id": **secret_id }));
        let answer = client.send(Method::POST, &path, None, Some(&body)).await?;
        if answer.status == 400 || answer.status == 403 {
            return Err(TargetError::Refused(format!(
                "role id and secret id are not accepted at `auth/{mount}`: check that AppRole is mounted there and that this \
                 machine's address is allowed, or create a new secret id"
            )));
        }
        let auth = client.accept(answer, &operation)?.auth(&operation)?;
        Ok(ActiveToken::new(auth.client_token, Duration::from_secs(auth.lease_duration), auth.renewable))
    }
}

impl ActiveToken {
    fn new(token: Zeroizing<String>, lease: Duration, renewable: bool) -> Self {
        let renew_at = (!lease.is_zero()).then(|| Instant::now() + lease / 2);
        Self { token, issued_for: lease, renewable, renew_at }
    }

    /// Renews the token. `false` where its lifetime is not about what it was issued
    /// for, as happens near the maximum that its role grants.
    async fn renew(&mut self, client: &VaultClient) -> bool {
        let path = "auth/token/renew-self";
        let body = SecretJson::new(json!({}));
        let answer = client.send(Method::POST, path, Some(&self.token), Some(&body)).await;
        let Ok(auth) = answer.and_then(|answer| client.accept(answer, &operation(path))?.auth(&operation(path))) else {
            return false;
        };
        let lease = Duration::from_secs(auth.lease_duration);
        self.renew_at = Some(Instant::now() + lease / 2);
        lease > self.issued_for / 2
    }
}

fn operation(path: &str) -> Operation {
    Operation { does: "sign in at", path: path.to_owned(), needs: "update" }
}
