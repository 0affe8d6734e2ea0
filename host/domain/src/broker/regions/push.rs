//! A push: the intent, the call, the outcome.

use serde_json::json;
use zeroize::Zeroizing;

use super::super::credentials::Found;
use super::super::refusal::word;
use super::super::{Broker, codec, keys_for};
use super::gate::Pass;
use super::settle::{Known, Settled, Settling};
use super::wanted::{Ground, Put, fingerprint};
use crate::Error;
use crate::audit::{Action, Event};
use crate::credential::MadeBy;
use crate::keys::{self, Table};
use crate::plugin::{Artifact, PluginError};
use crate::region::{Attempt, Done, Pair, Parcel, Place, Placement, SyncState, Target, TargetError};
use crate::store::{Batch, Expect};

/// One settling of one pair: what all its steps need.
pub(super) struct Errand<'a> {
    pub(super) pair: Pair,
    pub(super) ground: Ground,
    /// The credential; `None` where it is purged.
    pub(super) found: Option<Found>,
    pub(super) how: &'a Settling,
}

/// What should be there, or only how it is told apart.
pub(super) enum Content {
    /// It was materialized before; this is its fingerprint.
    Known(String),
    /// Materialized now.
    Ready { artifacts: Vec<Artifact>, fingerprint: String },
}

impl<'a> Errand<'a> {
    pub(super) fn new(pair: Pair, ground: Ground, found: Option<Found>, how: &'a Settling) -> Self {
        Self { pair, ground, found, how }
    }

    pub(super) fn region(&self) -> &str {
        self.ground.region.name.as_str()
    }

    /// The credential's name, or what it was called when it was put there.
    pub(super) fn credential_name(&self, placement: &Placement) -> String {
        let then = || placement.places.last().map(|place| place.credential_name.clone());
        self.found.as_ref().map(|found| found.credential.name.to_string()).or_else(then).unwrap_or_default()
    }
}

impl Content {
    pub(super) fn fingerprint(&self) -> &str {
        match self {
            Self::Known(fingerprint) | Self::Ready { fingerprint, .. } => fingerprint,
        }
    }
}

impl Broker {
    /// Materializes what should be there. It does not leave the host by that.
    pub(super) async fn content(&self, errand: &Errand<'_>, put: &Put) -> Result<Result<Content, TargetError>, Error> {
        let Some(Found { credential, .. }) = &errand.found else { return Err(Error::not_found("credential")) };
        let data = self.secret_data(credential, credential.version).await?;
        let mut artifacts: Vec<Artifact> = Vec::new();
        for format in &put.formats {
            let context = self.materialize_context(credential, format);
            let made = match self.plugins().materialize(&credential.type_id, &data, format, &context).await {
                Ok(made) => made,
                Err(error) => return Ok(Err(told(&error))),
            };
            for artifact in made {
                match artifacts.iter().find(|known| known.name == artifact.name) {
                    None => artifacts.push(artifact),
                    Some(known) if known.content == artifact.content => {}
                    Some(_) => {
                        let what = format!(
                            "the formats {} make different files called `{}`: choose one of them",
                            put.formats.join(", "),
                            artifact.name
                        );
                        return Ok(Err(TargetError::Invalid(what)));
                    }
                }
            }
        }
        let fingerprint = self.fingerprint_of(artifacts.iter().map(|of| (of.name.as_str(), of.content.as_slice())));
        Ok(Ok(Content::Ready { artifacts, fingerprint }))
    }

    /// Keyed fingerprint of what was seen at a target.
    pub(super) fn content_fingerprint(&self, files: &[(String, Zeroizing<Vec<u8>>)]) -> String {
        self.fingerprint_of(files.iter().map(|(name, content)| (name.as_str(), content.as_slice())))
    }

