//! `bursar credential validate`

use std::io;

use bursar_domain::secret::{SecretJson, put};
use clap::Args;
use serde_json::json;

use crate::failure::Failure;
use crate::form::Form;
use crate::input::DataArgs;
use crate::session::Session;

/// Check data against a type without storing it
#[derive(Args, Debug)]
pub(crate) struct Validate {
    /// Check this name too: well-formed and free
    name: Option<String>,
    /// A type id, as `bursar credential types` lists them
    #[arg(long = "type", value_name = "TYPE")]
    type_id: String,
    /// Ask the live service too
    #[arg(long, requires = "name")]
    probe: bool,
    #[command(flatten)]
    data: DataArgs,
}

impl Validate {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let credential_type = super::credential_type(session, &self.type_id).await?;
        let schema = Form::new(&credential_type).schema();
        let data = self.data.gather(schema, SecretJson::new(json!({})), &mut io::stdin().lock())?;
        let mut body = SecretJson::new(json!({"type": self.type_id}));
        put(body.expose_mut(), "/data", data.expose().clone());
        if let Some(name) = &self.name {
            put(body.expose_mut(), "/name", json!(name));
        }
        let query = super::preflight(self.probe);
        let path = session.path(&["credentials", "validate"]);
        let verdict = session.client.post_with(&path, &query, body.expose()).await;
        match verdict {
            Err(Failure::Problem(problem)) if self.name.is_none() && problem.status == 422 => {
                // The API wants a name beside the data; nobody asked about one here.
                match problem.without("/name") {
                    Some(problem) => return Err(Failure::Problem(Box::new(problem))),
                    None => return session.output.note("valid"),
                }
            }
            verdict => drop(verdict?),
        }
        if let Some(name) = &self.name {
            let path = session.path(&["credentials", "validate-name"]);
            session.client.get(&path, &[("name", name.clone())]).await?;
        }
        session.output.note("valid")
    }
}
