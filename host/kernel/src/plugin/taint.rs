//! Which secrets a value may hold because a plugin wrote it.
//!
//! `check` sees every secret of a form at once and may rewrite any of them. What
//! it wrote may therefore hold all that it saw, and goes only where each of those
//! may go. The rule follows the value: it applies to another component with the
//! same manifest, and to a version that is restored.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Derived, Rewrite};

/// The values of one version that a plugin wrote, by their place.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Taints(BTreeMap<String, Taint>);

/// What a value may hold besides its own content.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Taint {
    /// The secrets that the plugin saw when it wrote the value.
    pub sources: BTreeSet<String>,
    /// Whether the value was stored by a build that did not record who wrote it: a
    /// person may have given it.
    #[serde(default)]
    pub unrecorded: bool,
}

/// `check` filled a field with something other than its manifest declares.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("check filled {0} with something else than the copy that its manifest declares")]
pub struct NotCopied(pub String);

impl Taints {
    /// What must be assumed of a version without a record: if there are several
    /// secrets, each may hold every other, and a derived field may hold them all
    /// unless it is a copy of one that holds nothing else.
    #[must_use]
    pub fn unrecorded(secrets: &[String], derives: &[Derived], data: &Value) -> Self {
        let sources: BTreeSet<String> = secrets.iter().cloned().collect();
        let taint = Taint { sources, unrecorded: true };
        let mut taints = Self::default();
        if secrets.len() > 1 {
            taints.0.extend(secrets.iter().map(|secret| (secret.clone(), taint.clone())));
        }
        for derived in derives.iter().filter(|derived| data.pointer(derived.field()).is_some_and(|it| !it.is_null())) {
            let is_clean_copy =
                matches!(derived, Derived::Copied(copied) if copied.is_copied(data)) && secrets.len() <= 1;
            if !is_clean_copy && !secrets.is_empty() {
                taints.0.insert(derived.field().to_owned(), taint.clone());
            }
        }
        taints
    }

    /// The taints that remain when a person changed `before` into `now` with
    /// `given`, a merge patch. An unchanged value keeps its taint, even if it was
    /// sent again: whoever repeats what was stored does not vouch for it. Only a
    /// secret without a record is trusted when it is given again.
    #[must_use]
    pub fn kept(&self, before: &Value, now: &Value, given: &Value) -> Self {
        let stays = |pointer: &str, taint: &Taint| match (before.pointer(pointer), now.pointer(pointer)) {
            (_, None) => false,
            _ if taint.unrecorded && given.pointer(pointer).is_some() => false,
            // A patch may change one of several values in it.
            (Some(Value::Object(_) | Value::Array(_)), Some(Value::Object(_) | Value::Array(_))) => true,
            (before, now) => before == now,
        };
        Self(self.0.iter().filter(|(pointer, taint)| stays(pointer, taint)).map(owned).collect())
    }

    /// What to record after `check` answered `rewrites`: it saw `before` with all
    /// `secrets`, and the outcome is `after`.
    ///
    /// # Errors
    ///
    /// [`NotCopied`].
    pub fn after_check(
        &self,
        rewrites: &[Rewrite],
        secrets: &[String],
        derives: &[Derived],
        before: &Value,
        after: &Value,
    ) -> Result<Self, NotCopied> {
        let inherited = self.0.values().flat_map(|taint| &taint.sources);
        let seen: BTreeSet<String> = secrets.iter().chain(inherited).cloned().collect();
        let mut taints = self.clone();
        let changed = rewrites.iter().map(|rewrite| rewrite.pointer.as_str()).filter(|pointer| {
            match (before.pointer(pointer), after.pointer(pointer)) {
                (Some(old), Some(new)) => old != new && !is_tidied(old, new),
                _ => true,
            }
        });
        let changed: BTreeSet<&str> = changed.collect();
        for pointer in &changed {
            let taint = Taint { sources: seen.clone(), unrecorded: false };
            taints.0.insert((*pointer).to_owned(), taint);
        }
        // A copy holds what its secret holds, which is known by now.
        for derived in derives.iter().filter(|derived| changed.contains(derived.field())) {
            let Derived::Copied(copied) = derived else { continue };
            if !copied.is_copied(after) {
                return Err(NotCopied(copied.field.clone()));
            }
            if taints.about(&copied.secret).next().is_none() {
                taints.0.remove(&copied.field);
            }
        }
        Ok(taints)
    }

    /// The taints that concern the value at `pointer`: its own, and those of its
    /// ancestors and its parts.
    pub fn about<'a>(&'a self, pointer: &'a str) -> impl Iterator<Item = &'a Taint> {
        let concerns = move |place: &str| is_within(pointer, place) || is_within(place, pointer);
        self.0.iter().filter(move |(place, _)| concerns(place)).map(|(_, taint)| taint)
    }

    /// The places of all values that a plugin wrote.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl FromIterator<(String, Taint)> for Taints {
    fn from_iter<I: IntoIterator<Item = (String, Taint)>>(taints: I) -> Self {
        Self(taints.into_iter().collect())
    }
}

/// Whether `new` is what the host itself makes of `old` without looking at
/// anything else, so that it carries nothing else: without a byte order mark,
/// with line feeds for line ends, trimmed, with one line end more. A fixed
/// number of outcomes: what differs by blanks alone could spell a message.
#[must_use]
pub fn is_tidied(old: &Value, new: &Value) -> bool {
    let (Value::String(old), Value::String(new)) = (old, new) else { return false };
    let unmarked = old.strip_prefix('\u{feff}').unwrap_or(old);
    [old.as_str(), unmarked].into_iter().any(|text| {
        let unix = text.replace("\r\n", "\n");
        [text, unix.as_str()].into_iter().any(|text| {
            let breaks = ['\r', '\n'];
            [text, text.trim(), text.trim_end(), text.trim_matches(breaks), text.trim_end_matches(breaks)]
                .into_iter()
                .any(|text| new == text || new.strip_suffix('\n') == Some(text))
        })
    })
}

fn owned((pointer, taint): (&String, &Taint)) -> (String, Taint) {
    (pointer.clone(), taint.clone())
}

/// Whether `pointer` is `ancestor` or below it.
fn is_within(pointer: &str, ancestor: &str) -> bool {
    pointer.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests;
