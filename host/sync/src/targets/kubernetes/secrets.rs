//! One Secret at the API server: read, put, removed, and nobody else's ever touched.
//!
//! What is ours is known by reading, and between reading and writing anything can happen. So each write says what it
//! counts on, and the server refuses it where that is not so any more:
//!
//! - What is not there is made by a plain create, which never changes what came meanwhile. A server-side apply would:
//!   it creates or changes, whichever it finds, and has no way to say "create only".
//! - What is ours is changed by an apply that names the uid and resourceVersion that were read. Another Secret of the
//!   same name has others, so the apply is refused; without the uid it would make a new one of one that is gone.
//! - What is ours is deleted under the precondition of the same two.
//!
//! A refused write is begun anew by reading. Apply is forced: on a Secret of ours, a key of ours is ours whoever
//! changed it, and what others added is not in what we apply and stays.

use bursar_domain::region::{Owner, TargetError};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use kube::Resource;
use kube::api::{DeleteParams, GetParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::Request;
use serde_json::{Value, json};
use uuid::Uuid;

use super::api::{Api, Failure, Subject};
use super::naming::Spot;
use super::secret::{MANAGER, Wanted, Whose, namespace_labels, whose};
use crate::blot::Blotter;

/// One Secret.
pub(super) struct Secrets<'a> {
    api: Api,
    spot: Spot<'a>,
    request: Request,
}

impl<'a> Secrets<'a> {
    pub(super) fn new(api: Api, spot: Spot<'a>) -> Self {
        Self { api, spot, request: Request::new(Secret::url_path(&(), Some(spot.namespace))) }
    }

    /// What is there.
    pub(super) async fn read(&self) -> Result<Option<Secret>, TargetError> {
        self.get().await.map_err(|failure| failure.into_error(self.subject("get")))
    }

    /// Puts a Secret there, and tells its uid and resourceVersion. With an installation, a namespace that is missing is
    /// made, as its. `blot` holds what must not come back in an error.
    ///
    /// # Errors
    ///
    /// [`TargetError::Foreign`] where another's Secret is there.
    pub(super) async fn put(
        &self,
        wanted: &Wanted<'_>,
        owner: &Owner,
        namespaces: Option<Uuid>,
        mut blot: Blotter,
    ) -> Result<Value, TargetError> {
        for _ in 0..TRIES {
            let written = match self.get().await {
                Ok(None) => self.create(wanted, namespaces, &blot).await,
                Ok(Some(found)) => {
                    remember(&mut blot, &found);
                    self.replace(found, wanted, owner, namespaces, &blot).await
                }
                Err(failure) => Err(failure),
            };
            match written {
                Ok(made) => {
                    return Ok(json!({ "uid": made.metadata.uid, "resourceVersion": made.metadata.resource_version }));
                }
                Err(Failure::Taken | Failure::Changed) => {}
                // It went after it was read.
                Err(Failure::Absent(resource)) if resource == "secrets" => {}
                Err(failure) => return Err(failure.into_error(self.subject("patch"))),
            }
        }
        Err(Failure::Changed.into_error(self.subject("patch")))
    }

