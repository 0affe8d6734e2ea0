//! Version 0.1 of the contract: the generated bindings, and how they map to
//! words that follow no version.
//!
//! A component exports `form` and whichever of the other interfaces it has, so
//! each is looked up and bound by itself.

use bursar_domain::plugin::Context;
use wasmtime::Store;
use wasmtime::component::{HasSelf, InstancePre, Linker};

use crate::answer::{Refusal, SaidArtifact, SaidInspection, SaidRewrite, SaidViolation};
use crate::imports::State;
use bindings::bursar::plugin::{clock, http, log, signing, types};
use bindings::exports::bursar::plugin::{dns01, form, generator, materializer, minter, prober};

/// A component of this version, ready to be instantiated.
pub(crate) struct Component {
    pre: InstancePre<State>,
    form: form::GuestIndices,
    materializer: Option<materializer::GuestIndices>,
    generator: Option<generator::GuestIndices>,
    prober: Option<prober::GuestIndices>,
    minter: Option<minter::GuestIndices>,
    dns01: Option<dns01::GuestIndices>,
}

/// What a call answers: outside, how the sandbox fared; inside, what it said.
pub(crate) type Answer<T> = wasmtime::Result<Result<T, Refusal>>;

impl Component {
    /// Looks up what the component exports.
    ///
    /// # Errors
    ///
    /// When `form` is missing or not whole.
    pub(crate) fn new(pre: InstancePre<State>) -> wasmtime::Result<Self> {
        Ok(Self {
            form: form::GuestIndices::new(&pre)?,
            materializer: materializer::GuestIndices::new(&pre).ok(),
            generator: generator::GuestIndices::new(&pre).ok(),
            prober: prober::GuestIndices::new(&pre).ok(),
            minter: minter::GuestIndices::new(&pre).ok(),
            dns01: dns01::GuestIndices::new(&pre).ok(),
            pre,
        })
    }

    /// Names of the interfaces it has, `form` first.
    pub(crate) fn interfaces(&self) -> Vec<&'static str> {
        let optional = [
            ("materializer", self.materializer.is_some()),
            ("generator", self.generator.is_some()),
            ("prober", self.prober.is_some()),
            ("minter", self.minter.is_some()),
            ("dns01", self.dns01.is_some()),
        ];
        std::iter::once("form").chain(optional.into_iter().filter(|(_, has)| *has).map(|(name, _)| name)).collect()
    }

    /// Binds every interface once, so that a function of another type is found
    /// at load and not in the middle of a request.
    pub(crate) async fn check_types(&self, store: &mut Store<State>) -> wasmtime::Result<()> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        self.form.load(&mut *store, &instance)?;
        if let Some(indices) = &self.materializer {
            indices.load(&mut *store, &instance)?;
        }
        if let Some(indices) = &self.generator {
            indices.load(&mut *store, &instance)?;
        }
        if let Some(indices) = &self.prober {
            indices.load(&mut *store, &instance)?;
        }
        if let Some(indices) = &self.minter {
            indices.load(&mut *store, &instance)?;
        }
        if let Some(indices) = &self.dns01 {
            indices.load(&mut *store, &instance)?;
        }
        Ok(())
    }

    pub(crate) async fn describe(&self, store: &mut Store<State>) -> wasmtime::Result<String> {
        self.form(store).await?.call_describe(store).await
    }

    pub(crate) async fn schema(&self, store: &mut Store<State>) -> wasmtime::Result<String> {
        self.form(store).await?.call_schema(store).await
    }

    pub(crate) async fn template(&self, store: &mut Store<State>, variant: Option<&str>) -> Answer<String> {
        let answer = self.form(store).await?.call_template(store, variant).await?;
        Ok(answer.map_err(Refusal::from))
    }

    pub(crate) async fn inspect(
        &self,
        store: &mut Store<State>,
        data: &String,
        context: &Context,
    ) -> Answer<SaidInspection> {
        let answer = self.form(store).await?.call_inspect(store, data, &context.into()).await?;
        Ok(answer.map(SaidInspection::from).map_err(Refusal::from))
    }

    pub(crate) async fn check(
        &self,
        store: &mut Store<State>,
        data: &String,
        context: &Context,
    ) -> Answer<Vec<SaidRewrite>> {
        let answer = self.form(store).await?.call_check(store, data, &context.into()).await?;
        Ok(answer.map(|rewrites| rewrites.into_iter().map(SaidRewrite::from).collect()).map_err(Refusal::from))
    }

    /// Whether [`Component::materialize`] has anything to call.
    pub(crate) fn materializes(&self) -> bool {
        self.materializer.is_some()
    }

    pub(crate) async fn materialize(
        &self,
        store: &mut Store<State>,
        data: &String,
        format: &str,
        context: &Context,
    ) -> Answer<Vec<SaidArtifact>> {
        let Some(indices) = &self.materializer else {
            return Ok(Err(Refusal::Unsupported));
        };
        let instance = self.pre.instantiate_async(&mut *store).await?;
        let guest = indices.load(&mut *store, &instance)?;
        let answer = guest.call_materialize(store, data, None, format, &context.into()).await?;
        Ok(answer.map(|artifacts| artifacts.into_iter().map(SaidArtifact::from).collect()).map_err(Refusal::from))
    }

    async fn form(&self, store: &mut Store<State>) -> wasmtime::Result<form::Guest> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        self.form.load(&mut *store, &instance)
    }
}

