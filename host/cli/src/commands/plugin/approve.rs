//! `bursar plugin approve`

use clap::Args;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::session::Session;

/// Grant a plugin what it asks for, after a look at it
#[derive(Args, Debug)]
pub(crate) struct Approve {
    /// Its id
    id: String,
    /// This very component, by `sha256:...` [default: the one that waits]
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl Approve {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let entries = super::entries(session, &self.id).await?;
        let entry = match &self.digest {
            Some(digest) => entries.iter().find(|entry| entry["digest"] == **digest),
            None => entries.iter().find(|entry| waits(entry)).or(entries.first()),
        };
        let Some(entry) = entry else {
            return Err(Failure::Conflict(format!("{} is there with another digest: see `plugin list`", self.id)));
        };
        super::confirm(session, self.yes, &lines(entry), &format!("Approve {}?", self.id))?;
        let body = json!({"digest": entry["digest"]});
        let approved = session.client.post(&["v1", "plugins", &self.id, "approve"], &body).await?;
        session.output.row(&approved, super::COLUMNS, "/id")
    }
}

fn waits(entry: &Value) -> bool {
    entry["state"] == "pending" || entry["state"] == "needs-review"
}

fn lines(entry: &Value) -> Vec<String> {
    let mut lines = vec![super::headline(entry)];
    lines.push(match entry["signedBy"].as_str() {
        Some(key) => format!("signed by {key}"),
        None => "not signed by a trusted key".to_owned(),
    });
    if let Some(reason) = entry["reason"].as_str() {
        lines.push(reason.to_owned());
    }
    let permissions = super::listed("It may then:", &entry["permissions"]);
    if permissions.is_empty() {
        lines.push("It asks for nothing beyond computing.".to_owned());
    }
    lines.extend(permissions);
    if !entry["grant"].is_null() {
        lines.extend(super::listed("New beside what was granted:", &entry["permissionDiff"]["added"]));
        lines.extend(super::listed("No longer:", &entry["permissionDiff"]["removed"]));
    }
    lines
}
