//! Makes a component's exports of the traits.

use crate::bindings::dns01::exports::bursar::plugin::dns01;
use crate::bindings::exports::bursar::plugin::{form, materializer};
use crate::bindings::generator::exports::bursar::plugin::generator;
use crate::bindings::prober::exports::bursar::plugin::prober;
use crate::{
    Artifact, Context, CredentialType, Dns01, Error, Files, Generator, Prober, Progress, Report, Rewrite, TxtRecord,
    native, panic,
};

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
        // On other targets the crate is a plain library, for tests and
        // benchmarks.
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

/// Also exports `prober`, for a type that implements [`Prober`].
#[macro_export]
macro_rules! export_prober {
    ($type:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::prober::export_prober!($type with_types_in $crate::bindings::prober);
    };
}

/// Also exports `dns01`, for a type that implements [`Dns01`].
#[macro_export]
macro_rules! export_dns01 {
    ($type:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::dns01::export_dns01!($type with_types_in $crate::bindings::dns01);
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

impl<T: Prober> prober::Guest for T {
    fn probe(config: String, context: Context) -> Result<Report, Error> {
        panic::log_panics();
        native::probe::<T>(&config, &context)
    }
}

impl<T: Dns01> dns01::Guest for T {
    fn check(config: String, fqdn: Option<String>, context: Context) -> Result<Report, Error> {
        panic::log_panics();
        native::dns_check::<T>(&config, fqdn.as_deref(), &context)
    }

    fn present(config: String, txt: TxtRecord, context: Context) -> Result<String, Error> {
        panic::log_panics();
        native::present::<T>(&config, &txt, &context)
    }

    fn poll(config: String, handle: String, context: Context) -> Result<Progress, Error> {
        panic::log_panics();
        native::poll::<T>(&config, &handle, &context)
    }

    fn cleanup(config: String, txt: TxtRecord, handle: String, context: Context) -> Result<(), Error> {
        panic::log_panics();
        native::cleanup::<T>(&config, &txt, &handle, &context)
    }
}
