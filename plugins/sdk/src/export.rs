//! From the traits to a component's exports.

use crate::bindings::exports::bursar::plugin::{form, materializer};
use crate::bindings::generator::exports::bursar::plugin::generator;
use crate::{Artifact, Context, CredentialType, Error, Files, Generator, Rewrite, native, panic};

/// Makes the crate a component: exports `form` and `materializer` for a type
/// that implements [`CredentialType`], with `manifest.json`, `schema.json` and
/// `template.json` from beside the crate's `Cargo.toml`.
#[macro_export]
macro_rules! export_type {
    ($type:ident) => {
        impl $crate::Files for $type {
            const MANIFEST: &'static str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.json"));
            const SCHEMA: &'static str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schema.json"));
            const TEMPLATE: &'static str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/template.json"));
        }
        // Elsewhere the crate is a plain library, for tests and benchmarks.
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::export_credential_type!($type with_types_in $crate::bindings);
    };
}

/// Also exports `generator`, for a type that implements [`Generator`].
#[macro_export]
macro_rules! export_generator {
    ($type:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::generator::export_generator!($type with_types_in $crate::bindings::generator);
    };
}

impl<T: CredentialType + Files> form::Guest for T {
    fn describe() -> String {
        T::MANIFEST.to_owned()
    }

    fn schema() -> String {
        T::SCHEMA.to_owned()
    }

    fn template(variant: Option<String>) -> Result<String, Error> {
        panic::log_panics();
        native::template::<T>(variant.as_deref())
    }

    fn inspect(data: String, context: Context) -> Result<form::Inspection, Error> {
        panic::log_panics();
        native::inspect::<T>(&data, &context)
    }

    fn check(data: String, context: Context) -> Result<Vec<Rewrite>, Error> {
        panic::log_panics();
        native::check::<T>(&data, &context)
    }
}

impl<T: CredentialType + Files> materializer::Guest for T {
    fn materialize(
        data: String,
        minted: Option<String>,
        format: String,
        context: Context,
    ) -> Result<Vec<Artifact>, Error> {
        panic::log_panics();
        native::materialize::<T>(&data, minted.as_deref(), &format, &context)
    }
}

impl<T: Generator> generator::Guest for T {
    fn generate(data: String, entropy: Vec<u8>, context: Context) -> Result<String, Error> {
        panic::log_panics();
        native::generate::<T>(&data, &entropy, &context)
    }
}
