//! A form of the author with secrets of ours.

use bursar_kernel::secret::{SecretJson, put};
use bursar_plugin_cases::Case;

use super::needle::Needle;
use super::plant::{Planter, needles_of};
use crate::bench::{Bench, context};

/// A form whose secrets can be recognised.
pub(crate) struct Planted {
    pub(crate) data: SecretJson,
    pub(crate) secret_pointers: Vec<String>,
    pub(crate) canaries: Vec<Canary>,
    /// Data that the schema accepts and the plugin refuses: its answer is searched
    /// too.
    pub(crate) attempts: Vec<Attempt>,
}

/// A form that was refused, and our secret in it.
pub(crate) struct Attempt {
    pub(crate) data: SecretJson,
    pub(crate) canary: Canary,
}

/// One secret of the form.
pub(crate) struct Canary {
    pub(crate) pointer: String,
    pub(crate) needles: Vec<Needle>,
    /// Whether it is ours; else the author's own is searched for.
    is_ours: bool,
}

impl Canary {
    pub(crate) fn spelled_in(&self, text: &[u8]) -> Option<&'static str> {
        self.needles.iter().find_map(|needle| needle.spelled_in(text))
    }

    /// Says that nothing of ours could be planted there.
    pub(crate) fn unplanted(&self) -> Option<String> {
        let what = match (self.is_ours, self.needles.is_empty()) {
            (true, _) => return None,
            (false, false) => "the case's own was looked for",
            (false, true) => "what the case has there is too short to be looked for",
        };
        Some(format!("nothing else could be planted in {}: {what}", self.pointer))
    }
}

/// Plants secrets in a case's data. `None` if the form does not accept that data,
/// or has no secret.
pub(crate) async fn plant(bench: &Bench, case: &Case) -> Option<Planted> {
    let original = SecretJson::new(case.data.clone());
    let secret_pointers = bench.fits(&original)?;
    if secret_pointers.is_empty() {
        return None;
    }
    let context = context(case);
    let passes = bench.check(&original, &context).await.is_ok();
    let public = original.without(&secret_pointers).to_string();
    let mut planter = Planter::new(0);
    let mut data = original;
    let (mut canaries, mut attempts) = (Vec::new(), Vec::new());
    for pointer in &secret_pointers {
        let Some(own) = data.expose().pointer(pointer).cloned() else { continue };
        let mut canary = None;
        for candidate in planter.candidates(&own) {
            let mut changed = data.clone();
            put(changed.expose_mut(), pointer, candidate.value);
            // A secret may decide where others are.
            if bench.fits(&changed).as_ref() != Some(&secret_pointers) {
                continue;
            }
            let ours = Canary { pointer: pointer.clone(), needles: candidate.needles, is_ours: true };
            if passes && bench.check(&changed, &context).await.is_err() {
                attempts.push(Attempt { data: changed, canary: ours });
                continue;
            }
            data = changed;
            canary = Some(ours);
            break;
        }
        let own = || Canary { pointer: pointer.clone(), needles: needles_of(&own), is_ours: false };
        let mut canary = canary.unwrap_or_else(own);
        // What is also public reveals nothing.
        canary.needles.retain(|needle| needle.spelled_in(public.as_bytes()).is_none());
        canaries.push(canary);
    }
    Some(Planted { data, secret_pointers, canaries, attempts })
}
