//! Members: what a principal is in an account.

use std::sync::Arc;

use bursar_credentials::Credentials;
use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::id::{AccountId, Reference};
use bursar_kernel::store::{Batch, Expect, Revision};
use bursar_kernel::{
    Account, Bindable, Caller, Counted, Error, IfMatch, Kernel, Kind, Operation, Page, Reservation, Right, Role,
    Submitted, Violation, codec,
};

use crate::{BindableChange, Member, PutMember, keys};

/// The use cases of members.
pub struct Members {
    kernel: Kernel,
    credentials: Arc<Credentials>,
}

impl Members {
    /// Members in this store. Does no I/O.
    #[must_use]
    pub fn new(kernel: &Kernel, credentials: Arc<Credentials>) -> Self {
        Self { kernel: kernel.clone(), credentials }
    }

    /// The members of an account.
    ///
    /// # Errors
    ///
    /// Where the caller lacks the right or storage fails.
    pub async fn list(
        &self,
        caller: &Caller,
        account: &Reference,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Member>, Error> {
        let account =
            self.kernel.authorizer.authorize(caller, account, Right::ManageAccess, Action::MemberRead).await?;
        let records = self.kernel.ports.store().scan(&keys::members(account.id), &[], usize::MAX).await?;
        let mut members = records.iter().map(codec::decode::<Member>).collect::<Result<Vec<_>, _>>()?;
        members.sort_by(|a, b| a.principal.cmp(&b.principal));
        // Keys are digests, so the order people expect has to be made here.
        let mut items: Vec<Member> =
            members.into_iter().filter(|member| cursor.is_none_or(|after| member.principal.as_str() > after)).collect();
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| more).map(|member| member.principal.clone());
        Ok(Page { items, next_cursor })
    }

    /// Makes `principal` a member, or changes their role and what they may bind.
    ///
    /// # Errors
    ///
    /// Where the principal's name is malformed or the caller lacks the right.
    pub async fn put(
        &self,
        caller: &Caller,
        account: &Reference,
        principal: &str,
        submitted: Submitted<PutMember>,
        if_match: Option<IfMatch>,
    ) -> Result<(Member, Revision), Error> {
        let kernel = &self.kernel;
        let account = kernel.authorizer.authorize_operation(caller, account, Operation::PutMember).await?;
        let PutMember { role, bindable } = submitted.accept()?;
        let chars = principal.chars().count();
        if chars == 0 || chars > MAX_PRINCIPAL_CHARS || principal.chars().any(char::is_control) {
            let message = format!("A principal has 1 to {MAX_PRINCIPAL_CHARS} printable characters.");
            return Err(Error::invalid(vec![Violation::new("/principal", "format", message)]));
        }
        let asked = self.bindable(caller, &account, role, bindable).await?;
        let key = keys::member(kernel.ports.blind(), account.id, principal);
        let mut room = None;
        let mut retry = kernel.journal.retry(&key);
        loop {
            retry.next().await?;
            let now = kernel.ports.now();
            let old = kernel.ports.store().get(&key).await?;
            IfMatch::check(if_match.as_ref(), old.as_ref().map(|record| record.revision))?;
            if old.is_none() && room.is_none() {
                room = Some(kernel.quotas.reserve(account.id, Counted::Members).await?);
            }
            let is_new = old.is_none();
            let expect = old.as_ref().map_or(Expect::Absent, |record| Expect::At(record.revision));
            let old: Option<Member> = old.as_ref().map(codec::decode).transpose()?;
            let created_at = old.as_ref().map_or(now, |old| old.created_at);
            let before = || old.filter(|_| role == Role::Member).and_then(|old| old.bindable);
            let bindable = asked.clone().unwrap_or_else(before);
            let member = Member { principal: principal.to_owned(), role, bindable, created_at, updated_at: now };
            let detail = serde_json::json!({
                "token": caller.token, "principal": principal, "role": role, "bindable": member.bindable,
            });
            let batch = kernel.authorizer.require_account(Batch::default(), account.id).await?;
            let batch = batch.put(key.clone(), expect, codec::encode(&member)?).event(Event {
                account: Some(account.id),
                detail: Some(detail),
                ..kernel.authorizer.event(caller, Action::MemberPut, Outcome::Ok)
            });
            if let Some(revision) = retry.commit(batch).await? {
                room.into_iter().filter(|_| is_new).for_each(Reservation::take);
                return Ok((member, revision));
            }
        }
    }

