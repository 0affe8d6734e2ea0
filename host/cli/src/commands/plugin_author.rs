//! Commands of plugin authors: `bursar plugin new`, `check` and `inspect`. See also
//! [`super::plugin_build`] and [`super::plugin_sign`].

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use bursar_plugin_check::{Finding, Level, Report, Subject, check};
use bursar_plugin_host::{Examined, Signed, TrustedKey, examine};
use clap::Args;
use clap::builder::styling::{AnsiColor, Style};
use serde_json::{Value, json};

use super::plugin::bullets;
use crate::broker::chain;
use crate::failure::Failure;
use crate::kit::{self, Kind, Language, Names};
use crate::output::{Format, Output, plain};
use crate::session::{GlobalArgs, Session};

/// Make a folder with a plugin that builds, to start from (offline)
///
/// It has a manifest, a form, logic and cases, and its own copy of the library
/// and of the contract: beside `bursar` it takes the language's tools and its
/// package registry, and nothing of this project.
#[derive(Args, Debug)]
#[command(after_help = NEW_EXAMPLES)]
pub(crate) struct NewPlugin {
    /// Its id, such as mqtt-login; a provider's gets the prefix dns-
    name: String,
    /// What it is
    #[arg(long, value_enum, default_value = "credential-type")]
    kind: Kind,
    /// What it is written in
    #[arg(long, value_enum, default_value = "rust")]
    lang: Language,
    /// The folder to make [default: the id]
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
}

impl NewPlugin {
    pub(super) fn run(self, output: Output) -> Result<(), Failure> {
        let names = Names::new(&self.name, self.kind).map_err(Failure::Usage)?;
        let folder = self.path.unwrap_or_else(|| PathBuf::from(&names.id));
        if folder.symlink_metadata().is_ok() {
            let taken = folder.display();
            return Err(Failure::Conflict(format!("{taken} exists: choose another name, or a folder with --path")));
        }
        let files = kit::folder(self.kind, self.lang, &names).map_err(Failure::Failed)?;
        for (path, text) in files {
            let file = folder.join(path);
            let written = file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&file, text));
            written.map_err(|error| Failure::io(format!("write {}", file.display()), error))?;
        }
        output.line(&folder.display().to_string())?;
        for line in next_steps(&folder.display().to_string(), &names.id) {
            output.note(&line)?;
        }
        Ok(())
    }
}

fn next_steps(folder: &str, id: &str) -> [String; 4] {
    [
        "next:".to_owned(),
        format!("  bursar plugin build {folder}"),
        format!("  bursar plugin check {folder}"),
        format!("  put {folder}/dist/{id}.wasm into a plugin folder of the broker; {folder}/README.md says more"),
    ]
}

/// Check a plugin as its author: cases, secrets, limits (offline)
///
/// Loads the component as a broker does, replays the folder's `tests/*.json` against it, looks for planted
/// secrets in its output, and measures the resources it uses. Nothing goes over the network. The findings
/// include data of the cases: a case must not contain a real secret.
#[derive(Args, Debug)]
pub(crate) struct CheckPlugin {
    /// The folder with manifest.json, or a component
    #[arg(value_name = "DIR|FILE.wasm", default_value = ".")]
    subject: PathBuf,
    /// The component, if not in the folder's `dist` or in a `target` above it
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// The folder of the cases [default: the folder's `tests`]
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// Fail on warnings too
    #[arg(long)]
    strict: bool,
}

impl CheckPlugin {
    pub(super) async fn run(self, output: Output) -> Result<(), Failure> {
        let report = check(&self.subject()?, None).await.map_err(|error| Failure::Usage(error.to_string()))?;
        match output.format() {
            Format::Table => output.raw(report_text(&report, output.is_quiet(), is_styled()).as_bytes())?,
            Format::Json | Format::Yaml => output.document(&json!({
                "plugin": report.plugin, "findings": report.findings, "passed": report.passed(self.strict),
            }))?,
        }
        if report.passed(self.strict) { Ok(()) } else { Err(Failure::Reported) }
    }

