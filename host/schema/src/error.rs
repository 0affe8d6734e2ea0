//! Why a schema is not accepted, and why a document could not be checked.

/// Why a schema is not accepted. Displays as a predicate: "refers to itself".
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SchemaError {
    /// It is nested deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    #[error("is nested too deep")]
    TooDeep,
    /// It names another dialect.
    #[error("is not JSON Schema 2020-12 ({})", crate::bounds::DIALECT)]
    Dialect,
    /// It has too many parts with its references expanded.
    #[error("is too large with its references expanded")]
    TooLarge,
    /// It has a `$dynamicRef`.
    #[error("has a dynamic reference")]
    DynamicReference,
    /// It has an `$id` below its root.
    #[error("has an $id below its root")]
    InnerId,
    /// A reference leads back to itself.
    #[error("refers to itself")]
    Recursive,
    /// A reference leads out of the document, or nowhere.
    #[error("refers to something that is not in it")]
    DanglingReference,
    /// It is not a valid schema, or a pattern does not compile within its bounds.
    #[error("is not valid at {at}: {reason}")]
    Invalid {
        /// A JSON Pointer; `/` for the whole schema.
        at: String,
        /// The compiler's reason, without values.
        reason: String,
    },
}

/// Why a document could not be checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CheckError {
    /// A pattern took more steps than allowed.
    #[error("a pattern exceeded its limits")]
    PatternLimit,
    /// A reference does not resolve.
    #[error("a reference does not resolve")]
    UnresolvedReference,
    /// The annotations that mark secrets could not be read.
    #[error("its annotations cannot be read")]
    Annotations,
    /// The schema marks the whole document as a secret.
    #[error("it marks the whole document as a secret")]
    WholeSecret,
}
