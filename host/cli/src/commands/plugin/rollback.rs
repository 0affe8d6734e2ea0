//! `bursar plugin rollback`

use clap::Args;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::session::Session;

/// Put the component in force that was in force before
///
/// It stays until the plugin's file holds another component, or until what was
/// set aside is approved.
#[derive(Args, Debug)]
pub(crate) struct Rollback {
    /// Its id
    id: String,
    /// Only if that component is this one, by `sha256:...`
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl Rollback {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let entries = super::entries(session, &self.id).await?;
        let with_previous = entries.iter().find(|entry| entry["previousDigest"].is_string()).or(entries.first());
        let entry = with_previous.unwrap_or(&Value::Null);
        let digest = self.digest.map_or_else(|| entry["previousDigest"].clone(), Value::from);
        let lines = [
            super::headline(entry),
            format!(
                "goes back to {} {}, which may again what it asks for",
                entry["previousVersion"].as_str().unwrap_or("the version before"),
                digest.as_str().unwrap_or_default()
            ),
        ];
        super::confirm(session, self.yes, &lines, &format!("Roll {} back?", self.id))?;
        let body = json!({"digest": digest});
        let rolled_back = session.client.post(&["v1", "plugins", &self.id, "rollback"], &body).await?;
        session.output.row(&rolled_back, super::COLUMNS, "/id")
    }
}
