//! Where a credential goes: templates, and valid Kubernetes names from them.

use aws_lc_rs::digest::{SHA256, digest};
use bursar_kernel::id::{AccountId, CredentialId};
use bursar_regions::{Owner, TargetError};
use minijinja::{Environment, UndefinedBehavior, context};
use uuid::Uuid;

use super::secret::is_reserved;

/// Names namespaces and Secrets.
pub(super) struct Naming {
    namespace: String,
    name: String,
}

/// A Secret's namespace and name.
#[derive(Clone, Copy)]
pub(super) struct SecretPath<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
}

/// The syntax of a name.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum NameForm {
    /// An RFC 1123 label: a namespace.
    Label,
    /// An RFC 1123 subdomain: a Secret.
    Subdomain,
}

impl Naming {
    /// Takes templates that [`check_template`] accepts.
    pub(super) fn new(namespace: Option<String>, name: Option<String>) -> Self {
        Self {
            namespace: namespace.unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()),
            name: name.unwrap_or_else(|| DEFAULT_NAME.to_owned()),
        }
    }

    /// `<namespace>/<name>`.
    pub(super) fn place(&self, owner: &Owner) -> Result<String, TargetError> {
        let namespace = self.part("namespace", NameForm::Label, owner, &owner.account.to_string())?;
        let name = self.part("name", NameForm::Subdomain, owner, &owner.credential.to_string())?;
        Ok(format!("{namespace}/{name}"))
    }

    /// The namespace, where every credential has the same.
    pub(super) fn one_namespace(&self) -> Option<&str> {
        (!self.namespace.contains("{{")).then_some(&self.namespace)
    }

    fn part(&self, setting: &str, form: NameForm, owner: &Owner, id: &str) -> Result<String, TargetError> {
        let template = if form == NameForm::Label { &self.namespace } else { &self.name };
        let text = render(template, owner)
            .map_err(|error| TargetError::Invalid(format!("the template `{setting}` cannot be rendered: {error}")))?;
        Ok(fold(&text, form, id))
    }
}

impl<'a> SecretPath<'a> {
    /// Parses `<namespace>/<name>`.
    pub(super) fn parse(place: &'a str) -> Result<Self, TargetError> {
        let (namespace, name) = place
            .split_once('/')
            .filter(|(namespace, name)| is_valid(namespace, NameForm::Label) && is_valid(name, NameForm::Subdomain))
            .ok_or_else(|| TargetError::Failed(format!("`{place}` is not a namespace and a name")))?;
        Ok(Self { namespace, name })
    }
}

impl std::fmt::Display for SecretPath<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Checks a template.
///
/// # Errors
///
/// The code and the message of a violation.
pub(super) fn check_template(template: &str, form: NameForm) -> Result<(), (&'static str, String)> {
    // Expressions suffice for a name, and statements may run forever.
    if template.contains("{%") {
        return Err(("template", "Only {{ ... }} can be used here, not {% ... %}.".to_owned()));
    }
    if template.len() > MAX_TEMPLATE_BYTES {
        return Err(("too-long", format!("At most {MAX_TEMPLATE_BYTES} bytes.")));
    }
    let environment = environment();
    let Ok(parsed) = environment.template_from_str(template) else {
        return Err(("template", format!("This is not a template. An example is `{DEFAULT_NAMESPACE}`.")));
    };
    let mut unknown: Vec<_> =
        parsed.undeclared_variables(true).into_iter().filter(|name| !VARIABLES.contains(&name.as_str())).collect();
    unknown.sort();
    if let Some(name) = unknown.first() {
        let known = VARIABLES.join(", ");
        return Err(("unknown", format!("There is no `{name}`: known are {known}.")));
    }
    // With valid names, only the text around the variables can be wrong.
    let sample = Owner {
        installation: Uuid::nil(),
        account: AccountId(Uuid::nil()),
        account_name: "a".to_owned(),
        credential: CredentialId(Uuid::nil()),
        credential_name: "c".to_owned(),
    };
    match render(template, &sample) {
        Ok(text) if is_valid(&text, form) => Ok(()),
        Ok(_) => {
            let dots = if form == NameForm::Subdomain { ", and dots" } else { "" };
            let max = form.max();
            let message = format!(
                "The text around variables may hold lowercase letters, digits and hyphens{dots}; the result must begin \
                 and end with a letter or digit and have at most {max} characters."
            );
            Err(("format", message))
        }
        Err(_) => Err(("template", "This template cannot be rendered: it may only use variables.".to_owned())),
    }
}

