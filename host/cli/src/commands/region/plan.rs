//! `bursar region plan`

use clap::Args;
use serde_json::Value;

use crate::failure::Failure;
use crate::output::{Column, Format};
use crate::session::Session;

/// Show what a sync would do in a region, without doing it
#[derive(Args, Debug)]
pub(crate) struct Plan {
    /// Name or id
    region: String,
    /// Show what is in place too
    #[arg(long)]
    all: bool,
}

impl Plan {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut plan = session.client.get(&session.path(&["regions", &self.region, "plan"]), &[]).await?;
        if session.output.format() != Format::Table {
            return session.output.document(&plan);
        }
        if let Some(items) = plan["items"].as_array_mut()
            && !self.all
        {
            items.retain(|item| item["action"] != "unchanged");
        }
        session.output.list(&plan, COLUMNS, "/credential")?;
        session.output.note(&sentence(&plan["summary"]))
    }
}

/// `2 create, 1 drifted, 40 unchanged`: what there is none of is left out.
fn sentence(summary: &Value) -> String {
    let counted = ACTIONS.iter().filter_map(|action| {
        let count = summary[action].as_u64().filter(|count| *count > 0)?;
        Some(format!("{count} {action}"))
    });
    let told: Vec<_> = counted.collect();
    if told.is_empty() { "nothing there, and nothing to do".to_owned() } else { told.join(", ") }
}

const COLUMNS: &[Column] =
    &[("ACTION", "/action"), ("CREDENTIAL", "/name"), ("PLACE", "/place"), ("MESSAGE", "/message")];
const ACTIONS: &[&str] = &["create", "update", "delete", "drifted", "foreign", "unknown", "unchanged"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_summary_tells_what_there_is() {
        let summary = json!({"create": 2, "update": 0, "delete": 0, "unchanged": 40, "foreign": 0, "drifted": 1});
        assert_eq!(sentence(&summary), "2 create, 1 drifted, 40 unchanged");
        assert_eq!(sentence(&json!({})), "nothing there, and nothing to do");
    }
}
