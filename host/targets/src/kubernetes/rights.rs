//! Checks the rights that a region needs.

use bursar_regions::TargetError;
use futures::future::try_join_all;
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use kube::Resource as _;
use kube::api::PostParams;
use kube::core::Request;
use serde_json::json;

use super::api::{ClusterApi, Failure, Subject};
use crate::blot::Blotter;

/// Asks the API server whether we have every right we need, in one namespace or else in all.
///
/// Where namespaces vary and we do not create them, rights may be granted in each one separately. Which ones there will
/// be is unknown, so only the sign-in is checked.
///
/// # Errors
///
/// [`TargetError::Refused`] with every missing right.
pub(super) async fn check(
    api: &ClusterApi,
    namespace: Option<&str>,
    creates_namespaces: bool,
) -> Result<(), TargetError> {
    let needed = NEEDED.iter().map(|verb| (*verb, "secrets", namespace.unwrap_or_default()));
    let needed: Vec<_> = needed.chain(creates_namespaces.then_some(("create", "namespaces", ""))).collect();
    let allowed = try_join_all(needed.iter().map(|(verb, resource, around)| is_allowed(api, verb, resource, around)));
    let allowed = allowed.await.map_err(|failure| failure.into_error(REVIEW))?;
    if namespace.is_none() && !creates_namespaces {
        return Ok(());
    }
    let missing: Vec<_> = needed
        .iter()
        .zip(allowed)
        .filter(|(_, allowed)| !allowed)
        .map(|((verb, resource, _), _)| (*verb, *resource))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut texts = Vec::new();
    let verbs: Vec<_> = missing.iter().filter(|(_, resource)| *resource == "secrets").map(|(verb, _)| *verb).collect();
    if !verbs.is_empty() {
        let around = namespace.map_or_else(|| "all namespaces".to_owned(), |name| format!("namespace {name}"));
        texts.push(format!("{} secrets in {around}", verbs.join(", ")));
    }
    if missing.iter().any(|(_, resource)| *resource == "namespaces") {
        texts.push("create namespaces (or set `createNamespaces` to false)".to_owned());
    }
    Err(TargetError::Refused(format!(
        "the API server does not let us {}: grant it by RBAC, as docs/targets/kubernetes.md shows",
        texts.join(", nor ")
    )))
}

async fn is_allowed(api: &ClusterApi, verb: &str, resource: &str, namespace: &str) -> Result<bool, Failure> {
    let mut about = json!({ "verb": verb, "resource": resource });
    if !namespace.is_empty() {
        about["namespace"] = namespace.into();
    }
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": about },
    });
    let request = Request::new(SelfSubjectAccessReview::url_path(&(), None))
        .create(&PostParams::default(), review.to_string().into_bytes())
        .map_err(|_| Failure::Final(TargetError::Failed("the request cannot be made".to_owned())))?;
    let answer: SelfSubjectAccessReview = api.send(REVIEW, request, Some(&Blotter::default())).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

const NEEDED: [&str; 4] = ["get", "create", "patch", "delete"];
const REVIEW: Subject<'static> =
    Subject { verb: "create", resource: "selfsubjectaccessreviews", namespace: "", name: "" };
