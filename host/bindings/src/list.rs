//! Reading bindings.

use bursar_kernel::audit::Action;
use bursar_kernel::id::Reference;
use bursar_kernel::keys::{Table, of_account, of_credential};
use bursar_kernel::store::Record;
use bursar_kernel::{Account, Caller, Consumer, Error, Page, Right, Slot, Violation, codec};

use crate::bind::not_found;
use crate::{Binding, BindingView, Bindings, ConsumerSlot, keys};

/// Which bindings; all that is given must match.
#[derive(Clone, Debug, Default)]
pub struct ListBindings {
    /// Of this consumer.
    pub consumer: Option<String>,
    /// In this slot.
    pub slot: Option<String>,
    /// To this credential.
    pub credential: Option<Reference>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// At most so many.
    pub limit: usize,
}

impl Bindings {
    /// A page of an account's bindings, those of one consumer together; their
    /// order says nothing else, and does not change.
    ///
    /// # Errors
    ///
    /// The caller lacks the right, a filter is malformed, its credential is not
    /// there, or the cursor is not ours.
    pub async fn list(
        &self,
        caller: &Caller,
        account: &Reference,
        query: &ListBindings,
    ) -> Result<Page<BindingView>, Error> {
        let account = self.kernel.authorizer.authorize(caller, account, Right::List, Action::BindingRead).await?;
        let (consumer, slot) = query.read()?;
        let narrowed = |all: Vec<u8>, by: &dyn Fn(&Consumer) -> Vec<u8>| consumer.as_ref().map_or(all, by);
        let (start, prefix) = match &query.credential {
            None => {
                let all = of_account(Table::Binding, account.id);
                let of_consumer =
                    |consumer: &Consumer| keys::bindings_by(self.kernel.ports.blind(), account.id, consumer);
                (all.clone(), narrowed(all, &of_consumer))
            }
            Some(credential) => {
                let id = self.credentials.find(caller, &account, credential).await?.credential.id;
                let all = of_credential(Table::BindingOf, account.id, id);
                let of_consumer =
                    |consumer: &Consumer| keys::bindings_between(self.kernel.ports.blind(), account.id, id, consumer);
                (all.clone(), narrowed(all, &of_consumer))
            }
        };
        // The key without digests is no binding, so that a first page starts after it.
        let mut after = [start, cursor(query.cursor.as_deref())?].concat();
        let mut views: Vec<(Vec<u8>, BindingView)> = Vec::new();
        while views.len() <= query.limit {
            let chunk = (query.limit + 1 - views.len()).clamp(MIN_CHUNK, MAX_CHUNK);
            let records = self.kernel.ports.store().scan(&prefix, &after, chunk).await?;
            let Some(last) = records.last() else { break };
            after.clone_from(&last.key);
            for record in records {
                let view = self.listed(caller, &account, &record, slot.as_ref()).await?;
                views.extend(view.map(|view| (record.key, view)));
            }
        }
        let more = views.len() > query.limit;
        views.truncate(query.limit);
        let last = views.last().filter(|_| more).and_then(|(key, _)| keys::place_of(key));
        let next_cursor = last.map(|digests| hex(digests));
        Ok(Page { items: views.into_iter().map(|(_, view)| view).collect(), next_cursor })
    }

    /// One binding with its revision.
    ///
    /// # Errors
    ///
    /// [`bursar_kernel::Kind::NotFound`] also for one that the token's scope leaves out.
    pub async fn get(
        &self,
        caller: &Caller,
        account: &Reference,
        (consumer, slot): (&str, &str),
    ) -> Result<BindingView, Error> {
        let account = self.kernel.authorizer.authorize(caller, account, Right::List, Action::BindingRead).await?;
        let place = ConsumerSlot::parse(consumer, slot).map_err(|_| not_found())?;
        let record =
            self.kernel.ports.store().get(&keys::binding(self.kernel.ports.blind(), account.id, &place)).await?;
        let record = record.ok_or_else(not_found)?;
        self.listed(caller, &account, &record, None).await?.ok_or_else(not_found)
    }

    /// The binding under a key of either table, if it is asked for and may be
    /// seen.
    async fn listed(
        &self,
        caller: &Caller,
        account: &Account,
        record: &Record,
        slot: Option<&Slot>,
    ) -> Result<Option<BindingView>, Error> {
        let is_itself = record.key.first() == Some(&(Table::Binding as u8));
        let other;
        let record = if is_itself {
            record
        } else {
            let place: ConsumerSlot = codec::decode(record)?;
            other =
                self.kernel.ports.store().get(&keys::binding(self.kernel.ports.blind(), account.id, &place)).await?;
            match &other {
                Some(other) => other,
                // Unbound since it was found.
                None => return Ok(None),
            }
        };
        let binding: Binding = codec::decode(record)?;
        if slot.is_some_and(|slot| *slot != binding.place.slot) || !self.sees(caller, account, &binding).await? {
            return Ok(None);
        }
        let bound = self.credential(account.id, binding.credential).await?;
        Ok(bound.map(|credential| BindingView::new(binding, record.revision, &credential)))
    }
}

impl ListBindings {
    /// The filters that have a form.
    fn read(&self) -> Result<(Option<Consumer>, Option<Slot>), Error> {
        let mut violations = Vec::new();
        let mut note = |pointer: &str, rule| violations.push(Violation::new(pointer, "format", rule));
        let consumer = self.consumer.as_deref().map(Consumer::parse).transpose();
        let consumer = consumer.map_err(|rule| note("?consumer", rule)).ok().flatten();
        let slot = self.slot.as_deref().map(Slot::parse).transpose();
        let slot = slot.map_err(|rule| note("?slot", rule)).ok().flatten();
        if violations.is_empty() { Ok((consumer, slot)) } else { Err(Error::invalid(violations)) }
    }
}

/// Cursors are the digests in which the last key of the page before ends.
fn cursor(text: Option<&str>) -> Result<Vec<u8>, Error> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let is_ours = text.len() == 2 * DIGESTS_BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digits = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = is_ours.then(|| (0..text.len()).step_by(2).map(digits).collect()).flatten();
    bytes.ok_or_else(|| {
        let message = "This cursor is not one of ours: start over without.";
        Error::invalid(vec![Violation::new("?cursor", "format", message)])
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

const DIGESTS_BYTES: usize = 64;
const MIN_CHUNK: usize = 50;
const MAX_CHUNK: usize = 500;
