//! A credential's secrets: `bursar credential reveal` and `materialize`.

use std::io::{self, IsTerminal};

use bursar_kernel::secret::SecretJson;
use clap::Args;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::delivery::Delivery;
use crate::failure::Failure;
use crate::input;
use crate::output::Format;
use crate::schema::Schema;
use crate::session::Session;

/// Print a credential's secrets; the audit trail records it
#[derive(Args, Debug)]
#[command(after_help = REVEAL_EXAMPLES)]
pub(crate) struct RevealCredential {
    /// Name or id
    credential: String,
    /// Only this field; a single one is printed unquoted. Repeatable [default: every secret]
    #[arg(long = "field", value_name = "FIELD")]
    fields: Vec<String>,
}

impl RevealCredential {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        let no_schema = json!({});
        let pointers: Vec<String> =
            self.fields.iter().map(|field| input::field_pointer(Schema::new(&no_schema), field)).collect();
        let body = if pointers.is_empty() { json!({}) } else { json!({"fields": pointers}) };
        let path = session.credential(&self.credential, &["reveal"]);
        let revealed = SecretJson::new(session.client.post(&path, &body).await?);
        match (session.output.format(), pointers.as_slice()) {
            (Format::Table, [pointer]) => {
                let value = revealed.expose()["data"].pointer(pointer).ok_or_else(|| absent(pointer))?;
                session.output.raw(bare(value, io::stdout().is_terminal()).as_bytes())
            }
            (Format::Table, _) => session.output.document(&revealed.expose()["data"]),
            (Format::Json | Format::Yaml, _) => session.output.document(revealed.expose()),
        }
    }
}

/// Hand a credential out in one of its formats; the audit trail records it
///
/// Without `--out`, `--manifest` or `--artifact`, a single file goes to stdout.
#[derive(Args, Debug)]
#[command(after_help = MATERIALIZE_EXAMPLES)]
pub(crate) struct MaterializeCredential {
    /// Name or id
    credential: String,
    /// A format of its type, as `bursar credential types` lists them [default: the first]
    #[arg(long)]
    format: Option<String>,
    #[command(flatten)]
    delivery: Delivery,
}

impl MaterializeCredential {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        self.delivery.check()?;
        let body = self.format.as_ref().map_or_else(|| json!({}), |format| json!({"format": format}));
        let path = session.credential(&self.credential, &["materialize"]);
        let answer = SecretJson::new(session.client.post(&path, &body).await?);
        let name = if self.delivery.needs_name() { self.name(session).await? } else { self.credential };
        self.delivery.deliver(session, &answer, &name)
    }

    /// The credential's name, looked up if the command line gives the id.
    async fn name(&self, session: &Session) -> Result<String, Failure> {
        if self.credential.parse::<uuid::Uuid>().is_err() {
            return Ok(self.credential.clone());
        }
        let credential = session.client.get(&session.credential(&self.credential, &[]), &[]).await?;
        Ok(credential["name"].as_str().unwrap_or(&self.credential).to_owned())
    }
}

/// The unquoted text of a value, for pipes; ends with a newline only on a terminal.
fn bare(value: &Value, on_terminal: bool) -> Zeroizing<String> {
    let mut text = Zeroizing::new(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    if on_terminal && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn absent(pointer: &str) -> Failure {
    Failure::Failed(format!("the credential has no field {pointer}"))
}

const REVEAL_EXAMPLES: &str = "Example:
  bursar credential reveal ghcr --field /password | docker login ghcr.io -u octo --password-stdin";

const MATERIALIZE_EXAMPLES: &str = "Examples:
  # Files for a web server
  bursar credential materialize my-cert --format pem --out /etc/ssl/my-cert

  # A Secret for a cluster
  bursar credential materialize ghcr --manifest --namespace prod | kubectl apply -f -

  # One file to stdout
  bursar credential materialize ghcr --format docker/config.json --artifact config.json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_value_is_untouched_in_a_pipe() {
        assert_eq!(*bare(&json!("s3cret"), false), "s3cret");
        assert_eq!(*bare(&json!("s3cret"), true), "s3cret\n");
        assert_eq!(*bare(&json!("pem\n"), true), "pem\n");
        assert_eq!(*bare(&json!({"a": 1}), false), r#"{"a":1}"#);
    }
}
