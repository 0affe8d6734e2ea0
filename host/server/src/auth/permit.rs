//! Authorization before a body is read.
//!
//! A handler with a body takes a [`Permit`] first: [`Unread`](crate::request::Unread)
//! reads no body without one.

use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::{FromRequestParts, RawPathParams};
use bursar_kernel::Operation;
use bursar_kernel::id::Reference;
use http::request::Parts;

use super::Session;
use crate::app::App;
use crate::problem::Problem;
use crate::request::Reservation;

/// An operation with a body.
pub(crate) trait Permitted: Send + Sync {
    /// Which.
    const OPERATION: Operation;
}

/// A caller within their rate limit who is allowed to do `O`, and the memory reserved
/// for the body. As an extractor it refuses before the body is read.
pub(crate) struct Permit<O> {
    caller: bursar_kernel::Caller,
    /// Released when the request is done with its input.
    held: Option<Reservation>,
    operation: PhantomData<O>,
}

impl<O> Permit<O> {
    /// Keeps the reservation for as long as the permit.
    pub(crate) fn hold(&mut self, reservation: Reservation) {
        self.held = Some(reservation);
    }
}

impl<O> Deref for Permit<O> {
    type Target = bursar_kernel::Caller;

    fn deref(&self) -> &bursar_kernel::Caller {
        &self.caller
    }
}

impl<O: Permitted> FromRequestParts<App> for Permit<O> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Session { caller, .. } = Session::from_request_parts(parts, app).await?;
        let account = account(parts, app).await;
        let caller = app.broker().kernel.authorizer.permit(caller, account.as_ref(), O::OPERATION).await?;
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
