//! Rights, decided before a body is read.
//!
//! A handler that takes a body takes a [`Permit`] first: without one there is no
//! way to read the body (see [`Unread`](crate::request::Unread)).

use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::{FromRequestParts, RawPathParams};
use bursar_domain::access::{self, Operation};
use bursar_domain::id::Reference;
use http::request::Parts;

use super::Session;
use crate::app::App;
use crate::problem::Problem;
use crate::request::Reservation;

/// An operation that takes a body.
pub(crate) trait Permitted: Send + Sync {
    /// Which.
    const OPERATION: Operation;
}

/// A caller within their rate limit who may do `O`, and the memory that its body
/// holds. As an extractor it runs before the body is read: whoever may not is
/// answered without.
pub(crate) struct Permit<O> {
    caller: access::Caller,
    /// Given back once the request is done with its input.
    held: Option<Reservation>,
    operation: PhantomData<O>,
}

impl<O> Permit<O> {
    /// Has the permit hold on to the memory of its body.
    pub(crate) fn hold(&mut self, reservation: Reservation) {
        self.held = Some(reservation);
    }
}

impl<O> Deref for Permit<O> {
    type Target = access::Caller;

    fn deref(&self) -> &access::Caller {
        &self.caller
    }
}

impl<O: Permitted> FromRequestParts<App> for Permit<O> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Session { caller, .. } = Session::from_request_parts(parts, app).await?;
        let account = account(parts, app).await;
        let caller = app.broker().permit(caller, account.as_ref(), O::OPERATION).await?;
        Ok(Self { caller, held: None, operation: PhantomData })
    }
}

/// The account that the path names, if any.
async fn account(parts: &mut Parts, app: &App) -> Option<Reference> {
    let values = RawPathParams::from_request_parts(parts, app).await.ok()?;
    values.iter().find(|(name, _)| *name == ACCOUNT).map(|(_, value)| Reference::from(value))
}

const ACCOUNT: &str = "account";

macro_rules! permitted {
    ($($operation:ident),+ $(,)?) => {$(
        #[doc = concat!("[`Operation::", stringify!($operation), "`].")]
        pub(crate) struct $operation;

        impl Permitted for $operation {
            const OPERATION: Operation = Operation::$operation;
        }
    )+};
}

permitted! {
    CreateAccount,
    UpdateAccount,
    CreateToken,
    CreateOperatorToken,
    PutMember,
    CreateCredential,
    ValidateCredential,
    UpdateCredential,
    RevealCredential,
    MaterializeCredential,
    ProbeCredential,
    PresentDnsRecord,
    CleanUpDnsRecord,
    PutBinding,
    Resolve,
    ResolveImage,
    AttachRegion,
    CreateRegion,
    UpdateRegion,
    VerifyAudit,
    ApprovePlugin,
    RollPluginBack,
}
