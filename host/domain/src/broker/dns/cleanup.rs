//! Taking a record away.

use serde_json::Value;

use super::super::Broker;
use super::super::refusal::{Blame, refusal};
use super::change::Aim;
use super::request::Allowed;
use crate::Error;
use crate::access::Caller;
use crate::id::Reference;

impl Broker {
    /// Removes one value at its provider, whoever put it there; one that is
    /// absent is as good as removed.
    ///
    /// # Errors
    ///
    /// As for [`Broker::dns_present`]. A record of the ledger stays there as
    /// being removed, and the sweep goes on trying.
    pub async fn dns_cleanup(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
        body: Value,
    ) -> Result<(), Error> {
        let Allowed { found, of, request, by, deadline } =
            self.allow(Aim::Cleanup, caller, account, credential, body).await?;
        let out = self.outbound(by, &found.credential, of, "dns").await?;
        let turn = self.turn(&found.credential, &request.fqdn, deadline).await?;
        let change = self.begin(Aim::Cleanup, &found, out, &request, turn, deadline).await?;
        match self.carry_out(&change, deadline).await {
            Ok(_) => self.succeed(&change, None).await.map(drop),
            Err(error) => {
                self.fail(&change, &error, 0).await?;
                Err(refusal(error, Blame::STORED_AT_NAME))
            }
        }
    }
}
