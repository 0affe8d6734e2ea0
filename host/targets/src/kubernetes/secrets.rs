//! Reads, writes and removes one Secret at the API server, and never touches anybody else's.
//!
//! Ownership is known only by reading, and anything can happen between reading and writing. So each write states what it
//! relies on, and the server refuses it where that no longer holds:
//!
//! - A missing Secret is made by a plain create, which never changes one that appeared meanwhile. A server-side apply
//!   would: it creates or updates whatever it finds, and cannot be limited to creating.
//! - A Secret of ours is changed by an apply with the uid and resourceVersion that were read. Another Secret of the same
//!   name has different ones, so the apply is refused; without the uid it would recreate a Secret that was deleted.
//! - A Secret of ours is deleted with both as preconditions.
//!
//! A refused write starts over by reading. Apply is forced: in a Secret of ours, our keys are ours whoever changed
//! them, and keys that others added are not part of our apply and stay.

use bursar_regions::{Owner, TargetError};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use kube::Resource;
use kube::api::{DeleteParams, GetParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::Request;
use serde_json::{Value, json};
use uuid::Uuid;

use super::api::{ClusterApi, Failure, Subject};
use super::naming::SecretPath;
use super::secret::{DesiredSecret, MANAGER, Ownership, namespace_labels, ownership};
use crate::blot::Blotter;

/// The client for one Secret.
pub(super) struct SecretClient<'a> {
    api: ClusterApi,
    path: SecretPath<'a>,
    request: Request,
}

impl<'a> SecretClient<'a> {
    pub(super) fn new(api: ClusterApi, path: SecretPath<'a>) -> Self {
        Self { api, path, request: Request::new(Secret::url_path(&(), Some(path.namespace))) }
    }

    /// The Secret, if it exists.
    pub(super) async fn read(&self) -> Result<Option<Secret>, TargetError> {
        self.get().await.map_err(|failure| failure.into_error(self.subject("get")))
    }

    /// Creates or updates the Secret, and returns its uid and resourceVersion. Creates a missing namespace for the
    /// installation in `namespaces`, if any. `blot` holds the secrets that must not come back in an error.
    ///
    /// # Errors
    ///
    /// [`TargetError::Foreign`] where the Secret is not ours.
    pub(super) async fn put(
        &self,
        desired: &DesiredSecret<'_>,
        owner: &Owner,
        namespaces: Option<Uuid>,
        mut blot: Blotter,
    ) -> Result<Value, TargetError> {
        for _ in 0..TRIES {
            let written = match self.get().await {
                Ok(None) => self.create(desired, namespaces, &blot).await,
                Ok(Some(found)) => {
                    remember(&mut blot, &found);
                    self.replace(found, desired, owner, namespaces, &blot).await
                }
                Err(failure) => Err(failure),
            };
            match written {
                Ok(made) => {
                    return Ok(json!({ "uid": made.metadata.uid, "resourceVersion": made.metadata.resource_version }));
                }
                Err(Failure::Taken | Failure::Changed) => {}
                // It was deleted after it was read.
                Err(Failure::Absent(resource)) if resource == "secrets" => {}
                Err(failure) => return Err(failure.into_error(self.subject("patch"))),
            }
        }
        Err(Failure::Changed.into_error(self.subject("patch")))
    }

    /// Removes the Secret if it belongs to the owner.
    pub(super) async fn remove(&self, owner: &Owner) -> Result<(), TargetError> {
        let subject = self.subject("delete");
        for _ in 0..TRIES {
            let Some(found) = self.read().await? else { return Ok(()) };
            if let Ownership::Foreign(_) = ownership(&found, owner) {
                return Ok(());
            }
            let mut blot = Blotter::default();
            remember(&mut blot, &found);
            match self.delete(&found, &blot).await {
                Ok(()) => return Ok(()),
                Err(failure) if failure.is_absence() => return Ok(()),
                Err(Failure::Taken | Failure::Changed) => {}
                Err(failure) => return Err(failure.into_error(subject)),
            }
        }
        Err(Failure::Changed.into_error(subject))
    }

