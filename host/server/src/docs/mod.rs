//! HTML pages: the API reference and the explanations of problems, without scripts or
//! external assets.

mod reference;

use bursar_kernel::{Error, Kind};
use http::HeaderName;
use http::header::CONTENT_SECURITY_POLICY;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, HtmlEscape, UndefinedBehavior, context};
use serde_json::Value;

use crate::problem::ProblemType;

/// The reference, from the OpenAPI document.
///
/// # Errors
///
/// Where the template fails, which a test rules out.
pub(crate) fn reference(document: &Value) -> Result<String, Error> {
    render("reference.html", include_str!("reference.html"), Serde(reference::Reference::of(document)).into())
}

/// The page that explains these types of problems.
///
/// # Errors
///
/// As for [`reference()`].
pub(crate) fn problems(types: &[ProblemType]) -> Result<String, Error> {
    let rows = types.iter().map(|of| {
        let row = of.row();
        context! { slug => row.slug, status => row.status, title => row.title, explanation => row.explanation }
    });
    let title = match types {
        [one] => one.row().title,
        _ => "Problems",
    };
    let context =
        context! { title, problems => rows.collect::<Vec<_>>(), all => types.len() == ProblemType::ALL.len() };
    render("problems.html", include_str!("problems.html"), context)
}

fn render(name: &str, template: &str, context: minijinja::Value) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_filter("prose", |text: &str| minijinja::Value::from_safe_string(prose(text)));
    environment
        .render_named_str(name, template, context)
        .map_err(|error| Error::new(Kind::Internal, "the page could not be rendered").because(error))
}

/// Text as HTML, with code between backticks.
fn prose(text: &str) -> String {
    let parts = text.split('`').map(|part| HtmlEscape(part).to_string()).enumerate();
    parts.map(|(number, part)| if number % 2 == 1 { format!("<code>{part}</code>") } else { part }).collect()
}

/// Served at `/docs/style.css`.
pub(crate) const STYLE: &str = include_str!("style.css");

/// The pages load their own style sheet and nothing else.
pub(crate) const PAGE_POLICY: [(HeaderName, &str); 1] = [(
    CONTENT_SECURITY_POLICY,
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_shows_every_operation_and_loads_nothing_from_elsewhere() {
        let document = crate::document();
        let page = reference(&document).unwrap();
        let mut operations = 0;
        for (path, methods) in document["paths"].as_object().unwrap() {
            for operation in methods.as_object().unwrap().values() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(page.contains(&format!("id=\"{id}\"")), "{path}: {id}");
                assert!(page.contains(&format!("<li><a href=\"#{id}\">")), "{id} is in the index");
                operations += 1;
            }
        }
        assert_eq!(page.matches("<article").count(), operations);
        assert_eq!(page.matches("<pre><code>curl ").count(), operations, "each has an example");
        assert!(page.contains("<h2>DNS</h2>") && page.contains("<h2>Credential types</h2>"));
        for forbidden in ["<script", "src=", "@import", "style=\"", "<style", "`"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn code_is_marked_and_nothing_else() {
        assert_eq!(
            prose("send `If-Match: \"<rev>\"` & wait"),
            "send <code>If-Match: &quot;&lt;rev&gt;&quot;</code> &amp; wait"
        );
    }

    #[test]
    fn problems_are_explained() {
        let page = problems(&[ProblemType::Stale]).unwrap();
        assert!(page.contains("It has changed since you read it") && page.contains("412"));
        assert_eq!(problems(&ProblemType::ALL).unwrap().matches("<article").count(), ProblemType::ALL.len());
    }
}
