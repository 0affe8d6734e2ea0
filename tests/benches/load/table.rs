//! The table, in Markdown.

use std::fmt;

/// Rows of: what, Bursar's figure, what it is held against, their ratio.
#[derive(Default)]
pub(crate) struct Table(Vec<[String; 4]>);

impl Table {
    /// Adds a row with something to compare to.
    pub(crate) fn compare(&mut self, what: &str, ours: impl Into<String>, against: impl Into<String>, ratio: f64) {
        self.0.push([what.to_owned(), ours.into(), against.into(), format!("{ratio:.2}")]);
    }

    /// Adds a row that stands alone.
    pub(crate) fn report(&mut self, what: &str, ours: impl Into<String>) {
        self.0.push([what.to_owned(), ours.into(), String::new(), String::new()]);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | Bursar | against | ratio |\n|---|---|---|---|")?;
        for [what, ours, against, ratio] in &self.0 {
            writeln!(f, "| {what} | {ours} | {against} | {ratio} |")?;
        }
        Ok(())
    }
}