    /// Ends a membership; tokens that carry it stop working at once.
    ///
    /// # Errors
    ///
    /// Not found, or the caller lacks the right.
    pub async fn delete(
        &self,
        caller: &Caller,
        account: &Reference,
        principal: &str,
        if_match: Option<IfMatch>,
    ) -> Result<(), Error> {
        let account =
            self.kernel.authorizer.authorize(caller, account, Right::ManageAccess, Action::MemberDelete).await?;
        let key = keys::member(self.kernel.ports.blind(), account.id, principal);
        let record = self.kernel.ports.store().get(&key).await?.ok_or_else(|| Error::not_found("member"))?;
        IfMatch::check(if_match.as_ref(), Some(record.revision))?;
        let event = Event {
            account: Some(account.id),
            detail: Some(serde_json::json!({ "token": caller.token, "principal": principal })),
            ..self.kernel.authorizer.event(caller, Action::MemberDelete, Outcome::Ok)
        };
        self.kernel
            .ports
            .store()
            .commit(Batch::default().delete(key, Expect::At(record.revision)).event(event))
            .await?;
        self.kernel.quotas.release_one(account.id, Counted::Members);
        Ok(())
    }

    /// What is asked for, with names turned into ids.
    async fn bindable(
        &self,
        caller: &Caller,
        account: &Account,
        role: Role,
        asked: BindableChange,
    ) -> Result<Option<Option<Bindable>>, Error> {
        let BindableChange::Only { credentials, labels } = asked else {
            return Ok(matches!(asked, BindableChange::All).then_some(None));
        };
        let mut violations = Vec::new();
        if role != Role::Member {
            let message = "Only the role member can be limited in what it binds: leave this out, or choose member.";
            violations.push(Violation::new("/bindable", "conflict", message));
        }
        for (part, count) in [("credentials", credentials.len()), ("labels", labels.len())] {
            if count > MAX_BINDABLE {
                let message = format!("At most {MAX_BINDABLE}: open more by a label.");
                violations.push(Violation::new(format!("/bindable/{part}"), "too-long", message));
            }
        }
        let mut ids = Vec::new();
        for (index, text) in credentials.iter().take(MAX_BINDABLE).enumerate() {
            match self.credentials.find(caller, account, &Reference::from(text.as_str())).await {
                Ok(found) if ids.contains(&found.credential.id) => {}
                Ok(found) => ids.push(found.credential.id),
                Err(error) if error.kind == Kind::NotFound => {
                    let message = "There is no such credential in this account.";
                    violations.push(Violation::new(format!("/bindable/credentials/{index}"), "unknown", message));
                }
                Err(error) => return Err(error),
            }
        }
        if !violations.is_empty() {
            return Err(Error::invalid(violations));
        }
        Ok(Some(Some(Bindable { credentials: ids, labels })))
    }
}

/// A member by principal.
pub(crate) async fn member(kernel: &Kernel, account: AccountId, principal: &str) -> Result<Option<Member>, Error> {
    let key = keys::member(kernel.ports.blind(), account, principal);
    kernel.ports.store().get(&key).await?.as_ref().map(codec::decode).transpose()
}

const MAX_PRINCIPAL_CHARS: usize = 255;
/// Credentials, or labels, that can be opened one by one.
const MAX_BINDABLE: usize = 100;