    fn fingerprint_of<'a>(&self, files: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
        let mut files: Vec<_> = files.collect();
        files.sort_unstable();
        let mut all = Zeroizing::new(Vec::new());
        for part in files.iter().flat_map(|(name, content)| [name.as_bytes(), content]) {
            all.extend_from_slice(&(part.len() as u64).to_be_bytes());
            all.extend_from_slice(part);
        }
        fingerprint(&self.blind().digest("sync-content", &all))
    }

    /// Pushes, from the intent to the outcome.
    #[expect(clippy::too_many_arguments, reason = "the last step of one settling; each argument is made by another")]
    pub(super) async fn push(
        &self,
        errand: Errand<'_>,
        known: Known,
        put: Put,
        content: Content,
        target: &dyn Target,
        place: String,
        pass: Pass<'_>,
        repaired: Option<&str>,
    ) -> Result<Settled, Error> {
        let (Content::Ready { artifacts, fingerprint }, Some(found)) = (content, &errand.found) else {
            return Err(Error::not_found("credential"));
        };
        let credential = &found.credential;
        let repair = known.placement.input == put.input && !known.placement.content.is_empty();
        let mut placement = self.intended_placement(&known.placement, &put.input);
        let receipt = keep_in_sight(&mut placement, &errand, &place);
        let owner = self.owner(&errand.ground, errand.pair, credential.name.as_str());
        let mut detail = json!({ "place": place });
        if let Some(what) = repaired {
            detail["repairs"] = json!(what);
        }
        let event = self.push_event(&errand, &placement, &put, Action::RegionPush, detail);
        let batch = Batch::default()
            .put(keys::placed(errand.pair), known.expect, codec::encode(&placement)?)
            .require(keys_for(credential, Table::Credential), Expect::At(found.revision));
        let revision = self.store().commit(on_the_same_ground(&errand, batch).event(event)).await?;
        self.tell_placement(&errand, &placement, Done::Began);

        let parcel = Parcel {
            owner,
            type_id: credential.type_id.clone(),
            version: credential.version,
            formats: put.formats.clone(),
            artifacts,
            idempotency_key: self.idempotency_of(&errand, &placement, None),
        };
        let answer = self.call(&errand.ground.region, target.put(&place, &parcel, receipt.as_ref())).await;
        drop(parcel);
        let mine = Known { placement, expect: Expect::At(revision) };
        match answer {
            Ok(receipt) => {
                pass.tell(&Ok(()), self.now(), |most| self.jittered(most));
                self.pushed(&errand, mine, &put, &fingerprint, target, receipt, repair).await
            }
            Err(error) => {
                pass.tell(&Err::<(), _>(error.clone()), self.now(), |most| self.jittered(most));
                // A target that refused has written nothing.
                let foreign = matches!(error, TargetError::Foreign(_));
                if foreign && known.placement.places.iter().any(|known| known.place != place) {
                    return self.make_way(&errand, known.placement, mine, &put, &place, &error, target).await;
                }
                let untouched = foreign.then_some(&known.placement);
                self.fail_pair(&errand, mine, &error, &put.input, untouched).await
            }
        }
    }

    /// The placement that stands for the intent.
    pub(super) fn intended_placement(&self, before: &Placement, aim: &str) -> Placement {
        let again = before.begun_for == aim;
        Placement {
            state: SyncState::Syncing,
            begun: if again { before.begun } else { self.new_id() },
            begun_for: aim.to_owned(),
            attempt: Some(self.attempt()),
            ..before.clone()
        }
    }

    /// That this process is at it now.
    pub(super) fn attempt(&self) -> Attempt {
        let nodes = &self.regions.ports.nodes;
        Attempt { by: nodes.process(), node: Some(nodes.node()), until: self.now() + RESERVED }
    }

    /// The same for each try of one push, or of the removal of one place, and for
    /// nothing else.
    pub(super) fn idempotency_of(&self, errand: &Errand<'_>, placement: &Placement, removed: Option<&str>) -> String {
        let removed = removed.map(|place| format!("remove {place}")).unwrap_or_default();
        // A region's name is told to a receiver, and can change between two tries.
        let about = format!("{}\n{}\n{removed}", placement.begun, errand.region());
        fingerprint(&self.blind().digest("sync-idempotency", about.as_bytes()))
    }

    /// An event about a push.
    pub(super) fn push_event(
        &self,
        errand: &Errand<'_>,
        placement: &Placement,
        put: &Put,
        action: Action,
        mut detail: serde_json::Value,
    ) -> Event {
        detail["formats"] = json!(put.formats);
        let mut event = self.pair_event(errand, placement, action, detail);
        event.version = errand.found.as_ref().map(|found| found.credential.version);
        event.plugin = Some(MadeBy::from(&*put.of).for_audit());
        event
    }

    /// An event about a pair.
    pub(super) fn pair_event(
        &self,
        errand: &Errand<'_>,
        placement: &Placement,
        action: Action,
        detail: serde_json::Value,
    ) -> Event {
        let mut event = errand.how.event(self.now(), action);
        event.account = Some(errand.pair.account);
        event.credential = Some(errand.pair.credential);
        event.version = placement.version;
        event.region = Some(errand.region().to_owned());
        let mut all = event.detail.take().unwrap_or_else(|| json!({}));
        if let (Some(all), serde_json::Value::Object(detail)) = (all.as_object_mut(), detail) {
            all.extend(detail);
        }
        event.detail = Some(all);
        event
    }
}

/// Adds to `batch` that the region, and the account's use of it, are as they were
/// read: nothing is begun on what an operator has changed since.
pub(super) fn on_the_same_ground(errand: &Errand<'_>, batch: Batch) -> Batch {
    let Pair { account, region, .. } = errand.pair;
    let expect = errand.ground.attachment.as_ref().map_or(Expect::Absent, |(_, revision)| Expect::At(*revision));
    let region_as_read = Expect::At(errand.ground.region_revision);
    batch.require(keys::attachment(account, region), expect).require(keys::region(region), region_as_read)
}

/// Makes `place` the newest of the placement's, and answers the receipt of what
/// is there. Whatever was put anywhere stays in sight until it is removed.
fn keep_in_sight(placement: &mut Placement, errand: &Errand<'_>, place: &str) -> Option<serde_json::Value> {
    let known = placement.places.iter().position(|known| known.place == place);
    let receipt = known.and_then(|index| placement.places.remove(index).receipt);
    placement.places.push(Place {
        place: place.to_owned(),
        account_name: errand.ground.account.name.to_string(),
        credential_name: errand.credential_name(placement),
        receipt: receipt.clone(),
    });
    receipt
}

/// A plugin's failure, as the row tells it.
fn told(error: &PluginError) -> TargetError {
    TargetError::Failed(format!("the plugin could not make the files ({}): {error}", word(error)))
}

/// Nothing of a push is under way any more so long after its intent: its calls
/// (the put, and removals of what it replaces) have ended or were given up. Where
/// its node has ended nobody waits for that.
const RESERVED: jiff::SignedDuration = jiff::SignedDuration::from_secs(5 * 60);
