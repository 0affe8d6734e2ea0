//! `bursar status`

use clap::Args;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::{Column, Format};
use crate::session::{GlobalArgs, anonymous};

/// Show whether the broker is ready, why not, and the nodes that share its store
///
/// Needs no token, since a broker that is not ready may be unable to check one.
/// Exits with 1 if the broker is not ready.
#[derive(Args, Debug)]
pub(crate) struct Status {}

impl Status {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<(), Failure> {
        let client = anonymous(global)?;
        let status = client.report(&["readyz"], &[("verbose", "true".to_owned())]).await?;
        let output = global.output();
        if output.is_quiet() || output.format() != Format::Table {
            output.one(&status, "/status")?;
        } else {
            let rows = |part: &str| json!({ "items": status[part] });
            output.list(&check_rows(&status["checks"]), CHECKS, "/name")?;
            output.line("")?;
            output.list(&rows("nodes"), NODES, "/id")?;
        }
        match status["status"].as_str() {
            Some("ready") => Ok(()),
            _ => Err(Failure::Failed("the broker is not ready".to_owned())),
        }
    }
}

/// The checks as rows of a table.
fn check_rows(checks: &Value) -> Value {
    let row = |check: &Value| {
        let outcome = if check["ok"] == true { "well" } else { "not well" };
        json!({ "name": check["name"], "outcome": outcome, "detail": check["detail"] })
    };
    json!({ "items": checks.as_array().into_iter().flatten().map(row).collect::<Vec<_>>() })
}

const CHECKS: &[Column] = &[("CHECK", "/name"), ("OUTCOME", "/outcome"), ("DETAIL", "/detail")];
const NODES: &[Column] = &[
    ("NODE", "/id"),
    ("ASKED", "/this"),
    ("STATE", "/state"),
    ("VERSION", "/version"),
    ("RUNS SINCE", "/startedAt"),
    ("CLOCK AHEAD (MS)", "/clockAheadMs"),
    ("ROOT KEY", "/rootKey"),
];