    /// Removes the Secret if it is the owner's.
    pub(super) async fn remove(&self, owner: &Owner) -> Result<(), TargetError> {
        let subject = self.subject("delete");
        for _ in 0..TRIES {
            let Some(found) = self.read().await? else { return Ok(()) };
            if let Whose::Foreign(_) = whose(&found, owner) {
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
        let request = self.request.get(self.spot.name, &GetParams::default()).map_err(unmakeable)?;
        // Nothing is quoted: what the server might quote is not known.
        match self.api.send(self.subject("get"), request, None).await {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.is_absence() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Changes what is there, if it is ours.
    async fn replace(
        &self,
        found: Secret,
        wanted: &Wanted<'_>,
        owner: &Owner,
        namespaces: Option<Uuid>,
        blot: &Blotter,
    ) -> Result<Secret, Failure> {
        let spot = self.spot;
        if let Whose::Foreign(what) = whose(&found, owner) {
            return Err(Failure::Final(TargetError::Foreign(format!(
                "{spot} is {what}: delete or move it, or give the credential another name"
            ))));
        }
        if found.metadata.deletion_timestamp.is_some() {
            return Err(Failure::Final(TargetError::Conflict(held(spot, &found.metadata))));
        }
        if found.type_.as_deref() != Some(wanted.type_) {
            // The type of a Secret never changes.
            self.delete(&found, blot).await?;
            return self.create(wanted, namespaces, blot).await;
        }
        if found.immutable == Some(true) {
            return Err(Failure::Final(TargetError::Invalid(format!(
                "somebody made the Secret {spot} immutable: delete it, and it is made anew"
            ))));
        }
        let found = self.adopt(found, blot).await?;
        let patch = Patch::Apply(
            wanted.over(known(found.metadata.uid.as_deref())?, known(found.metadata.resource_version.as_deref())?),
        );
        let forced = PatchParams::apply(MANAGER).force();
        let request = self.request.patch(spot.name, &forced, &patch).map_err(unmakeable)?;
        self.api.send(self.subject("patch"), request, Some(blot)).await
    }

    /// Makes what we created what we applied. A create is an update in the eyes of server-side apply, and what it set
    /// would not go away with an apply that has it no more. client-go does the same where `kubectl apply` changes over:
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
        let request = self.request.patch(self.spot.name, &by, &patch).map_err(unmakeable)?;
        self.api.send(self.subject("patch"), request, Some(blot)).await
    }

    async fn create(&self, wanted: &Wanted<'_>, namespaces: Option<Uuid>, blot: &Blotter) -> Result<Secret, Failure> {
        let namespace = self.spot.namespace;
        match (self.post(wanted, blot).await, namespaces) {
            (Err(Failure::Absent(resource)), Some(installation)) if resource == "namespaces" => {
                self.create_namespace(installation).await?;
                self.post(wanted, blot).await
            }
            (Err(Failure::Absent(resource)), None) if resource == "namespaces" => {
                Err(Failure::Final(TargetError::Invalid(format!(
                    "there is no namespace {namespace}: create it, or let the region's `createNamespaces` be true"
                ))))
            }
            (posted, _) => posted,
        }
    }

    async fn post(&self, wanted: &Wanted<'_>, blot: &Blotter) -> Result<Secret, Failure> {
        let body =
            serde_json::to_vec(wanted).map_err(|error| unmakeable(kube::core::request::Error::SerializeBody(error)))?;
        let request = self.request.create(&by_us(), body).map_err(unmakeable)?;
        self.api.send(self.subject("create"), request, Some(blot)).await
    }

    async fn create_namespace(&self, installation: Uuid) -> Result<(), Failure> {
        let name = self.spot.namespace;
        let labels = namespace_labels(installation);
        let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels } });
        let request = Request::new(Namespace::url_path(&(), None))
            .create(&by_us(), body.to_string().into_bytes())
            .map_err(unmakeable)?;
        let subject = Subject { verb: "create", resource: "namespaces", namespace: "", name };
        match self.api.send::<Namespace>(subject, request, Some(&Blotter::default())).await {
            Ok(_) | Err(Failure::Taken) => Ok(()),
            Err(failure) => Err(Failure::Final(failure.into_error(subject))),
        }
    }

    async fn delete(&self, found: &Secret, blot: &Blotter) -> Result<(), Failure> {
        let preconditions = Preconditions {
            uid: Some(known(found.metadata.uid.as_deref())?.to_owned()),
            resource_version: Some(known(found.metadata.resource_version.as_deref())?.to_owned()),
        };
        let options = DeleteParams::background().preconditions(preconditions);
        let request = self.request.delete(self.spot.name, &options).map_err(unmakeable)?;
        let gone: Value = self.api.send(self.subject("delete"), request, Some(blot)).await?;
        // With finalizers it is marked, and stays until those who put them there have taken them away.
        match serde_json::from_value::<ObjectMeta>(gone["metadata"].clone()) {
            Ok(left) if left.finalizers.as_ref().is_some_and(|finalizers| !finalizers.is_empty()) => {
                Err(Failure::Final(TargetError::Conflict(held(self.spot, &left))))
            }
            _ => Ok(()),
        }
    }

    fn subject<'b>(&'b self, verb: &'b str) -> Subject<'b> {
        Subject { verb, resource: "secrets", namespace: self.spot.namespace, name: self.spot.name }
    }
}

/// The entries with those of our creates made those of our applies; `None` where there is nothing to be done.
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

fn held(spot: Spot<'_>, metadata: &ObjectMeta) -> String {
    let finalizers = metadata.finalizers.as_deref().unwrap_or_default().join(", ");
    format!("the Secret {spot} is being deleted, and its finalizers ({finalizers}) hold it until they are taken away")
}

/// What every object of an API server has.
fn known(text: Option<&str>) -> Result<&str, Failure> {
    text.ok_or_else(|| {
        Failure::Final(TargetError::Failed("the API server told of a Secret without uid or resourceVersion".to_owned()))
    })
}

fn by_us() -> PostParams {
    PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() }
}

/// The error may hold the body, and is not passed on.
fn unmakeable(_: kube::core::request::Error) -> Failure {
    Failure::Final(TargetError::Failed("the request cannot be made".to_owned()))
}

const TRIES: usize = 5;
