//! `bursar credential reveal`

use std::io::{self, IsTerminal};

use bursar_domain::secret::SecretJson;
use clap::Args;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::input;
use crate::output::Format;
use crate::schema::Schema;
use crate::session::Session;

/// Print a credential's secrets; the audit trail records it
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Reveal {
    /// Name or id
    credential: String,
    /// Only this field; one alone is printed bare. Repeatable [default: every secret]
    #[arg(long = "field", value_name = "FIELD")]
    fields: Vec<String>,
}

impl Reveal {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let nothing_known = json!({});
        let pointers: Vec<String> =
            self.fields.iter().map(|field| input::field_pointer(Schema::new(&nothing_known), field)).collect();
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

/// The very text of a value, so that it can be piped; a newline only for eyes.
fn bare(value: &Value, for_eyes: bool) -> Zeroizing<String> {
    let mut text = Zeroizing::new(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    if for_eyes && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn absent(pointer: &str) -> Failure {
    Failure::Failed(format!("the credential has no field {pointer}"))
}

const EXAMPLES: &str = "Example:
  bursar credential reveal ghcr --field /password | docker login ghcr.io -u octo --password-stdin";

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
