//! `bursar plugin check`

use std::fmt::Write as _;
use std::path::PathBuf;

use bursar_plugin_check::{Finding, Level, Report, Subject, check};
use clap::Args;
use clap::builder::styling::{AnsiColor, Style};
use serde_json::json;

use crate::failure::Failure;
use crate::output::{Format, Output, plain};

/// Check a plugin as its author: cases, secrets, limits (offline)
///
/// Loads the component as a broker does, replays the folder's `tests/*.json` against it, gives it secrets
/// to look for in all that it says, and measures what it takes. Nothing goes over the network. All that it
/// finds is shown, with the data of the cases: a case must hold no real secret.
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// The folder with manifest.json, or a component
    #[arg(value_name = "DIR|FILE.wasm", default_value = ".")]
    subject: PathBuf,
    /// The component, where it is not in the folder's `dist` or in a `target` above it
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// The folder of the cases [default: the folder's `tests`]
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// Fail on warnings too
    #[arg(long)]
    strict: bool,
}

impl Check {
    pub(crate) async fn run(self, output: Output) -> Result<(), Failure> {
        let report = check(&self.subject()?, None).await.map_err(|error| Failure::Usage(error.to_string()))?;
        match output.format() {
            Format::Table => output.raw(text(&report, output.is_quiet(), is_styled()).as_bytes())?,
            Format::Json | Format::Yaml => output.document(&json!({
                "plugin": report.plugin, "findings": report.findings, "passed": report.passed(self.strict),
            }))?,
        }
        if report.passed(self.strict) { Ok(()) } else { Err(Failure::Found) }
    }

    fn subject(&self) -> Result<Subject, Failure> {
        if !self.subject.exists() {
            return Err(Failure::Usage(format!("there is no {}", self.subject.display())));
        }
        let found = match (&self.component, self.subject.is_dir()) {
            (None, false) => Ok(Subject::of_file(self.subject.clone())),
            (Some(_), false) => {
                return Err(Failure::Usage("--component goes with a folder; this is a file already".to_owned()));
            }
            (Some(component), true) => Subject::of_folder_with(&self.subject, component.clone()),
            (None, true) => Subject::of_folder(&self.subject),
        };
        let mut subject = found.map_err(|error| {
            let cure = format!("build it with `bursar plugin build {}`", self.subject.display());
            match error {
                bursar_plugin_check::Lookup::NoComponent(_) => Failure::Usage(format!("{error}; {cure}")),
                other => Failure::Usage(other.to_string()),
            }
        })?;
        subject.cases = self.cases.clone().or(subject.cases);
        Ok(subject)
    }
}

/// A line for each finding, and what is to be said of it below; when `quiet`
/// only what failed.
fn text(report: &Report, quiet: bool, styled: bool) -> String {
    let mut text = String::new();
    if let (Some(plugin), false) = (&report.plugin, quiet) {
        let (id, version, kind) = (plain(&plugin.id), plain(&plugin.version), plugin.kind);
        let kibibytes = plugin.size_bytes.div_ceil(1024);
        line(&mut text, &format!("{id} {version}, a {kind} of contract {}, {kibibytes} KiB", plugin.contract_version));
    }
    for finding in report.findings.iter().filter(|finding| !quiet || finding.level == Level::Fail) {
        line(&mut text, &shown(finding, styled));
    }
    let (failed, warned) = (report.count(Level::Fail), report.count(Level::Warn));
    if !quiet {
        line(&mut text, &format!("{failed} failed, {warned} warned"));
    }
    text
}

fn shown(finding: &Finding, styled: bool) -> String {
    let (word, colour) = match finding.level {
        Level::Ok => ("ok", AnsiColor::Green),
        Level::Info => ("info", AnsiColor::Blue),
        Level::Warn => ("warn", AnsiColor::Yellow),
        Level::Fail => ("fail", AnsiColor::Red),
    };
    let style = if styled { Style::new().fg_color(Some(colour.into())).bold() } else { Style::new() };
    let area = format!("{:?}", finding.area).to_lowercase();
    let mut text = format!("{style}{word:4}{style:#}  {area:9}  {}", plain(&finding.summary));
    for detail in &finding.details {
        let _infallible = write!(text, "\n{INDENT}{}", plain(detail));
    }
    text
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn is_styled() -> bool {
    anstream::stdout().current_choice() != anstream::ColorChoice::Never
}

/// Below the summary.
const INDENT: &str = "                 ";

#[cfg(test)]
mod tests {
    use bursar_plugin_check::{Area, Plugin};

    use super::*;

    fn report() -> Report {
        let finding = |level, area, summary: &str, details: &[&str]| Finding {
            level,
            area,
            summary: summary.to_owned(),
            details: details.iter().map(|detail| (*detail).to_owned()).collect(),
        };
        Report {
            plugin: Some(Plugin {
                id: "dns-example".to_owned(),
                version: "1.0.0".to_owned(),
                kind: "dns-provider",
                digest: "sha256:00".to_owned(),
                contract_version: "0.1.0".to_owned(),
                size_bytes: 115_000,
            }),
            findings: vec![
                finding(Level::Ok, Area::Admission, "a broker takes it", &[]),
                finding(Level::Fail, Area::Cases, "present.json #2: beside", &["request 1: path\u{1b}[2J", "  wanted"]),
                finding(Level::Warn, Area::Coverage, "no case of `poll`", &[]),
            ],
        }
    }

    #[test]
    fn findings_are_lines_with_details_below() {
        insta::assert_snapshot!(text(&report(), false, false), @r"
        dns-example 1.0.0, a dns-provider of contract 0.1.0, 113 KiB
        ok    admission  a broker takes it
        fail  cases      present.json #2: beside
                         request 1: path[2J
                           wanted
        warn  coverage   no case of `poll`
        1 failed, 1 warned
        ");
        assert_eq!(text(&report(), true, false).lines().count(), 3, "only what failed");
        assert!(text(&report(), false, true).contains("\u{1b}[1m\u{1b}[31mfail\u{1b}[0m  cases"));
    }

    #[test]
    fn what_is_no_plugin_is_told_with_the_cure() {
        let folder = tempfile::tempdir().unwrap();
        let said = |subject: PathBuf, component: Option<PathBuf>| {
            let check = Check { subject, component, cases: None, strict: false };
            check.subject().map(|_| ()).unwrap_err().to_string()
        };
        assert!(said(folder.path().join("none"), None).starts_with("there is no "));
        assert!(said(folder.path().to_owned(), None).ends_with("it has no manifest.json"));
        std::fs::write(folder.path().join("manifest.json"), r#"{"id": "a"}"#).unwrap();
        assert!(said(folder.path().to_owned(), None).contains("dist/a.wasm; build it with `bursar plugin build "));
        let file = folder.path().join("manifest.json");
        assert!(said(file.clone(), Some(file)).starts_with("--component goes with a folder"));
    }
}
