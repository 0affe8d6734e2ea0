//! A kind of target that is a shelf in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use bursar_kernel::Violation;
use bursar_kernel::secret::SecretJson;
use bursar_regions::{
    Login, Owner, Parcel, Region, Removal, Seen, SettingsSchema, Target, TargetError, TargetKind, Targets,
};
use serde_json::{Value, json};
use tokio::sync::Notify;
use uuid::Uuid;

/// What is on the shelf, by place.
#[derive(Clone, Default)]
pub(crate) struct Shelf {
    things: Arc<Mutex<BTreeMap<String, Things>>>,
    /// A credential of this name waits until it is let go.
    pub(crate) held: Arc<Notify>,
    /// Told when it begins to wait.
    pub(crate) waiting: Arc<Notify>,
}

type Things = Vec<(String, Vec<u8>)>;

impl Shelf {
    /// The places where something is.
    pub(crate) fn places(&self) -> Vec<String> {
        self.things.lock().unwrap().keys().cloned().collect()
    }
}

#[async_trait]
impl Targets for Shelf {
    fn kinds(&self) -> &'static [TargetKind] {
        &*KINDS
    }

    fn judge(&self, _: &str, settings: &SecretJson) -> Vec<Violation> {
        let missing = settings.expose().get("room").is_none();
        missing.then(|| Violation::new("/room", "required", "name the room")).into_iter().collect()
    }

    async fn open(&self, _: Uuid, _: &Region, _: Option<Login>) -> Result<Arc<dyn Target>, TargetError> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl Target for Shelf {
    fn place(&self, owner: &Owner) -> Result<String, TargetError> {
        Ok(format!("{}/{}", owner.account_name, owner.credential_name))
    }

    async fn put(&self, place: &str, parcel: &Parcel, _: Option<&Value>) -> Result<Value, TargetError> {
        match parcel.owner.credential_name.as_str() {
            HELD => {
                self.waiting.notify_one();
                self.held.notified().await;
            }
            FOREIGN => return Err(TargetError::Foreign("somebody else's is there".to_owned())),
            FALLING => panic!("the shelf falls"),
            _ => {}
        }
        let things = parcel.artifacts.iter().map(|artifact| (artifact.name.clone(), artifact.content.to_vec()));
        self.things.lock().unwrap().insert(place.to_owned(), things.collect());
        Ok(json!({}))
    }

    async fn remove(&self, place: &str, _: &Removal, _: Option<&Value>) -> Result<(), TargetError> {
        self.things.lock().unwrap().remove(place);
        Ok(())
    }

    async fn look(&self, place: &str, _: &Owner) -> Result<Seen, TargetError> {
        let things = self.things.lock().unwrap();
        let Some(things) = things.get(place) else { return Ok(Seen::Nothing) };
        Ok(Seen::Ours(things.iter().map(|(name, content)| (name.clone(), content.clone().into())).collect()))
    }

    async fn check(&self) -> Result<(), TargetError> {
        Err(TargetError::Unreachable("nobody is in the room".to_owned()))
    }
}

/// A credential of this name is held at the shelf.
pub(crate) const HELD: &str = "held";
/// Something else is in the way of one of this name.
pub(crate) const FOREIGN: &str = "foreign";
/// One of this name has the push panic.
pub(crate) const FALLING: &str = "falling";

static KINDS: LazyLock<[TargetKind; 1]> = LazyLock::new(|| {
    let settings = r#"{
        "required": ["room"],
        "properties": {
            "room": {"description": "which room", "x-moves": true},
            "key": {"description": "the room's key", "writeOnly": true}
        }
    }"#;
    [TargetKind {
        id: "shelf",
        title: "Shelf",
        summary: "A shelf in a room.",
        settings: SettingsSchema::parse(settings).expect("a schema"),
        takes_login: true,
        preferred_formats: "",
    }]
});
