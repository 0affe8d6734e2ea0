//! A target in memory that can be told how to behave.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bursar_kernel::audit::Event;
use bursar_kernel::secret::SecretJson;
use bursar_kernel::{Notice, Notices, Violation};
use bursar_regions::{
    Login, Owner, Parcel, Region, Removal, Seen, SettingsSchema, Target, TargetError, TargetKind, Targets,
};
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::MapStore;

/// The one kind of target.
pub(crate) const SHELF: &str = "shelf";

/// Whose it is, and what.
type Thing = (Option<Uuid>, String);

pub(crate) struct Shelf {
    store: Arc<MapStore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What is where; nobody's is foreign.
    things: BTreeMap<String, Thing>,
    /// What the next calls answer instead of doing anything.
    errors: Vec<TargetError>,
    /// Every call so far: name, place, idempotency key.
    calls: Vec<(&'static str, String, String)>,
    /// The last event when each put came.
    before_puts: Vec<Event>,
    /// How long a put takes before, and after, it is done.
    takes: (Duration, Duration),
    notices: Vec<Notice>,
    /// Removals are refused.
    keeps_all: bool,
    /// The call that panics.
    panics: Option<&'static str>,
}

impl Shelf {
    pub(crate) fn new(store: Arc<MapStore>) -> Self {
        Self { store, state: Mutex::default() }
    }

    /// What is where.
    pub(crate) fn things(&self) -> Vec<(String, String)> {
        self.state().things.iter().map(|(place, (_, what))| (place.clone(), what.clone())).collect()
    }

    /// Somebody puts, or removes, something by hand: `None` leaves its owner.
    pub(crate) fn tamper(&self, place: &str, what: Option<&str>) {
        let mut state = self.state();
        match what {
            None => drop(state.things.remove(place)),
            Some(what) => what.clone_into(&mut state.things.entry(place.to_owned()).or_default().1),
        }
    }

    /// The next calls answer these.
    pub(crate) fn answer(&self, errors: impl IntoIterator<Item = TargetError>) {
        self.state().errors.extend(errors);
    }

    /// Puts take so long from now on, before and after they are done.
    pub(crate) fn takes(&self, before: Duration, after: Duration) {
        self.state().takes = (before, after);
    }

    /// Whether removals are refused from now on.
    pub(crate) fn keep_all(&self, keeps_all: bool) {
        self.state().keeps_all = keeps_all;
    }

    /// This call panics from now on, or none does.
    pub(crate) fn panic_in(&self, call: Option<&'static str>) {
        self.state().panics = call;
    }

    /// How many panics were told.
    pub(crate) fn defects(&self) -> usize {
        self.state().notices.iter().filter(|notice| matches!(notice, Notice::Defect { .. })).count()
    }

    /// A library under the target meets what it does not expect.
    fn may_panic(&self, call: &str) {
        // Not under the lock: others go on.
        let panics = self.state().panics;
        assert!(panics != Some(call), "a panic of a library that quotes s3cret-key");
    }

    /// The calls so far, and none from here on.
    pub(crate) fn calls(&self) -> Vec<(&'static str, String)> {
        let calls = std::mem::take(&mut self.state().calls);
        calls.into_iter().map(|(name, place, _)| (name, place)).collect()
    }

    /// The idempotency keys of the puts so far.
    pub(crate) fn put_keys(&self) -> Vec<String> {
        let of_put = |(name, _, key): &(&str, String, String)| (*name == "put").then(|| key.clone());
        self.state().calls.iter().filter_map(of_put).collect()
    }

    /// The last event there was when each put came.
    pub(crate) fn before_puts(&self) -> Vec<Event> {
        self.state().before_puts.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn enter(&self, name: &'static str, place: &str, key: &str) -> Result<(), TargetError> {
        self.may_panic(name);
        let mut state = self.state();
        state.calls.push((name, place.to_owned(), key.to_owned()));
        if state.errors.is_empty() { Ok(()) } else { Err(state.errors.remove(0)) }
    }
}

/// The shelf as the broker reaches it.
pub(crate) struct Shelves(pub(crate) Arc<Shelf>);

#[async_trait]
impl Target for Shelves {
    fn place(&self, owner: &Owner) -> Result<String, TargetError> {
        self.0.may_panic("place");
        Ok(format!("{}/{}", owner.account_name, owner.credential_name))
    }

    async fn put(&self, place: &str, parcel: &Parcel, _: Option<&Value>) -> Result<Value, TargetError> {
        let (before, after) = self.0.state().takes;
        tokio::time::sleep(before).await;
        let last = self.0.store.events().pop().unwrap();
        self.0.state().before_puts.push(last);
        self.0.enter("put", place, &parcel.idempotency_key)?;
        let owner = Some(parcel.owner.credential.0);
        let what = parcel.artifacts.iter().map(|artifact| String::from_utf8_lossy(&artifact.content).into_owned());
        let thing = (owner, what.collect::<Vec<_>>().join(" "));
        {
            let mut state = self.0.state();
            if state.things.get(place).is_some_and(|(whose, _)| *whose != owner) {
                return Err(TargetError::Foreign(format!("{place} is not ours")));
            }
            state.things.insert(place.to_owned(), thing);
        }
        tokio::time::sleep(after).await;
        Ok(json!({ "put": place }))
    }

    async fn remove(&self, place: &str, removal: &Removal, _: Option<&Value>) -> Result<(), TargetError> {
        self.0.enter("remove", place, &removal.idempotency_key)?;
        let mut state = self.0.state();
        if state.keeps_all {
            return Err(TargetError::Refused("may not remove".to_owned()));
        }
        if state.things.get(place).is_some_and(|(whose, _)| *whose == Some(removal.owner.credential.0)) {
            state.things.remove(place);
        }
        Ok(())
    }

    async fn look(&self, place: &str, owner: &Owner) -> Result<Seen, TargetError> {
        self.0.enter("look", place, "")?;
        Ok(match self.0.state().things.get(place) {
            None => Seen::Nothing,
            Some((whose, what)) if *whose == Some(owner.credential.0) => {
                Seen::Ours(vec![("token".to_owned(), Zeroizing::new(what.clone().into_bytes()))])
            }
            Some(_) => Seen::Foreign(format!("{place} is not ours")),
        })
    }

    async fn check(&self) -> Result<(), TargetError> {
        self.0.enter("check", "", "")
    }
}

#[async_trait]
impl Targets for Shelves {
    fn kinds(&self) -> &'static [TargetKind] {
        &*KINDS
    }

    fn judge(&self, _: &str, settings: &SecretJson) -> Vec<Violation> {
        self.0.may_panic("judge");
        let where_is = settings.expose().get("where");
        let wrong = || Violation::new("/where", "required", "This is required: say where it is.");
        if where_is.is_some() { Vec::new() } else { vec![wrong()] }
    }

    async fn open(&self, _: Uuid, _: &Region, _: Option<Login>) -> Result<Arc<dyn Target>, TargetError> {
        self.0.may_panic("open");
        Ok(Arc::new(Self(self.0.clone())))
    }
}

impl Notices for Shelf {
    fn tell(&self, notice: &Notice) {
        self.state().notices.push(notice.clone());
    }
}

static KINDS: LazyLock<[TargetKind; 1]> = LazyLock::new(|| {
    let settings = r#"{"properties": {"where": {"x-moves": true}, "key": {"writeOnly": true}, "mode": {}}}"#;
    [TargetKind {
        id: SHELF,
        title: "Shelf",
        summary: "In memory.",
        settings: SettingsSchema::parse(settings).expect("a schema"),
        takes_login: true,
        preferred_formats: "text",
    }]
});