/// Offers the contract's imports, as they are in the pure plane.
///
/// # Errors
///
/// When a name is taken, which is a defect of ours.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    types::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    log::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    clock::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    http::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    signing::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

impl types::Host for State {}

impl log::Host for State {
    fn log(&mut self, _level: log::Level, message: String) {
        self.logged(&message);
    }
}

impl clock::Host for State {
    fn now(&mut self) -> Result<i64, types::Error> {
        Err(pure("there is no clock in the pure plane"))
    }
}

impl http::Host for State {
    fn send(&mut self, _request: http::Request) -> Result<http::Response, http::Error> {
        Err(http::Error::Unsupported)
    }
}

impl signing::Host for State {
    fn load(&mut self, _source: signing::Source) -> Result<u32, types::Error> {
        Err(pure(NO_SIGNING))
    }

    fn derive_hmac_sha256(&mut self, _key: u32, _data: Vec<types::Part>) -> Result<u32, types::Error> {
        Err(pure(NO_SIGNING))
    }

    fn hmac_sha256(&mut self, _key: u32, _data: Vec<types::Part>) -> Result<u32, types::Error> {
        Err(pure(NO_SIGNING))
    }

    fn sign(
        &mut self,
        _key: u32,
        _algorithm: signing::SignatureAlgorithm,
        _data: Vec<types::Part>,
    ) -> Result<u32, types::Error> {
        Err(pure(NO_SIGNING))
    }

    fn digest(&mut self, _algorithm: signing::DigestAlgorithm, _data: Vec<types::Part>) -> Result<u32, types::Error> {
        Err(pure(NO_SIGNING))
    }

    fn digest_text(&mut self, _algorithm: signing::DigestAlgorithm, _data: Vec<u8>) -> Result<String, types::Error> {
        Err(pure(NO_SIGNING))
    }
}

fn pure(text: &str) -> types::Error {
    types::Error::Unsupported(text.to_owned())
}

impl From<&Context> for types::Context {
    fn from(context: &Context) -> Self {
        Self {
            name: context.name.clone(),
            version: context.version,
            seed: context.seed.to_vec(),
            options: context.options.to_string(),
        }
    }
}

impl From<types::Error> for Refusal {
    fn from(error: types::Error) -> Self {
        match error {
            types::Error::Invalid(violations) => {
                Self::Invalid(violations.into_iter().map(SaidViolation::from).collect())
            }
            types::Error::Denied(text) => Self::Denied(text),
            types::Error::NotFound(text) => Self::NotFound(text),
            types::Error::Throttled(seconds) => Self::Throttled(seconds),
            types::Error::Unavailable(text) => Self::Unavailable(text),
            types::Error::Unsupported(_) => Self::Unsupported,
            types::Error::Internal(_) => Self::Internal,
        }
    }
}

impl From<types::Violation> for SaidViolation {
    fn from(said: types::Violation) -> Self {
        Self { pointer: said.pointer, code: said.code, message: said.message }
    }
}

impl From<form::Inspection> for SaidInspection {
    fn from(said: form::Inspection) -> Self {
        Self {
            data: said.data,
            attributes: said.attributes,
            selectors: said.selectors.into_iter().map(|selector| (selector.kind, selector.value)).collect(),
            order: said.order,
            not_before: said.not_before,
            not_after: said.not_after,
        }
    }
}

impl From<form::Rewrite> for SaidRewrite {
    fn from(said: form::Rewrite) -> Self {
        Self { pointer: said.pointer, value: said.value.into() }
    }
}

impl From<materializer::Artifact> for SaidArtifact {
    fn from(said: materializer::Artifact) -> Self {
        Self { name: said.name, media_type: said.media_type, content: said.content.into(), sensitive: said.sensitive }
    }
}

/// Every component of this contract exports it.
pub(crate) const FORM: &str = "bursar:plugin/form@";
/// Versions of the contract that this file speaks for.
pub(crate) const SERIES: &str = "0.1.";
const NO_SIGNING: &str = "there are no keys in the pure plane";

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/v0.1",
        world: "bursar:plugin/everything",
        exports: { default: async },
    });
}
