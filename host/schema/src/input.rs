//! What a schema describes.

/// What a schema describes, which selects codes and nouns of its violations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Input {
    /// A plugin's form. Codes are the JSON Schema keywords that failed.
    Form,
    /// A request body of the API. Codes are those of the API.
    Body,
    /// Settings of a region. Codes are those of the API.
    Settings,
}

impl Input {
    /// The document as a whole.
    pub(crate) fn whole(self) -> &'static str {
        match self {
            Self::Form => "The form",
            Self::Body => "The body",
            Self::Settings => "The settings",
        }
    }

    /// One member of the document.
    pub(crate) fn member(self) -> &'static str {
        match self {
            Self::Form | Self::Body => "field",
            Self::Settings => "setting",
        }
    }

    /// The code of a violation of a JSON Schema keyword.
    pub(crate) fn code(self, keyword: &str) -> &str {
        if self == Self::Form {
            return keyword;
        }
        match keyword {
            "type" | "required" | "unknown" | "too-large" => keyword,
            "enum" | "const" => "unknown",
            "pattern" | "format" | "minLength" | "minItems" | "minProperties" | "contentEncoding"
            | "contentMediaType" => "format",
            "maxLength" | "maxItems" | "maxProperties" => "too-long",
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => "range",
            "uniqueItems" => "duplicate",
            _ => "invalid",
        }
    }
}
