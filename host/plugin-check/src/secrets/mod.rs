//! Checks whether secrets that a plugin is given stay where they belong.
//!
//! Every form of the cases that has secrets is filled in with planted ones, and
//! goes through all calls of the contract, those of the network against a server
//! that echoes what it receives ([`echo`]). Then everything the plugin said is
//! searched ([`needle`]), and every request for secrets outside their declared
//! places ([`placement`]).

mod echo;
mod needle;
mod placement;
mod plant;
mod planted;

use std::collections::BTreeSet;

use bursar_kernel::plugin::{Context, Inspection, PluginError, Rewrite, is_tidied};
use bursar_kernel::secret::{SecretJson, put};
use bursar_plugin_cases::{Call, Case, Exchange, Labelled, Sent};
use serde_json::Value;

use crate::bench::{Bench, CallResult, context};
use crate::outcome;
use crate::report::{Area, Level, Report, counted};
use crate::wire::Play;
pub(crate) use echo::Echo;
use echo::Token;
use placement::Places;
use planted::{Canary, Planted};

/// Plants secrets and searches for them.
pub(crate) async fn check(bench: &Bench, cases: &[Labelled], report: &mut Report) {
    let mut search = Search { bench, report, answers: 0, requests: 0, found: BTreeSet::new() };
    let mut forms: Vec<Value> = Vec::new();
    let mut impossible = BTreeSet::new();
    let mut secrets = BTreeSet::new();
    for Labelled { label, case } in cases.iter().filter(|it| is_whole(it.case.call)) {
        let is_new = !forms.contains(&case.data);
        if !is_new && !case.call.is_network() {
            continue;
        }
        let Some(planted) = planted::plant(bench, case).await else { continue };
        let found = planted.canaries.iter().filter(|canary| !canary.needles.is_empty());
        secrets.extend(found.map(|canary| canary.pointer.clone()));
        impossible.extend(planted.canaries.iter().filter_map(Canary::unplanted));
        if is_new {
            search.pure(label, &planted, &context(case)).await;
            forms.push(case.data.clone());
        }
        if case.call.is_network() {
            search.network(label, case, &planted).await;
        }
    }
    let Search { answers, requests, found, .. } = search;
    for reason in impossible {
        report.add(Level::Info, Area::Secrets, reason);
    }
    if secrets.is_empty() {
        let why = "no case has a form that the schema takes with a secret in it: there was nothing to look for";
        report.add(Level::Warn, Area::Secrets, why);
    } else if found.is_empty() {
        let (forms, secrets) = (counted(forms.len(), "form"), counted(secrets.len(), "secret"));
        let (answers, requests) = (counted(answers, "answer"), counted(requests, "request"));
        let what = format!("{secrets} in {forms}: nothing of them came out in {answers} and {requests}");
        report.add(Level::Ok, Area::Secrets, what);
    }
}

/// Calls whose cases hold whole data.
fn is_whole(call: Call) -> bool {
    !matches!(call, Call::Template | Call::Inspect | Call::Generate)
}

struct Search<'a> {
    bench: &'a Bench,
    report: &'a mut Report,
    answers: usize,
    requests: usize,
    found: BTreeSet<String>,
}

