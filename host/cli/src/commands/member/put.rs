//! `bursar member put`

use clap::Args;
use serde_json::json;

use crate::failure::Failure;
use crate::session::Session;

/// Make somebody a member, or change their role
#[derive(Args, Debug)]
pub(crate) struct Put {
    /// Who: a user name or the like
    principal: String,
    /// admin, credentials-manager, member, auditor or workload
    #[arg(long)]
    role: String,
}

impl Put {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let path = session.path(&["members", &self.principal]);
        let member = session.client.put(&path, &json!({"role": self.role})).await?;
        session.output.row(&member, super::COLUMNS, "/principal")
    }
}
