//! `bursar member ...`

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::input::pairs;
use crate::output::Column;
use crate::session::Session;

/// Members: who may do what in an account
#[derive(Debug, Subcommand)]
pub(crate) enum MemberCommand {
    /// List the account's members
    List,
    Put(PutMember),
    /// Remove a member
    Delete {
        /// Who
        principal: String,
    },
}

impl MemberCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::List => {
                let page = session.client.list(&session.path(&["members"]), &[], None).await?;
                session.output.list(&page, COLUMNS, "/principal")
            }
            Self::Put(command) => command.run(session).await,
            Self::Delete { principal } => {
                session.client.delete(&session.path(&["members", &principal]), &[], None).await?;
                session.output.note(&format!("removed {principal}"))
            }
        }
    }
}

/// Add a member, or change their role and what they may bind
#[derive(Args, Debug)]
pub(crate) struct PutMember {
    /// Who: a user name or the like
    principal: String,
    /// admin, credentials-manager, member, auditor or workload
    #[arg(long)]
    role: String,
    /// A credential that they may bind, by name or id, and no others. Repeatable
    /// [default: unchanged; all for a new member]
    #[arg(long, value_name = "CREDENTIAL")]
    bindable: Vec<String>,
    /// A label of the credentials that they may bind. Repeatable: all must match
    #[arg(long, value_name = "KEY=VALUE")]
    bindable_label: Vec<String>,
    /// Let them bind every credential again
    #[arg(long, conflicts_with_all = ["bindable", "bindable_label"])]
    bindable_all: bool,
}

impl PutMember {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let path = session.path(&["members", &self.principal]);
        let mut body = json!({"role": self.role});
        if self.bindable_all {
            body["bindable"] = Value::Null;
        } else if !self.bindable.is_empty() || !self.bindable_label.is_empty() {
            let labels = pairs("--bindable-label", &self.bindable_label)?;
            body["bindable"] = json!({"credentials": self.bindable, "labels": labels});
        }
        let member = session.client.put(&path, &body).await?;
        session.output.row(&member, COLUMNS, "/principal")
    }
}

const COLUMNS: &[Column] = &[
    ("PRINCIPAL", "/principal"),
    ("ROLE", "/role"),
    ("BINDABLE", "/bindable"),
    ("SINCE", "/createdAt"),
    ("UPDATED", "/updatedAt"),
];