    async fn get(&self) -> Result<Option<Secret>, Failure> {
        let request = self.request.get(self.path.name, &GetParams::default()).map_err(unbuildable)?;
        // Nothing is quoted: the secrets that the server might quote are unknown.
        match self.api.send(self.subject("get"), request, None).await {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.is_absence() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Changes an existing Secret, if it is ours.
    async fn replace(
        &self,
        found: Secret,
        desired: &DesiredSecret<'_>,
        owner: &Owner,
        namespaces: Option<Uuid>,
        blot: &Blotter,
    ) -> Result<Secret, Failure> {
        let path = self.path;
        if let Ownership::Foreign(what) = ownership(&found, owner) {
            return Err(Failure::Final(TargetError::Foreign(format!(
                "{path} is {what}: delete or move it, or rename the credential"
            ))));
        }
        if found.metadata.deletion_timestamp.is_some() {
            return Err(Failure::Final(TargetError::Conflict(being_deleted(path, &found.metadata))));
        }
        if found.type_.as_deref() != Some(desired.type_) {
            // Kubernetes does not allow to change the type of a Secret.
            self.delete(&found, blot).await?;
            return self.create(desired, namespaces, blot).await;
        }
        if found.immutable == Some(true) {
            return Err(Failure::Final(TargetError::Invalid(format!(
                "somebody made the Secret {path} immutable: delete it, and it is created again"
            ))));
        }
        let found = self.adopt(found, blot).await?;
        let apply = Patch::Apply(
            desired.over(present(found.metadata.uid.as_deref())?, present(found.metadata.resource_version.as_deref())?),
        );
        let forced = PatchParams::apply(MANAGER).force();
        let request = self.request.patch(path.name, &forced, &apply).map_err(unbuildable)?;
        self.api.send(self.subject("patch"), request, Some(blot)).await
    }

    /// Turns our create into an apply. To server-side apply a create is an update, and its fields would survive an apply
    /// that no longer has them. client-go does the same for `kubectl apply`:
    /// <https://pkg.go.dev/k8s.io/client-go/util/csaupgrade>
    async fn adopt(&self, found: Secret, blot: &Blotter) -> Result<Secret, Failure> {
        let entries = found.metadata.managed_fields.as_deref().unwrap_or_default();
        let Some(entries) = adopted(entries) else { return Ok(found) };
        let metadata = json!({
            "uid": found.metadata.uid,
            "resourceVersion": found.metadata.resource_version,
            "managedFields": entries,
        });
        let patch = Patch::Merge(json!({ "metadata": metadata }));
        let by = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let request = self.request.patch(self.path.name, &by, &patch).map_err(unbuildable)?;
        self.api.send(self.subject("patch"), request, Some(blot)).await
    }

    async fn create(
        &self,
        desired: &DesiredSecret<'_>,
        namespaces: Option<Uuid>,
        blot: &Blotter,
    ) -> Result<Secret, Failure> {
        let namespace = self.path.namespace;
        match (self.post(desired, blot).await, namespaces) {
            (Err(Failure::Absent(resource)), Some(installation)) if resource == "namespaces" => {
                self.create_namespace(installation).await?;
                self.post(desired, blot).await
            }
            (Err(Failure::Absent(resource)), None) if resource == "namespaces" => {
                Err(Failure::Final(TargetError::Invalid(format!(
                    "there is no namespace {namespace}: create it, or set the region's `createNamespaces` to true"
                ))))
            }
            (posted, _) => posted,
        }
    }

    async fn post(&self, desired: &DesiredSecret<'_>, blot: &Blotter) -> Result<Secret, Failure> {
        let body = serde_json::to_vec(desired)
            .map_err(|error| unbuildable(kube::core::request::Error::SerializeBody(error)))?;
        let request = self.request.create(&as_manager(), body).map_err(unbuildable)?;
        self.api.send(self.subject("create"), request, Some(blot)).await
    }

    async fn create_namespace(&self, installation: Uuid) -> Result<(), Failure> {
        let name = self.path.namespace;
        let labels = namespace_labels(installation);
        let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels } });
        let request = Request::new(Namespace::url_path(&(), None))
            .create(&as_manager(), body.to_string().into_bytes())
            .map_err(unbuildable)?;
        let subject = Subject { verb: "create", resource: "namespaces", namespace: "", name };
        match self.api.send::<Namespace>(subject, request, Some(&Blotter::default())).await {
            Ok(_) | Err(Failure::Taken) => Ok(()),
            Err(failure) => Err(Failure::Final(failure.into_error(subject))),
        }
    }

    async fn delete(&self, found: &Secret, blot: &Blotter) -> Result<(), Failure> {
        let preconditions = Preconditions {
            uid: Some(present(found.metadata.uid.as_deref())?.to_owned()),
            resource_version: Some(present(found.metadata.resource_version.as_deref())?.to_owned()),
        };
        let options = DeleteParams::background().preconditions(preconditions);
        let request = self.request.delete(self.path.name, &options).map_err(unbuildable)?;
        let gone: Value = self.api.send(self.subject("delete"), request, Some(blot)).await?;
        // With finalizers it is only marked, and stays until their owners remove them.
        match serde_json::from_value::<ObjectMeta>(gone["metadata"].clone()) {
            Ok(left) if left.finalizers.as_ref().is_some_and(|finalizers| !finalizers.is_empty()) => {
                Err(Failure::Final(TargetError::Conflict(being_deleted(self.path, &left))))
            }
            _ => Ok(()),
        }
    }

    fn subject<'b>(&'b self, verb: &'b str) -> Subject<'b> {
        Subject { verb, resource: "secrets", namespace: self.path.namespace, name: self.path.name }
    }
}

