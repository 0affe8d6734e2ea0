//! Where a credential goes: templates, and what they make fit for Kubernetes.

use aws_lc_rs::digest::{SHA256, digest};
use bursar_domain::id::{AccountId, CredentialId};
use bursar_domain::region::{Owner, TargetError};
use minijinja::{Environment, UndefinedBehavior, context};
use uuid::Uuid;

use super::secret::is_reserved;

/// Names namespaces and Secrets.
pub(super) struct Naming {
    namespace: String,
    name: String,
}

/// A namespace and a Secret's name in it.
#[derive(Clone, Copy)]
pub(super) struct Spot<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
}

/// What a name may look like.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Form {
    /// RFC 1123 label, of a namespace.
    Label,
    /// RFC 1123 subdomain, of a Secret.
    Subdomain,
}

impl Naming {
    /// With templates that [`complaint`] has nothing against.
    pub(super) fn new(namespace: Option<&str>, name: Option<&str>) -> Self {
        Self {
            namespace: namespace.unwrap_or(DEFAULT_NAMESPACE).to_owned(),
            name: name.unwrap_or(DEFAULT_NAME).to_owned(),
        }
    }

    /// `<namespace>/<name>`.
    pub(super) fn place(&self, owner: &Owner) -> Result<String, TargetError> {
        let namespace = self.part("namespace", Form::Label, owner, &owner.account.to_string())?;
        let name = self.part("name", Form::Subdomain, owner, &owner.credential.to_string())?;
        Ok(format!("{namespace}/{name}"))
    }

    /// The namespace, where it is the same for every credential.
    pub(super) fn one_namespace(&self) -> Option<&str> {
        (!self.namespace.contains("{{")).then_some(&self.namespace)
    }

    fn part(&self, setting: &str, form: Form, owner: &Owner, id: &str) -> Result<String, TargetError> {
        let template = if form == Form::Label { &self.namespace } else { &self.name };
        let text = render(template, owner)
            .map_err(|error| TargetError::Invalid(format!("the template `{setting}` cannot be filled in: {error}")))?;
        Ok(fold(&text, form, id))
    }
}

impl<'a> Spot<'a> {
    /// Reads a place.
    pub(super) fn read(place: &'a str) -> Result<Self, TargetError> {
        let (namespace, name) = place
            .split_once('/')
            .filter(|(namespace, name)| fits(namespace, Form::Label) && fits(name, Form::Subdomain))
            .ok_or_else(|| TargetError::Failed(format!("`{place}` is not a namespace and a name")))?;
        Ok(Self { namespace, name })
    }
}

impl std::fmt::Display for Spot<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// What is wrong with a template, if anything: a code and a text.
pub(super) fn complaint(template: &str, form: Form) -> Option<(&'static str, String)> {
    // Expressions are enough to make a name, and statements can make one for ever.
    if template.contains("{%") {
        return Some(("template", "Only {{ ... }} can be used here, not {% ... %}.".to_owned()));
    }
    if template.len() > MAX_TEMPLATE_BYTES {
        return Some(("too-long", format!("At most {MAX_TEMPLATE_BYTES} bytes.")));
    }
    let environment = environment();
    let Ok(parsed) = environment.template_from_str(template) else {
        return Some(("template", format!("This is not a template. An example is `{DEFAULT_NAMESPACE}`.")));
    };
    let mut unknown: Vec<_> =
        parsed.undeclared_variables(true).into_iter().filter(|name| !VARIABLES.contains(&name.as_str())).collect();
    unknown.sort();
    if let Some(name) = unknown.first() {
        let known = VARIABLES.join(", ");
        return Some(("unknown", format!("There is no `{name}`: known are {known}.")));
    }
    // Names that need no change themselves show what the text around them does.
    let sample = Owner {
        installation: Uuid::nil(),
        account: AccountId(Uuid::nil()),
        account_name: "a".to_owned(),
        credential: CredentialId(Uuid::nil()),
        credential_name: "c".to_owned(),
    };
    match render(template, &sample) {
        Ok(text) if fits(&text, form) => None,
        Ok(_) => {
            let dots = if form == Form::Subdomain { ", dots" } else { "" };
            let max = form.max();
            let message = format!(
                "Around the variables there may be lowercase letters, digits, hyphens{dots}; the whole begins and ends \
                 with a letter or digit and has at most {max} characters."
            );
            Some(("format", message))
        }
        Err(_) => {
            Some(("template", "This template cannot be filled in: it may use variables and nothing else.".into()))
        }
    }
}

/// What is wrong with a label of an operator's own, if anything; an annotation is one without a value.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set>
pub(super) fn metadata_complaint(key: &str, value: &str) -> Option<(&'static str, String)> {
    let (prefix, last) = key.rsplit_once('/').map_or((None, key), |(prefix, last)| (Some(prefix), last));
    if is_reserved(key) {
        return Some(("reserved", format!("`{key}` is set by Bursar itself: choose another name.")));
    }
    if last.is_empty() || !is_word(last) || prefix.is_some_and(|prefix| !fits(prefix, Form::Subdomain)) {
        let message = "Names are like `team` or `example.com/team`: at most 63 letters, digits, `-`, `_` and `.`.";
        return Some(("format", message.to_owned()));
    }
    (!is_word(value)).then(|| {
        let message = format!("The value of `{key}` must be at most 63 letters, digits, `-`, `_` and `.`.");
        ("format", message)
    })
}

