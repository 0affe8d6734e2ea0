//! `bursar credential template`

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;

/// Print a type's data to fill in, as YAML or JSON
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Template {
    /// A type id, as `bursar credential types` lists them
    type_id: String,
    /// One of the type's variants [default: its first]
    #[arg(long)]
    variant: Option<String>,
}

impl Template {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let data = super::skeleton(session, &self.type_id, self.variant.as_deref()).await?;
        session.output.document(&data)
    }
}

const EXAMPLES: &str = "Example:
  bursar credential template TYPE > data.yaml
  $EDITOR data.yaml
  bursar credential create --type TYPE my-name --data-file data.yaml";