/// The entries with our updates turned into applies; `None` where there are none.
fn adopted(entries: &[ManagedFieldsEntry]) -> Option<Vec<ManagedFieldsEntry>> {
    let is_ours = |entry: &&ManagedFieldsEntry| entry.manager.as_deref() == Some(MANAGER);
    let is_update = |entry: &ManagedFieldsEntry| entry.operation.as_deref() == Some("Update");
    if !entries.iter().filter(is_ours).any(is_update) {
        return None;
    }
    let mut ours = entries.iter().find(is_ours)?.clone();
    ours.operation = Some("Apply".to_owned());
    for other in entries.iter().filter(is_ours) {
        if let (Some(into), Some(from)) = (&mut ours.fields_v1, &other.fields_v1) {
            unite(&mut into.0, &from.0);
        }
    }
    let others = entries.iter().filter(|entry| !is_ours(entry)).cloned();
    Some(others.chain([ours]).collect())
}

/// The union of two field sets, which are trees of objects.
fn unite(into: &mut Value, from: &Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        for (key, value) in from {
            unite(into.entry(key.clone()).or_insert_with(|| json!({})), value);
        }
    }
}

fn remember(blot: &mut Blotter, found: &Secret) {
    found.data.iter().flatten().for_each(|(_, value)| blot.add(&value.0));
}

fn being_deleted(path: SecretPath<'_>, metadata: &ObjectMeta) -> String {
    let finalizers = metadata.finalizers.as_deref().unwrap_or_default().join(", ");
    format!("the Secret {path} is being deleted, and its finalizers ({finalizers}) keep it until they are removed")
}

/// A field that every object has.
fn present(text: Option<&str>) -> Result<&str, Failure> {
    text.ok_or_else(|| {
        Failure::Final(TargetError::Failed(
            "the API server returned a Secret without uid or resourceVersion".to_owned(),
        ))
    })
}

fn as_manager() -> PostParams {
    PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() }
}

/// Drops the error, which may quote the body.
fn unbuildable(_: kube::core::request::Error) -> Failure {
    Failure::Final(TargetError::Failed("the request cannot be made".to_owned()))
}

const TRIES: usize = 5;
