//! `bursar resolve-image`

use clap::Args;
use serde_json::json;

use super::resolve::Files;
use crate::failure::Failure;
use crate::session::Session;

/// Find the credential for an image, by registry and longest path prefix
#[derive(Args, Debug)]
pub(crate) struct ResolveImage {
    /// Such as `ghcr.io/org/app:1`
    image: String,
    #[command(flatten)]
    files: Files,
}

impl ResolveImage {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        self.files.resolve(session, "resolve-image", json!({"image": self.image})).await
    }
}
