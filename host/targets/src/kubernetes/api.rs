//! Requests to the API server, and what the answers mean.
//!
//! kube builds the requests and the connection, but does not parse the answers: it would log those that it cannot parse,
//! Secrets included.

use std::error::Error as _;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bursar_regions::TargetError;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::Client;
use kube::client::Body;
use serde::de::DeserializeOwned;
use tracing::instrument::WithSubscriber as _;
use zeroize::Zeroizing;

use crate::blot::Blotter;

/// A connection to an API server.
#[derive(Clone)]
pub(super) struct ClusterApi {
    pub(super) client: Client,
    /// The timeout of one request.
    pub(super) timeout: Duration,
    /// The secrets of our own sign-in.
    pub(super) secrets: Arc<Blotter>,
}

/// What a request is about, for error messages.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    /// As RBAC names it.
    pub(super) verb: &'a str,
    /// As RBAC names it.
    pub(super) resource: &'a str,
    /// Empty for a cluster-wide resource.
    pub(super) namespace: &'a str,
    /// Empty where there is none.
    pub(super) name: &'a str,
}

/// Why a request failed.
pub(super) enum Failure {
    /// There is no such object; its resource, as the server names it.
    Absent(String),
    /// The object to create exists already.
    Taken,
    /// The object changed since it was read.
    Changed,
    /// Anything else.
    Final(TargetError),
}

impl ClusterApi {
    /// Sends a request and parses its answer.
    ///
    /// The server's message is passed on only with `quotable`: the secrets it may quote, which are removed.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        subject: Subject<'_>,
        request: Request<Vec<u8>>,
        quotable: Option<&Blotter>,
    ) -> Result<T, Failure> {
        // kube would log failures a second time, and answers in its debug output.
        let answer = self.exchange(request).with_subscriber(tracing::Dispatch::none());
        let (status, headers, body) = match tokio::time::timeout(self.timeout, answer).await {
            Ok(answer) => {
                answer.map_err(|text| unreachable(subject, &self.secrets.excerpt(&text, MAX_EXCERPT_CHARACTERS)))?
            }
            Err(_) => return Err(unreachable(subject, &format!("no answer in {} s", self.timeout.as_secs()))),
        };
        if status.is_success() {
            return serde_json::from_slice(&body)
                .map_err(|_| unreachable(subject, "the answer is not that of an API server"));
        }
        Err(self.failure(subject, status, &headers, &body, quotable))
    }

    async fn exchange(&self, request: Request<Vec<u8>>) -> Result<(StatusCode, HeaderMap, Zeroizing<Vec<u8>>), String> {
        let response: Response<Body> =
            self.client.send(request.map(Body::from)).await.map_err(|error| describe(&error))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|error| error.to_string())?;
        Ok((head.status, head.headers, Zeroizing::new(body.to_bytes().to_vec())))
    }

    fn failure(
        &self,
        subject: Subject<'_>,
        code: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        quotable: Option<&Blotter>,
    ) -> Failure {
        let status: Status = serde_json::from_slice(body).unwrap_or_default();
        let reason = status.reason.as_deref().unwrap_or_default();
        let details = status.details.as_ref();
        let says = match (&status.message, quotable) {
            (Some(message), Some(blot)) => format!(
                ": {}",
                self.secrets.excerpt(&blot.excerpt(message, MAX_EXCERPT_CHARACTERS), MAX_EXCERPT_CHARACTERS)
            ),
            _ => String::new(),
        };
        let is_terminating = details
            .and_then(|details| details.causes.as_ref())
            .is_some_and(|causes| causes.iter().any(|cause| cause.reason.as_deref() == Some("NamespaceTerminating")));
        Failure::Final(match code.as_u16() {
            404 => return Failure::Absent(details.and_then(|details| details.kind.clone()).unwrap_or_default()),
            409 if reason == "AlreadyExists" => return Failure::Taken,
            409 => return Failure::Changed,
            401 => TargetError::Refused(format!(
                "the API server rejects the sign-in (401) to {subject}: put a valid token or client \
                 certificate into the region's kubeconfig"
            )),
            403 if is_terminating => TargetError::Conflict(format!(
                "the namespace {} is being deleted: it is created again once it is gone",
                subject.namespace
            )),
            403 => TargetError::Refused(format!(
                "the API server does not let us {subject} (403{says}): grant the verb `{}` on {} by RBAC, as \
                 docs/targets/kubernetes.md shows",
                subject.verb, subject.resource
            )),
            429 => TargetError::Throttled {
                message: format!("the API server is overloaded (429) and did not {subject}"),
                seconds: seconds_to_wait(headers, &status),
            },
            400 | 413 | 415 | 422 => {
                TargetError::Invalid(format!("the API server refuses to {subject} ({}{says})", code.as_u16()))
            }
            500.. => return unreachable(subject, &format!("it answers {}", code.as_u16())),
            other => TargetError::Failed(format!("the API server answers {other} to: {subject}")),
        })
    }
}

impl Failure {
    /// Whether the API server itself reports that the Secret, or its namespace, does not exist. A 404 from elsewhere
    /// means neither.
    pub(super) fn is_absence(&self) -> bool {
        matches!(self, Self::Absent(resource) if resource == "secrets" || resource == "namespaces")
    }

    /// The target's error, where the failure has no special meaning for the request.
    pub(super) fn into_error(self, subject: Subject<'_>) -> TargetError {
        match self {
            Self::Absent(_) => TargetError::Failed(format!(
                "cannot {subject}: not found (404); the server of the kubeconfig may not be an API server"
            )),
            Self::Taken | Self::Changed => {
                TargetError::Conflict(format!("cannot {subject}: others keep changing it; it is retried"))
            }
            Self::Final(error) => error,
        }
    }
}

impl std::fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        match (self.namespace, self.name) {
            ("", "") => Ok(()),
            ("", name) => write!(f, " {name}"),
            (namespace, name) => write!(f, " {name} in namespace {namespace}"),
        }
    }
}

fn unreachable(subject: Subject<'_>, text: &str) -> Failure {
    Failure::Final(TargetError::Unreachable(format!("the API server did not {subject}: {text}")))
}

/// A transport error with its causes. It quotes nothing of an answer's body.
fn describe(error: &kube::Error) -> String {
    let mut text = match error {
        kube::Error::HyperError(_) | kube::Error::Service(_) => String::new(),
        kube::Error::Auth(_) => "the sign-in failed".to_owned(),
        _ => return "the request cannot be made".to_owned(),
    };
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            let between = if text.is_empty() { "" } else { ": " };
            // Writing to a string cannot fail.
            let _ = write!(text, "{between}{cause_text}");
        }
        source = cause.source();
    }
    text
}

fn seconds_to_wait(headers: &HeaderMap, status: &Status) -> Option<u32> {
    let header = headers.get(http::header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let details = status.details.as_ref().and_then(|details| details.retry_after_seconds);
    header.or_else(|| details.and_then(|seconds| u32::try_from(seconds).ok())).filter(|seconds| *seconds > 0)
}

/// Twice a Secret of 1 MiB in base64, with as many annotations and managers as it may have.
const MAX_ANSWER_BYTES: usize = 8 << 20;
const MAX_EXCERPT_CHARACTERS: usize = 400;