/// Checks an operator's label.
///
/// # Errors
///
/// The code and the message of a violation.
pub(super) fn check_label(key: &str, value: &str) -> Result<(), (&'static str, String)> {
    check_key(key)?;
    if is_word(value) {
        return Ok(());
    }
    Err(("format", format!("The value of `{key}` must be at most 63 letters, digits, `-`, `_` and `.`.")))
}

/// Checks the key of an operator's label or annotation.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set>
///
/// # Errors
///
/// The code and the message of a violation.
pub(super) fn check_key(key: &str) -> Result<(), (&'static str, String)> {
    let (prefix, last) = key.rsplit_once('/').map_or((None, key), |(prefix, last)| (Some(prefix), last));
    if is_reserved(key) {
        return Err(("reserved", format!("`{key}` is set by Bursar: choose another name.")));
    }
    if last.is_empty() || !is_word(last) || prefix.is_some_and(|prefix| !is_valid(prefix, NameForm::Subdomain)) {
        let message = "Names are like `team` or `example.com/team`: at most 63 letters, digits, `-`, `_` and `.`.";
        return Err(("format", message.to_owned()));
    }
    Ok(())
}

fn is_word(text: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        && edge(bytes.first())
        && edge(bytes.last())
}

impl NameForm {
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

/// The text where it is a valid name; else the nearest valid name with a digest of `id`, so that two texts never
/// share a name.
fn fold(text: &str, form: NameForm, id: &str) -> String {
    if is_valid(text, form) {
        return text.to_owned();
    }
    let lower = text.to_ascii_lowercase();
    let clean: String = lower
        .chars()
        .map(|letter| match letter {
            'a'..='z' | '0'..='9' => letter,
            '.' if form == NameForm::Subdomain => letter,
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

fn is_valid(text: &str, form: NameForm) -> bool {
    let label = |label: &str| {
        let bytes = label.as_bytes();
        bytes.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && bytes.first().is_some_and(|byte| *byte != b'-')
            && bytes.last().is_some_and(|byte| *byte != b'-')
    };
    text.len() <= form.max() && if form == NameForm::Label { label(text) } else { text.split('.').all(label) }
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
    fn valid_names_stay_as_they_are() {
        let naming = Naming::new(None, None);
        assert_eq!(naming.place(&owner("team", "ghcr-1")).unwrap(), "bursar-team/ghcr-1");
    }

    #[test]
    fn others_are_folded_and_kept_apart() {
        let fold = |text: &str, id: &str| fold(text, NameForm::Subdomain, id);
        assert_eq!(fold("My_Cred", "1"), fold("My_Cred", "1"));
        assert_ne!(fold("My_Cred", "1"), fold("my-cred", "2"));
        assert_ne!(fold("My_Cred", "1"), fold("MY_CRED", "2"));
        assert!(fold("My_Cred", "1").starts_with("my-cred-"));
        for odd in ["-", "_x_", "a..b", "a.-b", ".", "", "ä", &"x".repeat(254), &"a.".repeat(200)] {
            let made = fold(odd, "1");
            assert!(is_valid(&made, NameForm::Subdomain), "{odd:?} became {made:?}");
        }
        let long = super::fold(&"Y".repeat(107), NameForm::Label, "1");
        assert!(is_valid(&long, NameForm::Label) && long.len() == 63, "{long}");
    }

    #[test]
    fn templates_know_four_variables() {
        let codes = |template: &str, form| check_template(template, form).err().map(|(code, _)| code);
        for good in ["web", "{{ account.name }}-{{ credential.id }}", "x{{account.id}}"] {
            assert_eq!(codes(good, NameForm::Label), None, "{good}");
        }
        assert_eq!(codes("{{ account.name }}.{{ credential.name }}", NameForm::Subdomain), None);
        assert_eq!(codes("{{ account.name }}.x", NameForm::Label), Some("format"));
        assert_eq!(codes("{{ account.title }}", NameForm::Label), Some("unknown"));
        assert_eq!(codes("{{ region }}", NameForm::Label), Some("unknown"));
        assert_eq!(codes("{{ account.name", NameForm::Label), Some("template"));
        assert_eq!(codes("{{ account.name | upper }}", NameForm::Label), Some("template"));
        assert_eq!(codes("{% for x in [1] %}x{% endfor %}", NameForm::Label), Some("template"));
        assert_eq!(codes("Web", NameForm::Label), Some("format"));
        assert_eq!(codes("-{{ account.name }}", NameForm::Label), Some("format"));
    }

    #[test]
    fn a_path_is_parsed() {
        let path = SecretPath::parse("web/a.b").unwrap();
        assert_eq!((path.namespace, path.name), ("web", "a.b"));
        for bad in ["web", "web/", "/a", "web/../x", "a.b/c", "web/a/b"] {
            assert!(SecretPath::parse(bad).is_err(), "{bad}");
        }
    }
}
