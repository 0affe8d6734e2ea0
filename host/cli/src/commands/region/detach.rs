//! `bursar region detach`

use clap::Args;

use super::OnDetach;
use crate::failure::Failure;
use crate::session::Session;

/// Let go of a region
#[derive(Args, Debug)]
pub(crate) struct Detach {
    /// Name or id
    region: String,
    /// Leave what is there; it is nobody's from then on [default: as it was attached]
    #[arg(long)]
    keep: bool,
    /// Remove what is ours there [default: as it was attached]
    #[arg(long, conflicts_with = "keep")]
    remove: bool,
}

impl Detach {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
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
