//! Checks whether the same call has the same answer: a broker compares what it
//! materialized with what is in place, and reads its own output again.

use bursar_kernel::secret::SecretJson;
use bursar_plugin_cases::{Call, Labelled};

use crate::bench::{Bench, context};
use crate::report::{Area, Level, Report, counted};

/// Makes every call twice.
pub(crate) async fn check(bench: &Bench, cases: &[Labelled], report: &mut Report) {
    let (mut made, mut read) = (0, 0);
    let before = report.count(Level::Fail);
    for Labelled { label, case } in cases {
        let context = context(case);
        match case.call {
            Call::Materialize => {
                let data = SecretJson::new(case.data.clone());
                let format = case.format.as_deref().unwrap_or_default();
                let Ok(first) = bench.materialize(&data, format, &context).await else { continue };
                made += 1;
                match bench.materialize(&data, format, &context).await {
                    Ok(second) if first == second => {}
                    Ok(second) => {
                        let name = first.iter().find(|artifact| !second.contains(artifact)).map(|it| it.name.as_str());
                        report.explain(
                            Level::Fail,
                            Area::Stability,
                            format!("{format}: materializing twice gives different bytes"),
                            vec![
                                format!("{label}: {} differs", name.unwrap_or("the set of artifacts")),
                                SALT.to_owned(),
                            ],
                        );
                    }
                    Err(error) => report.explain(
                        Level::Fail,
                        Area::Stability,
                        format!("{format}: materializing works once and then fails"),
                        vec![format!("{label}: {error}")],
                    ),
                }
            }
            Call::Inspect => {
                let Ok(first) = bench.inspect(&case.data, &context).await else { continue };
                read += 1;
                match bench.inspect(&first.data, &context).await {
                    Ok(second) if first.data == second.data => {}
                    Ok(second) => report.explain(
                        Level::Fail,
                        Area::Stability,
                        "inspect changes what it has normalised itself",
                        vec![format!("{label}: first {}", first.data), format!("then {}", second.data)],
                    ),
                    Err(error) => report.explain(
                        Level::Fail,
                        Area::Stability,
                        "inspect refuses what it has normalised itself",
                        vec![format!("{label}: {} was refused: {error}", first.data)],
                    ),
                }
            }
            _ => {}
        }
    }
    if report.count(Level::Fail) == before && made + read > 0 {
        report.add(
            Level::Ok,
            Area::Stability,
            format!("{} made and {} read twice alike", counted(made, "credential"), counted(read, "form")),
        );
    }
}

const SALT: &str = "salt from `context.seed`, which is the same for one version in one format";
