//! What was found.

use serde::Serialize;

/// Everything that was found of one plugin.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// What it is, where it could be loaded.
    pub plugin: Option<Plugin>,
    /// In the order of the checks.
    pub findings: Vec<Finding>,
}

/// The plugin as a broker would list it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plugin {
    /// Of the manifest.
    pub id: String,
    /// Of the manifest.
    pub version: String,
    /// `credential-type` or `dns-provider`.
    pub kind: &'static str,
    /// `sha256:<hex>` of the component.
    pub digest: String,
    /// The contract it was built for.
    pub contract_version: String,
    /// Of the component.
    pub size_bytes: u64,
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Its result.
    pub level: Level,
    /// What it is about.
    pub area: Area,
    /// One line.
    pub summary: String,
    /// More lines, for whoever fixes it; often none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Info,
    /// Works, but not as it should.
    Warn,
    /// Wrong.
    Fail,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// Whether a broker accepts it.
    Admission,
    /// What the author says it does.
    Cases,
    /// What no case shows.
    Coverage,
    /// Whether the same call has the same answer.
    Stability,
    /// Whether secrets stay where they belong.
    Secrets,
    /// Time and memory.
    Limits,
}

impl Report {
    /// How many findings have this level.
    #[must_use]
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    /// Whether the plugin passed; when `strict`, warnings count as failures.
    #[must_use]
    pub fn passed(&self, strict: bool) -> bool {
        self.count(Level::Fail) == 0 && (!strict || self.count(Level::Warn) == 0)
    }

    pub(crate) fn add(&mut self, level: Level, area: Area, summary: impl Into<String>) {
        self.explain(level, area, summary, Vec::new());
    }

    pub(crate) fn explain(&mut self, level: Level, area: Area, summary: impl Into<String>, details: Vec<String>) {
        let finding = Finding { level, area, summary: summary.into(), details };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

/// `1 case`, `2 cases`.
pub(crate) fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
