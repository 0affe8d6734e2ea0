//! Taking a record away.

use bursar_credentials::Outbound;
use bursar_kernel::id::Reference;
use bursar_kernel::plugin::{Blame, refusal};
use bursar_kernel::{Caller, Error, Submitted};

use crate::change::Aim;
use crate::command::RecordRequest;
use crate::request::Allowed;
use crate::{CleanUpRecord, Dns};

impl Dns {
    /// Removes one value at its provider, whoever put it there; one that is
    /// absent is as good as removed.
    ///
    /// # Errors
    ///
    /// As for [`Dns::present`]. A record of the ledger stays there as
    /// being removed, and the sweep goes on trying.
    pub async fn clean_up(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
        submitted: Submitted<CleanUpRecord>,
    ) -> Result<(), Error> {
        let Allowed { found, of, request, by, deadline } =
            self.allow(Aim::Cleanup, caller, account, credential, || RecordRequest::clean_up(submitted)).await?;
        let out = Outbound::of_stored(&self.kernel.ports, by, &found.credential, of, "dns").await?;
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
