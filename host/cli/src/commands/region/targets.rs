//! `bursar region targets`

use clap::Args;
use serde_json::json;

use crate::failure::Failure;
use crate::output::{Column, Format};
use crate::session::Session;

/// List the kinds of targets a region can have, or the settings of one
#[derive(Args, Debug)]
pub(crate) struct Targets {
    /// Show the settings of this kind
    kind: Option<String>,
}

impl Targets {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let Some(kind) = &self.kind else {
            let page = session.client.list(KINDS, &[], None).await?;
            return session.output.list(&page, COLUMNS, "/id");
        };
        let mut kind = super::settings::kind(session, kind).await?;
        if session.output.format() != Format::Table {
            return session.output.document(&kind);
        }
        session.output.list(&json!({"items": kind["settings"].take()}), SETTINGS, "/name")
    }
}

/// The path of the kinds.
pub(super) const KINDS: &[&str] = &["v1", "region-targets"];
const COLUMNS: &[Column] = &[("TARGET", "/id"), ("TITLE", "/title"), ("SUMMARY", "/summary")];
const SETTINGS: &[Column] =
    &[("SETTING", "/name"), ("REQUIRED", "/required"), ("SECRET", "/secret"), ("MOVES", "/moves"), ("ABOUT", "/about")];