fn is_word(text: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        && edge(bytes.first())
        && edge(bytes.last())
}

impl Form {
    fn max(self) -> usize {
        match self {
            Self::Label => 63,
            Self::Subdomain => 253,
        }
    }
}

fn environment<'source>() -> Environment<'source> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
}

fn render(template: &str, owner: &Owner) -> Result<String, minijinja::Error> {
    let account = context! { name => &owner.account_name, id => owner.account.to_string() };
    let credential = context! { name => &owner.credential_name, id => owner.credential.to_string() };
    environment().render_str(template, context! { account, credential })
}

/// The text where it is a name as it is; else the nearest name, and a digest of `id`, so that two texts that come to
/// one do not meet.
fn fold(text: &str, form: Form, id: &str) -> String {
    if fits(text, form) {
        return text.to_owned();
    }
    let lower = text.to_ascii_lowercase();
    let clean: String = lower
        .chars()
        .map(|letter| match letter {
            'a'..='z' | '0'..='9' => letter,
            '.' if form == Form::Subdomain => letter,
            _ => '-',
        })
        .collect();
    let labels = clean.split('.').map(|label| label.trim_matches('-')).filter(|label| !label.is_empty());
    let mut stem = labels.collect::<Vec<_>>().join(".");
    stem.truncate(form.max() - DIGEST_LETTERS - 1);
    let stem = stem.trim_end_matches(['-', '.']);
    let mut tail = hex::encode(digest(&SHA256, id.as_bytes()));
    tail.truncate(DIGEST_LETTERS);
    if stem.is_empty() { tail } else { format!("{stem}-{tail}") }
}

fn fits(text: &str, form: Form) -> bool {
    let label = |label: &str| {
        let bytes = label.as_bytes();
        bytes.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && bytes.first().is_some_and(|byte| *byte != b'-')
            && bytes.last().is_some_and(|byte| *byte != b'-')
    };
    text.len() <= form.max() && if form == Form::Label { label(text) } else { text.split('.').all(label) }
}

const VARIABLES: [&str; 4] = ["account.id", "account.name", "credential.id", "credential.name"];
const DEFAULT_NAMESPACE: &str = "bursar-{{ account.name }}";
const DEFAULT_NAME: &str = "{{ credential.name }}";
/// Four times the longest name.
const MAX_TEMPLATE_BYTES: usize = 1_024;
const DIGEST_LETTERS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(account: &str, credential: &str) -> Owner {
        Owner {
            installation: Uuid::nil(),
            account: AccountId(Uuid::from_u128(1)),
            account_name: account.to_owned(),
            credential: CredentialId(Uuid::from_u128(u128::from(credential.len() as u64 + 2))),
            credential_name: credential.to_owned(),
        }
    }

    #[test]
    fn names_that_are_fit_stay_as_they_are() {
        let naming = Naming::new(None, None);
        assert_eq!(naming.place(&owner("team", "ghcr-1")).unwrap(), "bursar-team/ghcr-1");
    }

    #[test]
    fn others_are_folded_and_told_apart() {
        let fold = |text: &str, id: &str| fold(text, Form::Subdomain, id);
        assert_eq!(fold("My_Cred", "1"), fold("My_Cred", "1"));
        assert_ne!(fold("My_Cred", "1"), fold("my-cred", "2"));
        assert_ne!(fold("My_Cred", "1"), fold("MY_CRED", "2"));
        assert!(fold("My_Cred", "1").starts_with("my-cred-"));
        for odd in ["-", "_x_", "a..b", "a.-b", ".", "", "ä", &"x".repeat(254), &"a.".repeat(200)] {
            let made = fold(odd, "1");
            assert!(fits(&made, Form::Subdomain), "{odd:?} became {made:?}");
        }
        let long = super::fold(&"Y".repeat(107), Form::Label, "1");
        assert!(fits(&long, Form::Label) && long.len() == 63, "{long}");
    }

    #[test]
    fn templates_know_four_variables() {
        let codes = |template: &str, form| complaint(template, form).map(|(code, _)| code);
        for good in ["web", "{{ account.name }}-{{ credential.id }}", "x{{account.id}}"] {
            assert_eq!(codes(good, Form::Label), None, "{good}");
        }
        assert_eq!(codes("{{ account.name }}.{{ credential.name }}", Form::Subdomain), None);
        assert_eq!(codes("{{ account.name }}.x", Form::Label), Some("format"));
        assert_eq!(codes("{{ account.title }}", Form::Label), Some("unknown"));
        assert_eq!(codes("{{ region }}", Form::Label), Some("unknown"));
        assert_eq!(codes("{{ account.name", Form::Label), Some("template"));
        assert_eq!(codes("{{ account.name | upper }}", Form::Label), Some("template"));
        assert_eq!(codes("{% for x in [1] %}x{% endfor %}", Form::Label), Some("template"));
        assert_eq!(codes("Web", Form::Label), Some("format"));
        assert_eq!(codes("-{{ account.name }}", Form::Label), Some("format"));
    }

    #[test]
    fn a_place_is_read_back() {
        let spot = Spot::read("web/a.b").unwrap();
        assert_eq!((spot.namespace, spot.name), ("web", "a.b"));
        for bad in ["web", "web/", "/a", "web/../x", "a.b/c", "web/a/b"] {
            assert!(Spot::read(bad).is_err(), "{bad}");
        }
    }
}
