//! Operations in a region with a progress bar.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::{Column, Format, plain};
use crate::session::Session;

/// Runs `operation` in one of the account's regions, shows its progress and prints the
/// result. Fails with exit code 5 if a credential is not in place.
pub(super) async fn watch(session: &Session, region: &str, operation: &str) -> Result<(), Failure> {
    let bar = bar(session.output.is_quiet());
    let outcome = session
        .client
        .post_with_progress(&session.path(&["regions", region, operation]), |step| draw(&bar, step))
        .await;
    // Also before an error, which must not share the bar's line.
    bar.finish_and_clear();
    print(session, region, &outcome?)
}

fn print(session: &Session, region: &str, result: &Value) -> Result<(), Failure> {
    let failed = result["failed"].as_array().map_or(0, Vec::len);
    let is_ready = result["ready"] == true;
    match session.output.format() {
        Format::Json | Format::Yaml => session.output.document(result)?,
        Format::Table => session.output.list(&json!({"items": result["failed"]}), COLUMNS, "/credential")?,
    }
    if is_ready {
        return session.output.note(&format!("{region} is ready: {} in place", result["synced"].as_u64().unwrap_or(0)));
    }
    Err(Failure::Conflict(match failed {
        1 => format!("1 credential is not in place in {region}"),
        _ => format!("{failed} credentials are not in place in {region}"),
    }))
}

/// A progress bar on stderr, hidden if that is not a terminal.
fn bar(quiet: bool) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(None, target);
    // The total is not known yet.
    bar.set_style(ProgressStyle::default_spinner());
    bar
}

fn draw(bar: &ProgressBar, step: &Value) {
    if let Some(total) = step["total"].as_u64()
        && bar.length() != Some(total)
    {
        bar.set_length(total);
        if let Ok(style) = ProgressStyle::with_template("[{bar:30}] {pos}/{len} {wide_msg}") {
            bar.set_style(style);
        }
    }
    bar.set_position(step["done"].as_u64().unwrap_or_default());
    let text = |key: &str| plain(step[key].as_str().unwrap_or_default());
    bar.set_message(format!("{} {}", text("credential"), text("state")));
}

const COLUMNS: &[Column] = &[("CREDENTIAL", "/credential"), ("ERROR", "/error")];
