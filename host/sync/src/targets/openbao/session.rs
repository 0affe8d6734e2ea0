//! How we are signed in: a token that is given, or tokens of an `AppRole`.
//!
//! Source: <https://openbao.org/api-docs/auth/approle/>

use std::time::Duration;

use bursar_domain::region::TargetError;
use bursar_domain::secret::SecretJson;
use reqwest::Method;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::api::{Asked, Wire};

/// What we sign in with.
pub(super) enum SignIn {
    /// A token.
    Token(Zeroizing<String>),
    /// A role of the method that is mounted at `auth/<mount>`.
    AppRole { mount: String, role_id: Zeroizing<String>, secret_id: Zeroizing<String> },
}

/// A sign-in and the token it has given.
pub(super) struct Session {
    sign_in: SignIn,
    /// Locked while a token is got, so that many who need one ask once.
    held: Mutex<Option<Held>>,
}

struct Held {
    token: Zeroizing<String>,
    /// How long it lives when it is new.
    first: Duration,
    renewable: bool,
    /// When half of its life is over; never, where it does not end.
    renew_at: Option<Instant>,
}

impl Session {
    pub(super) fn new(sign_in: SignIn) -> Self {
        Self { sign_in, held: Mutex::new(None) }
    }

    /// A token with at least about half of its life before it.
    ///
    /// # Errors
    ///
    /// Where we are not let in.
    pub(super) async fn token(&self, wire: &Wire) -> Result<Zeroizing<String>, TargetError> {
        let mut held = self.held.lock().await;
        if let Some(held) = held.as_mut() {
            let due = held.renew_at.is_some_and(|at| at <= Instant::now());
            if !due || (held.renewable && held.renew(wire).await) {
                return Ok(held.token.clone());
            }
        }
        let new = self.sign_in(wire).await?;
        let token = new.token.clone();
        *held = Some(new);
        Ok(token)
    }

    /// Whether the server knows a token. One without the policy `default` may
    /// not ask, and counts as unknown.
    pub(super) async fn is_valid(&self, wire: &Wire, token: &str) -> Result<bool, TargetError> {
        let path = "auth/token/lookup-self";
        let answer = wire.send(Method::GET, path, Some(token), None).await?;
        Ok(answer.status != 403 && wire.accept(answer, &asked(path)).map(|_| true)?)
    }

    /// Another token in place of `ended`.
    ///
    /// # Errors
    ///
    /// [`TargetError::Refused`] where there is none but that one.
    pub(super) async fn replace(&self, wire: &Wire, ended: &str) -> Result<Zeroizing<String>, TargetError> {
        if let SignIn::Token(_) = &self.sign_in {
            return Err(TargetError::Refused(
                "the token is not valid, or not any more, or lacks the policy `default`: give another one, or an AppRole, \
                 whose tokens renew themselves"
                    .to_owned(),
            ));
        }
        {
            let mut held = self.held.lock().await;
            // Another call may have replaced it already.
            if held.as_ref().is_some_and(|held| *held.token == ended) {
                *held = None;
            }
        }
        self.token(wire).await
    }

    async fn sign_in(&self, wire: &Wire) -> Result<Held, TargetError> {
        let (mount, role_id, secret_id) = match &self.sign_in {
            SignIn::Token(token) => return Ok(Held::new(token.clone(), Duration::ZERO, false)),
            SignIn::AppRole { mount, role_id, secret_id } => (mount, role_id, secret_id),
        };
        let path = format!("auth/{mount}/login");
        let asked = asked(&path);
        let body = SecretJson::new(json!({ "role_id": **role_id, "secret_id": **secret_id }));
        let answer = wire.send(Method::POST, &path, None, Some(&body)).await?;
        if answer.status == 400 || answer.status == 403 {
            return Err(TargetError::Refused(format!(
                "role id and secret id are not accepted at `auth/{mount}`: see that AppRole is mounted there and this \
                 machine's address within the bounds, or make a new secret id"
            )));
        }
        let auth = wire.accept(answer, &asked)?.auth(&asked)?;
        Ok(Held::new(auth.client_token, Duration::from_secs(auth.lease_duration), auth.renewable))
    }
}

impl Held {
    fn new(token: Zeroizing<String>, lease: Duration, renewable: bool) -> Self {
        let renew_at = (!lease.is_zero()).then(|| Instant::now() + lease / 2);
        Self { token, first: lease, renewable, renew_at }
    }

    /// Whether the token lives on, nearly as long as it first did. It does not
    /// when it comes to the longest life that its role grants.
    async fn renew(&mut self, wire: &Wire) -> bool {
        let path = "auth/token/renew-self";
        let body = SecretJson::new(json!({}));
        let answer = wire.send(Method::POST, path, Some(&self.token), Some(&body)).await;
        let Ok(auth) = answer.and_then(|answer| wire.accept(answer, &asked(path))?.auth(&asked(path))) else {
            return false;
        };
        let lease = Duration::from_secs(auth.lease_duration);
        self.renew_at = Some(Instant::now() + lease / 2);
        lease > self.first / 2
    }
}

fn asked(path: &str) -> Asked {
    Asked { does: "sign in at", path: path.to_owned(), needs: "update" }
}
