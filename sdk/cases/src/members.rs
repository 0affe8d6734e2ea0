//! Which members a case of each call has. A member without effect is an error,
//! since it is a mistake that nobody would notice.

use serde_json::Value;

use crate::case::{Call, Case, Kind};

impl Case {
    /// What is wrong with the case itself, naming the member and the cure.
    pub(crate) fn check(&self) -> Result<(), String> {
        let call = self.call.as_str();
        for (member, is_there) in self.given() {
            if is_there && !allowed(self.call).contains(&member) {
                return Err(format!("`{member}` has no effect in a case of `{call}`; leave it out"));
            }
            if !is_there && needed(self.call).contains(&member) {
                return Err(format!("a case of `{call}` needs `{member}`"));
            }
        }
        if self.call != Call::Template && !self.data.is_object() {
            return Err("`data` is not an object".into());
        }
        match (&self.ok, &self.error) {
            (Some(ok), None) => self.check_answer(ok)?,
            (None, Some(error)) => {
                if (error.kind == Kind::Invalid) == error.violations.is_empty() {
                    return Err("`error.violations` belongs to the kind `invalid`, which has at least one".into());
                }
                if error.seconds.is_some() && error.kind != Kind::Throttled {
                    return Err("`error.seconds` belongs only to the kind `throttled`".into());
                }
                if (error.seconds.is_some() || error.contains.is_some()) && !self.call.is_network() {
                    return Err("`error.seconds` and `error.contains` belong only to calls of the network plane".into());
                }
            }
            _ => return Err("a case has either `ok` or `error`".into()),
        }
        for (number, exchange) in self.exchanges().iter().enumerate() {
            exchange.check().map_err(|why| format!("`http[{number}]`: {why}"))?;
        }
        Ok(())
    }

    fn given(&self) -> [(&'static str, bool); 10] {
        [
            ("data", !self.data.is_null()),
            ("variant", self.variant.is_some()),
            ("format", self.format.is_some()),
            ("entropy", self.entropy.is_some()),
            ("txt", self.txt.is_some()),
            ("fqdn", self.fqdn.is_some()),
            ("handle", self.handle.is_some()),
            ("now", self.now.is_some()),
            ("http", self.http.is_some()),
            ("context", self.context.is_some()),
        ]
    }

    fn check_answer(&self, ok: &Value) -> Result<(), String> {
        if self.call == Call::Check {
            return if ok.is_array() { Ok(()) } else { Err("`ok` of a `check` is the list of rewrites".into()) };
        }
        let Some(ok) = ok.as_object() else {
            return Err("`ok` is not an object".into());
        };
        let Some(members) = answered(self.call) else { return Ok(()) };
        if let Some(member) = ok.keys().find(|member| !members.contains(&member.as_str())) {
            let known = if members.is_empty() { "it has no members".into() } else { format!("it has {members:?}") };
            return Err(format!("`ok.{member}` is no member of the answer to `{}`; {known}", self.call.as_str()));
        }
        if self.call == Call::Poll && ok.len() != 1 {
            return Err("`ok` of a `poll` is {\"progress\": \"done\"} or {\"pendingSeconds\": 5}".into());
        }
        Ok(())
    }
}

fn allowed(call: Call) -> &'static [&'static str] {
    match call {
        Call::Form => &["data"],
        Call::Template => &["variant"],
        Call::Inspect | Call::Check => &["data", "context"],
        Call::Materialize => &["data", "format", "context"],
        Call::Generate => &["data", "entropy", "context"],
        Call::Probe => &["data", "now", "http", "context"],
        Call::DnsCheck => &["data", "fqdn", "now", "http", "context"],
        Call::Present => &["data", "txt", "now", "http", "context"],
        Call::Poll => &["data", "handle", "now", "http", "context"],
        Call::Cleanup => &["data", "txt", "handle", "now", "http", "context"],
    }
}

fn needed(call: Call) -> &'static [&'static str] {
    match call {
        Call::Template => &[],
        Call::Form | Call::Inspect | Call::Check | Call::Probe | Call::DnsCheck => &["data"],
        Call::Materialize => &["data", "format"],
        Call::Generate => &["data", "entropy"],
        Call::Present | Call::Cleanup => &["data", "txt"],
        Call::Poll => &["data", "handle"],
    }
}

/// Members of an answer; `None` if the data decides.
fn answered(call: Call) -> Option<&'static [&'static str]> {
    Some(match call {
        Call::Template | Call::Generate | Call::Check => return None,
        Call::Form | Call::Cleanup => &[],
        Call::Inspect => &["data", "attributes", "selectors", "order", "notBefore", "notAfter"],
        Call::Materialize => &["artifacts"],
        Call::Probe | Call::DnsCheck => &["summary", "details"],
        Call::Present => &["handle"],
        Call::Poll => &["progress", "pendingSeconds"],
    })
}