impl Search<'_> {
    /// The calls that see secrets, and the one that must not.
    async fn pure(&mut self, label: &str, planted: &Planted, context: &Context) {
        let (bench, canaries) = (self.bench, &planted.canaries);
        let public = planted.data.without(&planted.secret_pointers);
        bench.recording.take_texts();
        let inspection = bench.inspect(&public, context).await;
        self.inspection(label, canaries, inspection);

        for attempt in &planted.attempts {
            self.checked(label, &attempt.data, std::slice::from_ref(&attempt.canary), context).await;
        }
        self.checked(label, &planted.data, &planted.canaries, context).await;
        for format in &bench.kind.manifest.formats {
            self.answers += 1;
            match bench.materialize(&planted.data, &format.id, context).await {
                // The content of an artifact is secret anyway.
                Ok(artifacts) => {
                    for artifact in artifacts {
                        self.words(label, canaries, "the name of an artifact", &Value::String(artifact.name));
                        self.words(
                            label,
                            canaries,
                            "the media type of an artifact",
                            &Value::String(artifact.media_type),
                        );
                    }
                }
                Err(error) => self.words(label, canaries, "an error of materialize", &failure(error)),
            }
        }
        let said = bench.recording.take_texts();
        self.dropped(label, canaries, &said);
    }

    /// `check`, and `inspect` of the data that it rewrote.
    async fn checked(&mut self, label: &str, data: &SecretJson, canaries: &[Canary], context: &Context) {
        let bench = self.bench;
        self.answers += 1;
        let rewrites = match bench.check(data, context).await {
            Ok(rewrites) => rewrites,
            Err(error) => return self.words(label, canaries, "a violation of check", &failure(error)),
        };
        if rewrites.is_empty() {
            return;
        }
        self.crossings(label, data, canaries, &rewrites);
        let mut rewritten = data.clone();
        for rewrite in &rewrites {
            put(rewritten.expose_mut(), &rewrite.pointer, rewrite.value.expose().clone());
        }
        let secret_pointers = bench.secret_pointers(&rewritten).unwrap_or_default();
        let rewritten = rewritten.without(&secret_pointers);
        for rewrite in rewrites.iter().filter(|it| rewritten.pointer(&it.pointer).is_some()) {
            let place = format!("the public field {}, which check fills", rewrite.pointer);
            self.words(label, canaries, &place, rewrite.value.expose());
        }
        let inspection = bench.inspect(&rewritten, context).await;
        self.inspection(label, canaries, inspection);
    }

    /// What `check` writes into a secret: a broker then sends it only where all
    /// secrets may go that `check` saw.
    fn crossings(&mut self, label: &str, data: &SecretJson, canaries: &[Canary], rewrites: &[Rewrite]) {
        let secrets = self.bench.secret_pointers(data).unwrap_or_default();
        for Rewrite { pointer, value } in rewrites.iter().filter(|it| secrets.contains(&it.pointer)) {
            let Some(old) = data.expose().pointer(pointer) else { continue };
            if old == value.expose() || is_tidied(old, value.expose()) {
                continue;
            }
            let (before, after) = (old.to_string(), value.expose().to_string());
            let mut crossed = false;
            for canary in canaries.iter().filter(|canary| canary.pointer != *pointer) {
                let spelling = canary.spelled_in(after.as_bytes());
                if let (Some(spelling), None) = (spelling, canary.spelled_in(before.as_bytes())) {
                    crossed = true;
                    let summary =
                        format!("check writes the secret {} into the secret {pointer}, {spelling}", canary.pointer);
                    self.add_finding(Level::Fail, summary, vec![label.to_owned(), after.clone()]);
                }
            }
            if !crossed && secrets.len() > 1 {
                let summary = format!(
                    "check rewrites the secret {pointer} by more than blanks and line ends: a broker sends it only where \
                     every secret of the form may go"
                );
                self.add_finding(Level::Warn, summary, vec![label.to_owned()]);
            }
        }
    }

    /// The calls that hold secrets by name, against the case's answers with an
    /// echo beside and against the echo alone.
    async fn network(&mut self, label: &str, case: &Case, planted: &Planted) {
        let manifest = &self.bench.kind.manifest;
        let none: &[Exchange] = &[];
        for exchanges in [case.exchanges(), none] {
            let echo = Play::Echo(Echo::new(manifest, exchanges));
            let CallResult { outcome, traffic, said } = self.bench.run(case, planted.data.expose(), echo).await;
            self.answers += 1;
            let place = format!("the answer to `{}`", case.call.as_str());
            let told = outcome::to_json(outcome);
            self.words(label, &planted.canaries, &place, &told);
            self.tokens(label, &place, told.to_string().as_bytes());
            for line in &said {
                self.words(label, &planted.canaries, "a line of the log", &Value::String(line.clone()));
                self.tokens(label, "a line of the log", line.as_bytes());
            }
            for sent in &traffic.sent {
                self.request(label, planted, sent);
            }
            // Against the echo alone a plugin reads nonsense and may make such
            // requests.
            if !exchanges.is_empty() {
                for refused in traffic.refused {
                    self.add_finding(
                        Level::Fail,
                        "asks for what the host refuses".to_owned(),
                        vec![label.to_owned(), refused],
                    );
                }
            }
        }
    }

    fn inspection(&mut self, label: &str, canaries: &[Canary], inspection: Result<Inspection, PluginError>) {
        self.answers += 1;
        match inspection {
            Ok(found) => {
                for (part, value) in outcome::inspection(&found).as_object().into_iter().flatten() {
                    self.words(label, canaries, &format!("the {part} of inspect"), value);
                }
            }
            Err(error) => self.words(label, canaries, "a violation of inspect", &failure(error)),
        }
    }

    /// Searches what reaches people, logs or the store unsealed.
    fn words(&mut self, label: &str, canaries: &[Canary], place: &str, said: &Value) {
        for canary in canaries {
            if let Some(spelling) = canary.spelled_in(said.to_string().as_bytes()) {
                let summary = format!("the secret {} is in {place}, {spelling}", canary.pointer);
                self.add_finding(Level::Fail, summary, vec![label.to_owned(), said.to_string()]);
            }
        }
    }

    fn tokens(&mut self, label: &str, place: &str, said: &[u8]) {
        for token in Token::all(&self.bench.kind.manifest) {
            if let Some(spelling) = token.needle.spelled_in(said) {
                let summary = format!("what {} gave out as {} is in {place}, {spelling}", token.endpoint, token.name);
                let said = String::from_utf8_lossy(said).into_owned();
                self.add_finding(Level::Fail, summary, vec![label.to_owned(), said]);
            }
        }
    }

    fn request(&mut self, label: &str, planted: &Planted, sent: &Sent) {
        self.requests += 1;
        let manifest = &self.bench.kind.manifest;
        let public = planted.data.without(&planted.secret_pointers);
        for canary in &planted.canaries {
            let places = Places::of_secret(manifest, &canary.pointer, &public);
            for needle in &canary.needles {
                for stray in places.strays(needle, sent) {
                    let summary = format!("the secret {} is sent where the manifest does not place it", canary.pointer);
                    self.add_finding(Level::Fail, summary, vec![label.to_owned(), stray]);
                }
            }
        }
        for token in Token::all(manifest) {
            for stray in Places::of_token(manifest, &token.endpoint, &token.name, &public).strays(&token.needle, sent) {
                let summary =
                    format!("{} of {} is sent where the manifest does not place it", token.name, token.endpoint);
                self.add_finding(Level::Fail, summary, vec![label.to_owned(), stray]);
            }
        }
    }

    /// Searches what a broker drops before anybody sees it.
    fn dropped(&mut self, label: &str, canaries: &[Canary], said: &[String]) {
        for line in said {
            for canary in canaries {
                if let Some(spelling) = canary.spelled_in(line.as_bytes()) {
                    let summary = format!(
                        "the secret {} is in the plugin's log or error text, {spelling}; a broker drops those here",
                        canary.pointer
                    );
                    self.add_finding(Level::Warn, summary, vec![label.to_owned(), line.clone()]);
                }
            }
        }
    }

    /// Adds each finding once, with the first place where it was found.
    fn add_finding(&mut self, level: Level, summary: String, details: Vec<String>) {
        if self.found.insert(summary.clone()) {
            self.report.explain(level, Area::Secrets, summary, details);
        }
    }
}

fn failure(error: PluginError) -> Value {
    outcome::to_json(Err(error))
}
