//! What the manifest declares without a case, and what cases show that it does
//! not declare.

use std::collections::BTreeSet;

use bursar_kernel::plugin::{Ability, CredentialType};
use bursar_plugin_cases::{Call, Labelled};

use crate::report::{Area, Level, Report, counted};

/// Compares the manifest with the cases.
pub(crate) fn check(kind: &CredentialType, cases: &[Labelled], report: &mut Report) {
    let manifest = &kind.manifest;
    for Labelled { label, case } in cases.iter().filter(|it| it.case.call != Call::Form) {
        let codes = case.expected_failure().into_iter().flat_map(|failure| &failure.violations).map(|it| &it.code);
        for code in codes.filter(|code| !OURS.contains(&code.as_str()) && !manifest.messages.contains_key(*code)) {
            let what = if case.call.sees_secrets() {
                "people would be shown `invalid` instead"
            } else {
                "the same code from a call on secrets would be shown as `invalid`"
            };
            report.explain(
                Level::Fail,
                Area::Coverage,
                format!("the manifest has no message for the code `{code}`"),
                vec![format!("{label}: {what}")],
            );
        }
    }

    let shown = |call: Call| cases.iter().any(|it| it.case.call == call);
    let made: BTreeSet<&str> = cases
        .iter()
        .filter(|it| it.case.call == Call::Materialize && it.case.expected_failure().is_none())
        .filter_map(|it| it.case.format.as_deref())
        .collect();
    let missing: Vec<_> = manifest.formats.iter().filter(|format| !made.contains(format.id.as_str())).collect();
    for format in &missing {
        report.add(Level::Warn, Area::Coverage, format!("no case materializes the format `{}`", format.id));
    }
    if missing.is_empty() {
        report.add(Level::Ok, Area::Coverage, format!("{}, each in a case", counted(manifest.formats.len(), "format")));
    }
    for ability in &manifest.abilities {
        let calls: &[Call] = match ability {
            Ability::Probe => &[Call::Probe],
            Ability::Generate => &[Call::Generate],
            Ability::Dns01 => &[Call::DnsCheck, Call::Present, Call::Poll, Call::Cleanup],
            Ability::Mint | Ability::Defaultable | Ability::AcmeOrder => &[],
        };
        for call in calls.iter().filter(|call| !shown(**call)) {
            report.add(Level::Warn, Area::Coverage, format!("no case of `{}`", call.as_str()));
        }
    }
    match manifest.variants.len() {
        0 => {}
        variants => report.add(
            Level::Ok,
            Area::Coverage,
            format!("{}, each with a template that fits the form", counted(variants, "variant")),
        ),
    }
}

/// Codes that every host has messages for.
const OURS: [&str; 3] = ["required", "format", "invalid"];
