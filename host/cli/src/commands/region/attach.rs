//! `bursar region attach`

use clap::Args;
use serde_json::{Map, Value, json};

use super::OnDetach;
use crate::failure::Failure;
use crate::session::Session;

/// Keep the account's credentials in a region, or change how
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Attach {
    /// Name or id
    region: String,
    /// Put credentials of a type there in this format; repeated for a type, in
    /// all of them. An empty format keeps the type away. Repeatable
    /// [default: what the target prefers]
    #[arg(long = "format", value_name = "TYPE=FORMAT")]
    formats: Vec<String>,
    /// Put credentials of this type there, and of no other that is not named so.
    /// Repeatable [default: the types that are pushed by default, and those with
    /// a --format]
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// What happens to them when the account lets go of the region [default: remove]
    #[arg(long, value_enum)]
    on_detach: Option<OnDetach>,
}

impl Attach {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
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
        session.output.row(&attached, super::ATTACHED, "/region")
    }
}

/// Lists of formats by type.
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

const EXAMPLES: &str = "Examples:
  # Logins of databases as environment files, and none of another type
  bursar region attach eu --format database-login=env --format deploy-key=

  # Logins of databases and nothing else
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
}
