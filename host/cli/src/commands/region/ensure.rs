//! `bursar region ensure`

use clap::Args;

use super::progress::watched;
use crate::failure::Failure;
use crate::session::Session;

/// Wait until every credential of the account is in place in a region
///
/// Run it before a deployment. Ends with exit code 5, and a list of what is not
/// in place, where it cannot be done.
#[derive(Args, Debug)]
pub(crate) struct Ensure {
    /// Name or id
    region: String,
}

impl Ensure {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        watched(session, &self.region, "ensure").await
    }
}
