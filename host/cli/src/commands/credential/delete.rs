//! `bursar credential delete`

use std::io;

use clap::Args;

use crate::failure::Failure;
use crate::form::Prompter;
use crate::session::Session;
use crate::terminal::Terminal;

/// Delete a credential; it can be restored unless purged
#[derive(Args, Debug)]
pub(crate) struct Delete {
    /// Name or id; a deleted one that is to be purged goes by its id
    credential: String,
    /// Even while something uses it
    #[arg(long)]
    force: bool,
    /// Destroy its key: nothing brings it back
    #[arg(long)]
    purge: bool,
    /// Ask nothing: neither before a purge, nor where others fall back to it
    #[arg(long, short)]
    yes: bool,
    /// Only if the credential is still at this revision (its `ETag`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<String>,
}

impl Delete {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        if self.purge && !self.yes && session.interactive {
            let question = format!("Destroy {} for ever", self.credential);
            if !Terminal.confirm(&question, false)? {
                return Err(Failure::Failed("nothing was deleted".to_owned()));
            }
        }
        let mut query = Vec::new();
        if self.force {
            query.push(("force", "true".to_owned()));
        }
        if self.purge {
            query.push(("purge", "true".to_owned()));
        }
        let path = session.credential(&self.credential, &[]);
        let deleted = session.client.delete(&path, &query, self.if_match.as_deref()).await;
        match deleted {
            Err(Failure::Problem(problem)) if self.may_ask(session) && problem.is_about_a_default() => {
                Failure::Problem(problem)
                    .report(io::stderr().lock())
                    .map_err(|error| Failure::io("tell why", error))?;
                let question = format!("Delete {} all the same", self.credential);
                if !Terminal.confirm(&question, false)? {
                    return Err(Failure::Failed("nothing was deleted".to_owned()));
                }
                query.push(("force", "true".to_owned()));
                session.client.delete(&path, &query, self.if_match.as_deref()).await?;
            }
            deleted => drop(deleted?),
        }
        let done = if self.purge { "purged" } else { "deleted" };
        session.output.note(&format!("{done} {}", self.credential))
    }

    /// Whether a person is there who did not answer already.
    fn may_ask(&self, session: &Session) -> bool {
        session.interactive && !self.force && !self.yes
    }
}