    fn subject(&self) -> Result<Subject, Failure> {
        if !self.subject.exists() {
            return Err(Failure::Usage(format!("there is no {}", self.subject.display())));
        }
        let found = match (&self.component, self.subject.is_dir()) {
            (None, false) => Ok(Subject::of_file(self.subject.clone())),
            (Some(_), false) => {
                return Err(Failure::Usage("--component requires a folder, but this is a file".to_owned()));
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

/// A line for each finding with its details below; if `quiet`, only failures.
fn report_text(report: &Report, quiet: bool, styled: bool) -> String {
    let mut text = String::new();
    if let (Some(plugin), false) = (&report.plugin, quiet) {
        let (id, version, kind) = (plain(&plugin.id), plain(&plugin.version), plugin.kind);
        let kibibytes = plugin.size_bytes.div_ceil(1024);
        line(&mut text, &format!("{id} {version}, a {kind} of contract {}, {kibibytes} KiB", plugin.contract_version));
    }
    for finding in report.findings.iter().filter(|finding| !quiet || finding.level == Level::Fail) {
        line(&mut text, &finding_text(finding, styled));
    }
    let (failed, warned) = (report.count(Level::Fail), report.count(Level::Warn));
    if !quiet {
        line(&mut text, &format!("{failed} failed, {warned} warned"));
    }
    text
}

fn finding_text(finding: &Finding, styled: bool) -> String {
    let (level, colour) = match finding.level {
        Level::Ok => ("ok", AnsiColor::Green),
        Level::Info => ("info", AnsiColor::Blue),
        Level::Warn => ("warn", AnsiColor::Yellow),
        Level::Fail => ("fail", AnsiColor::Red),
    };
    let style = if styled { Style::new().fg_color(Some(colour.into())).bold() } else { Style::new() };
    let area = format!("{:?}", finding.area).to_lowercase();
    let mut text = format!("{style}{level:4}{style:#}  {area:9}  {}", plain(&finding.summary));
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

/// Inspect a plugin's file as a broker would, or a broker's plugin by its id
///
/// A file is loaded in this process, without a broker: its manifest, the permissions
/// it requests and why, its imports, its signature. A file that a broker would
/// refuse is refused with the same reason.
#[derive(Args, Debug)]
#[command(after_help = INSPECT_EXAMPLES)]
pub(crate) struct InspectPlugin {
    /// A `.wasm` file, or an id
    plugin: String,
    /// A minisign public key, `RW...`, to check the signature with. Repeatable
    #[arg(long = "trusted-key", value_name = "KEY")]
    trusted_keys: Vec<TrustedKey>,
}

impl InspectPlugin {
    pub(super) async fn run(self, global: &GlobalArgs) -> Result<(), Failure> {
        let path = PathBuf::from(&self.plugin);
        if path.exists() || path.extension().is_some_and(|extension| extension == "wasm") {
            return inspect_file(&path, self.trusted_keys, global).await;
        }
        let session = Session::open(global)?;
        let plugin = session.client.get(&["v1", "plugins", &self.plugin], &[]).await?;
        if session.output.is_quiet() || session.output.format() != Format::Table {
            return session.output.one(&plugin, "/id");
        }
        print(session.output, &plugin)
    }
}

async fn inspect_file(path: &Path, trusted_keys: Vec<TrustedKey>, global: &GlobalArgs) -> Result<(), Failure> {
    let examined = examine(path, trusted_keys).await.map_err(|error| Failure::Failed(chain(&error)))?;
    let examined = examined.map_err(|reason| Failure::Failed(format!("{}: {reason}", path.display())))?;
    let (output, value) = (global.output(), described(&examined));
    if output.is_quiet() || output.format() != Format::Table {
        return output.one(&value, "/id");
    }
    print(output, &value)
}

fn described(examined: &Examined) -> Value {
    let Examined { manifest, info, permissions, signed } = examined;
    let signature = match signed {
        Signed::Not => "none".to_owned(),
        Signed::Unchecked => "there is one: give --trusted-key to check it".to_owned(),
        Signed::Unknown => "by another key than those given".to_owned(),
        Signed::By(key) => format!("good, by {key}"),
    };
    json!({
        "id": manifest.id, "title": manifest.title, "summary": manifest.summary, "version": manifest.version,
        "publisher": manifest.publisher, "category": manifest.category, "abilities": manifest.abilities,
        "formats": manifest.formats.iter().map(|format| &format.id).collect::<Vec<_>>(),
        "source": info.source, "digest": info.digest, "sizeBytes": info.size_bytes,
        "contractVersion": info.contract_version, "exports": info.interfaces, "imports": info.imports,
        "signature": signature, "signedBy": signed.by(), "permissions": permissions.words(),
        "wantedHosts": permissions.hosts, "placements": permissions.placements,
        "tokenEndpoints": permissions.token_endpoints, "derives": permissions.derives.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// Properties first, then the permissions as sentences instead of structures.
fn print(output: Output, plugin: &Value) -> Result<(), Failure> {
    let mut properties = plugin.clone();
    let structures =
        ["permissions", "wantedHosts", "placements", "tokenEndpoints", "derives", "grant", "permissionDiff"];
    if let Some(members) = properties.as_object_mut() {
        members.retain(|name, _| !structures.contains(&name.as_str()));
    }
    output.one(&properties, "/id")?;
    let mut lines = bullets("It asks to:", &plugin["permissions"]);
    if lines.is_empty() {
        lines.push("It asks for nothing beyond computing.".to_owned());
    }
    if !plugin["grant"].is_null() {
        lines.extend(bullets("Not granted of this:", &plugin["permissionDiff"]["added"]));
        lines.extend(bullets("Granted and not asked for:", &plugin["permissionDiff"]["removed"]));
    }
    lines.iter().try_for_each(|line| output.line(line))
}

/// Of the lines below a summary.
const INDENT: &str = "                 ";

const NEW_EXAMPLES: &str = "Examples:
  bursar plugin new mqtt-login
  bursar plugin new my-host --kind dns-provider --lang python";

const INSPECT_EXAMPLES: &str = "Examples:
  bursar plugin inspect ./dns-example.wasm
  bursar plugin inspect ./dns-example.wasm --trusted-key RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3
  bursar plugin inspect dns-example";

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
        insta::assert_snapshot!(report_text(&report(), false, false), @r"
        dns-example 1.0.0, a dns-provider of contract 0.1.0, 113 KiB
        ok    admission  a broker takes it
        fail  cases      present.json #2: beside
                         request 1: path[2J
                           wanted
        warn  coverage   no case of `poll`
        1 failed, 1 warned
        ");
        assert_eq!(report_text(&report(), true, false).lines().count(), 3, "only what failed");
        assert!(report_text(&report(), false, true).contains("\u{1b}[1m\u{1b}[31mfail\u{1b}[0m  cases"));
    }

    #[test]
    fn without_a_plugin_the_error_names_the_cure() {
        let folder = tempfile::tempdir().unwrap();
        let message = |subject: PathBuf, component: Option<PathBuf>| {
            let check = CheckPlugin { subject, component, cases: None, strict: false };
            check.subject().map(|_| ()).unwrap_err().to_string()
        };
        assert!(message(folder.path().join("none"), None).starts_with("there is no "));
        assert!(message(folder.path().to_owned(), None).ends_with("it has no manifest.json"));
        fs::write(folder.path().join("manifest.json"), r#"{"id": "a"}"#).unwrap();
        assert!(message(folder.path().to_owned(), None).contains("dist/a.wasm; build it with `bursar plugin build "));
        let file = folder.path().join("manifest.json");
        assert!(message(file.clone(), Some(file)).starts_with("--component requires a folder"));
    }

    fn new(name: &str, path: PathBuf) -> Result<(), Failure> {
        let new = NewPlugin { name: name.to_owned(), kind: Kind::CredentialType, lang: Language::Js, path: Some(path) };
        new.run(Output::new(Format::Json, true))
    }

    #[test]
    fn a_folder_is_made_once() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let folder = parent.path().join("deep/mqtt");
        new("mqtt-login", folder.clone()).expect("a new folder");
        let manifest = fs::read_to_string(folder.join("manifest.json")).expect("its manifest");
        assert!(manifest.contains("\"id\": \"mqtt-login\""), "{manifest}");

        fs::write(folder.join("plugin.js"), "mine").expect("a file");
        let refused = new("mqtt-login", folder.clone()).expect_err("the folder exists");
        assert!(matches!(&refused, Failure::Conflict(why) if why.contains("--path")), "{refused:?}");
        assert_eq!(fs::read_to_string(folder.join("plugin.js")).expect("a file"), "mine");
    }

    #[test]
    fn a_bad_name_makes_nothing() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let refused = new("Mqtt", parent.path().join("x")).expect_err("not a name");
        assert!(matches!(refused, Failure::Usage(_)));
        assert!(!parent.path().join("x").exists());
    }
}
