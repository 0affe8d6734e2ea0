//! An account's use of a region: `bursar region attach`, `detach`, `attached` and
//! `plan`.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::output::{Column, Format};
use crate::session::Session;

/// Push the account's credentials to a region, or change how
#[derive(Args, Debug)]
#[command(after_help = ATTACH_EXAMPLES)]
pub(crate) struct AttachRegion {
    /// Name or id
    region: String,
    /// Push credentials of a type in this format; repeat it for several formats. An
    /// empty format excludes the type. Repeatable [default: what the target prefers]
    #[arg(long = "format", value_name = "TYPE=FORMAT")]
    formats: Vec<String>,
    /// Push only credentials of this type. Repeatable [default: the types that are
    /// pushed by default, and those with a --format]
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// What happens to them when the region is detached [default: remove]
    #[arg(long, value_enum)]
    on_detach: Option<OnDetach>,
}

impl AttachRegion {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut body = json!({});
        if !self.formats.is_empty() {
            body["formats"] = Value::Object(formats(&self.formats)?);
        }
        if !self.types.is_empty() {
            body["types"] = json!(self.types);
        }
        if let Some(on_detach) = self.on_detach {
            body["onDetach"] = json!(on_detach.as_str());
        }
        let attached = session.client.put(&session.path(&["regions", &self.region]), &body).await?;
        session.output.row(&attached, ATTACHED, "/region")
    }
}

/// Stop using a region
#[derive(Args, Debug)]
pub(crate) struct DetachRegion {
    /// Name or id
    region: String,
    /// Leave the account's credentials there, no longer managed [default: as attached]
    #[arg(long)]
    keep: bool,
    /// Remove the account's credentials there [default: as attached]
    #[arg(long, conflicts_with = "keep")]
    remove: bool,
}

impl DetachRegion {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        let chosen = match (self.keep, self.remove) {
            (true, _) => Some(OnDetach::Keep),
            (_, true) => Some(OnDetach::Remove),
            _ => None,
        };
        let query: Vec<_> = chosen.map(|chosen| ("onDetach", chosen.as_str().to_owned())).into_iter().collect();
        session.client.delete(&session.path(&["regions", &self.region]), &query, None).await?;
        session.output.note(&format!("detached {}", self.region))
    }
}

/// Lists the regions that the account uses.
pub(super) async fn list_attached(session: &Session) -> Result<(), Failure> {
    let page = session.client.list(&session.path(&["regions"]), &[], None).await?;
    session.output.list(&page, ATTACHED, "/region")
}

/// Show what a sync would do in a region, without doing it
#[derive(Args, Debug)]
pub(crate) struct PlanRegion {
    /// Name or id
    region: String,
    /// Show unchanged credentials too
    #[arg(long)]
    all: bool,
}

impl PlanRegion {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut plan = session.client.get(&session.path(&["regions", &self.region, "plan"]), &[]).await?;
        if session.output.format() != Format::Table {
            return session.output.document(&plan);
        }
        if let Some(items) = plan["items"].as_array_mut()
            && !self.all
        {
            items.retain(|item| item["action"] != "unchanged");
        }
        session.output.list(&plan, PLANNED, "/credential")?;
        session.output.note(&summary(&plan["summary"]))
    }
}

/// What happens to the account's credentials in a region when it is detached.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OnDetach {
    /// Remove them
    Remove,
    /// Leave them there, no longer managed
    Keep,
}

impl OnDetach {
    fn as_str(self) -> &'static str {
        match self {
            Self::Remove => "remove",
            Self::Keep => "keep",
        }
    }
}

/// Groups `TYPE=FORMAT` arguments by type.
fn formats(arguments: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut formats = Map::new();
    for argument in arguments {
        let Some((type_id, format)) = argument.split_once('=').filter(|(type_id, _)| !type_id.is_empty()) else {
            return Err(Failure::Usage("--format takes TYPE=FORMAT".to_owned()));
        };
        let list = formats.entry(type_id).or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut()
            && !format.is_empty()
        {
            list.push(json!(format));
        }
    }
    Ok(formats)
}

/// `2 create, 1 drifted, 40 unchanged`; zero counts are left out.
fn summary(counts: &Value) -> String {
    let counted = ACTIONS.iter().filter_map(|action| {
        let count = counts[action].as_u64().filter(|count| *count > 0)?;
        Some(format!("{count} {action}"))
    });
    let parts: Vec<_> = counted.collect();
    if parts.is_empty() { "nothing there, and nothing to do".to_owned() } else { parts.join(", ") }
}

const ATTACHED: &[Column] = &[
    ("REGION", "/region"),
    ("TYPES", "/types"),
    ("FORMATS", "/formats"),
    ("ON DETACH", "/onDetach"),
    ("DETACHING", "/detaching"),
    ("SYNC", "/sync"),
    ("SINCE", "/attachedAt"),
];
const PLANNED: &[Column] =
    &[("ACTION", "/action"), ("CREDENTIAL", "/name"), ("PLACE", "/place"), ("MESSAGE", "/message")];
const ACTIONS: &[&str] = &["create", "update", "delete", "drifted", "foreign", "unknown", "unchanged"];

const ATTACH_EXAMPLES: &str = "Examples:
  # Database logins as environment files, and no deploy keys
  bursar region attach eu --format database-login=env --format deploy-key=

  # Only database logins
  bursar region attach eu --type database-login";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_gathered_by_type() {
        let given = |arguments: &[&str]| formats(&arguments.iter().map(|&one| one.to_owned()).collect::<Vec<_>>());
        let wanted = json!({"a": ["x", "y=z"], "b": []});
        assert_eq!(Value::Object(given(&["a=x", "b=", "a=y=z"]).unwrap()), wanted);
        for bad in ["a", "=x"] {
            assert!(given(&[bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_summary_leaves_zero_counts_out() {
        let counts = json!({"create": 2, "update": 0, "delete": 0, "unchanged": 40, "foreign": 0, "drifted": 1});
        assert_eq!(summary(&counts), "2 create, 1 drifted, 40 unchanged");
        assert_eq!(summary(&json!({})), "nothing there, and nothing to do");
    }
}
