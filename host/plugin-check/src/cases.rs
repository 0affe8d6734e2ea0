//! The author's cases, against the component.

use bursar_plugin_cases::{Call, Labelled};

use crate::bench::{Bench, CallResult};
use crate::outcome;
use crate::report::{Area, Level, Report, counted};

/// Replays every case.
pub(crate) async fn replay(bench: &Bench, cases: &[Labelled], report: &mut Report) {
    let mut held = 0;
    let mut failed = 0;
    for Labelled { label, case } in cases.iter().filter(|it| it.case.call != Call::Generate) {
        let CallResult { outcome, traffic, said } = bench.replay(case).await;
        let outcome = outcome::to_json(outcome);
        let faults: Vec<String> = [traffic.script, case.judge(&outcome)].into_iter().filter_map(Result::err).collect();
        if faults.is_empty() {
            held += 1;
            if !traffic.refused.is_empty() {
                report.explain(Level::Warn, Area::Cases, format!("{label}: holds, but"), traffic.refused);
            }
            continue;
        }
        failed += 1;
        let said = said.into_iter().map(|line| format!("the plugin said: {line}"));
        let details = faults.iter().flat_map(|fault| fault.lines()).map(str::to_owned);
        let details = details.chain(traffic.refused).chain(said).collect();
        report.explain(Level::Fail, Area::Cases, label.clone(), details);
    }
    if held > 0 && failed == 0 {
        report.add(Level::Ok, Area::Cases, format!("{} hold", counted(held, "case")));
    } else if held > 0 {
        report.add(Level::Info, Area::Cases, format!("{} of {} hold", held, counted(held + failed, "case")));
    }
    match cases.iter().filter(|it| it.case.call == Call::Generate).count() {
        0 => {}
        left => report.add(
            Level::Info,
            Area::Cases,
            format!("{} of `generate` left out: no host makes that call yet", counted(left, "case")),
        ),
    }
    if cases.is_empty() {
        report.add(Level::Warn, Area::Cases, "there are no cases: say in tests/*.json what must happen");
    }
}
