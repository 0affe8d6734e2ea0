//! Refusals and failures that repeat: the first of a kind in a minute is a record
//! of its own, durable before it is answered; the others are counted, and the
//! count is one record when the minute ends or the broker stops. A crash loses
//! at most the count of repeats of refusals that are already on record.
//!
//! Memory is bounded. A token has [`MAX_KINDS_PER_TOKEN`] kinds a minute, then
//! all its further refusals are one kind; beyond [`MAX_KINDS`] of all tokens,
//! those of an account are one kind. Accounts are made by operators alone.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::json;

use crate::audit::{Event, Outcome};
use crate::store::Batch;
use crate::{Error, Ports};

/// What was recorded since the last flush, and how often it came again.
#[derive(Default)]
pub(crate) struct Repeats(Mutex<Kinds>);

#[derive(Default)]
struct Kinds {
    of: HashMap<RepeatKey, Tally>,
    /// How many kinds each actor has.
    per_actor: HashMap<String, usize>,
}

/// What makes two refusals the same.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct RepeatKey {
    /// Whose account, token and name it is.
    actor: String,
    /// Everything the event tells but its time and request, or what is left of
    /// that where there are too many kinds.
    kind: String,
    /// The same for whole accounts.
    account: String,
}

/// What is to be done about a refusal.
pub(crate) enum Repeated {
    /// It is to be recorded, then given to [`Repeats::recorded`].
    First(RepeatKey),
    /// It is on record already, and counted.
    Again,
}

struct Tally {
    first: Event,
    count: u64,
}

impl Repeats {
    /// The key of what is counted: what a token's holder can bring about at will
    /// without a change. `None` for what is always recorded.
    pub(crate) fn key(event: &Event) -> Option<RepeatKey> {
        let by_token = ["operator:", "user:", "workload:"].iter().any(|kind| event.actor.starts_with(kind));
        if event.outcome == Outcome::Ok || !by_token {
            return None;
        }
        let token = event.detail.as_ref().map(|detail| &detail["token"]);
        let like = Event { at: Timestamp::UNIX_EPOCH, request_id: None, ..event.clone() };
        Some(RepeatKey {
            actor: json!([event.actor_account, event.actor, token]).to_string(),
            kind: json!(like).to_string(),
            account: json!(event.actor_account).to_string(),
        })
    }

    /// Counts one more of the kind, or says that it is to be recorded first.
    pub(crate) fn count(&self, key: RepeatKey) -> Repeated {
        let mut kinds = self.kinds();
        let key = kinds.admitted(key);
        match kinds.of.get_mut(&key) {
            Some(repeated) => {
                repeated.count = repeated.count.saturating_add(1);
                Repeated::Again
            }
            None => Repeated::First(key),
        }
    }

    /// Notes that the first of a kind is durable. Of several at once each was
    /// recorded; the first to get here stands for them.
    pub(crate) fn recorded(&self, key: RepeatKey, first: Event) {
        let mut kinds = self.kinds();
        if !kinds.of.contains_key(&key) {
            *kinds.per_actor.entry(key.actor.clone()).or_default() += 1;
            kinds.of.insert(key, Tally { first, count: 0 });
        }
    }

    /// Records the counts since the last flush. Returns how many records.
    ///
    /// # Errors
    ///
    /// Where storage fails; the counts are kept for the next time.
    pub(crate) async fn flush(&self, ports: &Ports) -> Result<usize, Error> {
        let mut repeats = self.drain();
        let total = repeats.len();
        while !repeats.is_empty() {
            let part = repeats.split_off(repeats.len().saturating_sub(EVENTS_PER_COMMIT));
            let events = part.iter().map(|(key, tally)| tally.event(key, ports.now()));
            let batch = events.fold(Batch::default(), Batch::event);
            if let Err(error) = ports.store().commit(batch).await {
                repeats.extend(part);
                self.put_back(repeats);
                return Err(error.into());
            }
        }
        Ok(total)
    }

    /// Takes everything out and starts a new minute. Returns what repeated.
    fn drain(&self) -> Vec<(RepeatKey, Tally)> {
        let kinds = std::mem::take(&mut *self.kinds());
        kinds.of.into_iter().filter(|(_, repeated)| repeated.count > 0).collect()
    }

    /// Puts counts back that could not be recorded.
    fn put_back(&self, repeats: Vec<(RepeatKey, Tally)>) {
        let mut kinds = self.kinds();
        for (key, repeated) in repeats {
            if let Some(newer) = kinds.of.get_mut(&key) {
                newer.count = newer.count.saturating_add(repeated.count);
            } else {
                *kinds.per_actor.entry(key.actor.clone()).or_default() += 1;
                kinds.of.insert(key, repeated);
            }
        }
    }

