//! `bursar region sync`

use clap::Args;

use super::progress::watched;
use crate::failure::Failure;
use crate::session::Session;

/// Push the account's credentials to a region now, and repair what others changed
#[derive(Args, Debug)]
pub(crate) struct Sync {
    /// Name or id
    region: String,
}

impl Sync {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        watched(session, &self.region, "sync").await
    }
}