    fn kinds(&self) -> MutexGuard<'_, Kinds> {
        // A poisoned map still holds only counts.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kinds {
    /// The key under which a refusal is counted, less exact where there are too
    /// many kinds already.
    fn admitted(&self, key: RepeatKey) -> RepeatKey {
        if self.of.contains_key(&key) {
            return key;
        }
        if self.of.len() >= MAX_KINDS {
            return RepeatKey { actor: key.account.clone(), kind: OTHERS.to_owned(), account: key.account };
        }
        if self.per_actor.get(&key.actor).is_some_and(|kinds| *kinds >= MAX_KINDS_PER_TOKEN) {
            return RepeatKey { kind: OTHERS.to_owned(), ..key };
        }
        key
    }
}

impl Tally {
    /// The record of the repeats: like the first one, with their count.
    fn event(&self, key: &RepeatKey, at: Timestamp) -> Event {
        let mut event = Event { at, request_id: None, ..self.first.clone() };
        let mut detail = match event.detail.take() {
            Some(detail) if key.kind != OTHERS && detail.is_object() => detail,
            Some(detail) => json!({ "token": detail["token"] }),
            None => json!({}),
        };
        if key.kind == OTHERS {
            (event.credential, event.version, event.region, event.plugin) = (None, None, None, None);
            detail["others"] = true.into();
        }
        detail["repeated"] = self.count.into();
        detail["since"] = crate::clock::rfc3339(self.first.at).into();
        event.detail = Some(detail);
        event
    }
}

/// The kind that the refusals beyond a limit share.
const OTHERS: &str = "others";
/// Kinds of one token that are told apart in a minute.
const MAX_KINDS_PER_TOKEN: usize = 20;
/// Kinds of all tokens together; about 1 KiB each.
const MAX_KINDS: usize = 8_192;
const EVENTS_PER_COMMIT: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Action;

    fn refused(actor: &str, about: usize) -> Event {
        Event {
            actor: actor.to_owned(),
            outcome: Outcome::Denied,
            detail: Some(json!({ "token": actor, "askedFor": about })),
            ..Event::system(Timestamp::UNIX_EPOCH, Action::CredentialRead)
        }
    }

    /// Whether it was recorded.
    fn tell(repeats: &Repeats, event: Event) -> bool {
        let Some(key) = Repeats::key(&event) else { return true };
        match repeats.count(key) {
            Repeated::Again => false,
            Repeated::First(key) => {
                repeats.recorded(key, event);
                true
            }
        }
    }

    #[test]
    fn the_first_is_recorded_and_the_rest_counted_each_minute() {
        let repeats = Repeats::default();
        let told: Vec<bool> = (0..4).map(|_| tell(&repeats, refused("user:ann", 1))).collect();
        assert_eq!(told, [true, false, false, false]);
        assert!(tell(&repeats, refused("user:ann", 2)) && tell(&repeats, refused("user:bob", 1)));
        let drained = repeats.drain();
        assert_eq!(drained.len(), 1, "what did not repeat needs no count");
        let told = drained[0].1.event(&drained[0].0, Timestamp::UNIX_EPOCH).detail.unwrap();
        assert_eq!((&told["repeated"], &told["askedFor"]), (&json!(3), &json!(1)));
        assert!(tell(&repeats, refused("user:ann", 1)), "a new minute begins with a record");
    }

    #[test]
    fn what_changed_something_and_what_the_broker_did_is_always_recorded() {
        let repeats = Repeats::default();
        for event in
            [Event { outcome: Outcome::Ok, ..refused("user:ann", 1) }, refused("system", 1), refused("anonymous", 1)]
        {
            assert!(tell(&repeats, event.clone()) && tell(&repeats, event));
        }
    }

    #[test]
    fn one_that_varies_what_it_asks_for_neither_fills_the_trail_nor_hides_another() {
        let repeats = Repeats::default();
        let recorded = (0..10_000).filter(|about| tell(&repeats, refused("user:ann", *about))).count();
        assert_eq!(recorded, MAX_KINDS_PER_TOKEN + 1);
        assert!(tell(&repeats, refused("user:bob", 1)), "another token's is on record");
        let drained = repeats.drain();
        let (key, others) = &drained[0];
        assert_eq!((drained.len(), others.count), (1, 10_000 - 21));
        let told = others.event(key, Timestamp::UNIX_EPOCH).detail.unwrap();
        assert_eq!((&told["others"], &told["askedFor"]), (&json!(true), &json!(null)));
    }

    #[test]
    fn memory_is_bounded_whatever_the_number_of_tokens() {
        let repeats = Repeats::default();
        for token in 0..2 * MAX_KINDS {
            tell(&repeats, refused(&format!("user:{token}"), 1));
        }
        assert_eq!(repeats.kinds().of.len(), MAX_KINDS + 1);
    }

    #[test]
    fn counts_that_could_not_be_recorded_are_kept() {
        let repeats = Repeats::default();
        for _ in 0..3 {
            tell(&repeats, refused("user:ann", 1));
        }
        let drained = repeats.drain();
        tell(&repeats, refused("user:ann", 1));
        tell(&repeats, refused("user:ann", 1));
        repeats.put_back(drained);
        assert_eq!(repeats.drain()[0].1.count, 3);
    }
}
