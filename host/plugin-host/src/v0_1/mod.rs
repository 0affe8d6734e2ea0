//! Version 0.1 of the contract: what a component exports. Submodules hold the
//! generated bindings, the imports offered, and the mapping to
//! version-independent types.
//!
//! A component exports `form` and any of the other interfaces; each is looked up
//! and bound separately.

mod bindings;
mod imports;
mod mapping;

use bursar_kernel::plugin::{Context, NetworkOperation};
use wasmtime::Store;
use wasmtime::component::InstancePre;

use crate::answer::{RawArtifact, RawInspection, RawNetworkAnswer, RawRewrite, Refusal};
use crate::imports::SandboxState;
use bindings::exports::bursar::plugin::{dns01, form, generator, materializer, minter, prober};

pub(crate) use imports::add_to_linker;

/// A component of this version, ready to be instantiated.
pub(crate) struct Component {
    pre: InstancePre<SandboxState>,
    form: form::GuestIndices,
    materializer: Option<materializer::GuestIndices>,
    generator: Option<generator::GuestIndices>,
    prober: Option<prober::GuestIndices>,
    minter: Option<minter::GuestIndices>,
    dns01: Option<dns01::GuestIndices>,
}

/// A call's answer: the outer result is the sandbox's, the inner the plugin's.
pub(crate) type Answer<T> = wasmtime::Result<Result<T, Refusal>>;

impl Component {
    /// Looks up what the component exports.
    ///
    /// # Errors
    ///
    /// When `form` is missing or incomplete.
    pub(crate) fn new(pre: InstancePre<SandboxState>) -> wasmtime::Result<Self> {
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

    /// Binds every interface once: a function of the wrong type is then found at
    /// load and not during a request.
    pub(crate) async fn check_types(&self, store: &mut Store<SandboxState>) -> wasmtime::Result<()> {
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

    pub(crate) async fn describe(&self, store: &mut Store<SandboxState>) -> wasmtime::Result<String> {
        self.form(store).await?.call_describe(store).await
    }

    pub(crate) async fn schema(&self, store: &mut Store<SandboxState>) -> wasmtime::Result<String> {
        self.form(store).await?.call_schema(store).await
    }

    pub(crate) async fn template(&self, store: &mut Store<SandboxState>, variant: Option<&str>) -> Answer<String> {
        let answer = self.form(store).await?.call_template(store, variant).await?;
        Ok(answer.map_err(Refusal::from))
    }

    pub(crate) async fn inspect(
        &self,
        store: &mut Store<SandboxState>,
        data: &String,
        context: &Context,
    ) -> Answer<RawInspection> {
        let answer = self.form(store).await?.call_inspect(store, data, &context.into()).await?;
        Ok(answer.map(RawInspection::from).map_err(Refusal::from))
    }

    pub(crate) async fn check(
        &self,
        store: &mut Store<SandboxState>,
        data: &String,
        context: &Context,
    ) -> Answer<Vec<RawRewrite>> {
        let answer = self.form(store).await?.call_check(store, data, &context.into()).await?;
        Ok(answer.map(|rewrites| rewrites.into_iter().map(RawRewrite::from).collect()).map_err(Refusal::from))
    }

    /// Whether [`Component::materialize`] has anything to call.
    pub(crate) fn materializes(&self) -> bool {
        self.materializer.is_some()
    }

    pub(crate) async fn materialize(
        &self,
        store: &mut Store<SandboxState>,
        data: &String,
        format: &str,
        context: &Context,
    ) -> Answer<Vec<RawArtifact>> {
        let Some(indices) = &self.materializer else {
            return Ok(Err(Refusal::Unsupported(String::new())));
        };
        let instance = self.pre.instantiate_async(&mut *store).await?;
        let guest = indices.load(&mut *store, &instance)?;
        let answer = guest.call_materialize(store, data, None, format, &context.into()).await?;
        Ok(answer.map(|artifacts| artifacts.into_iter().map(RawArtifact::from).collect()).map_err(Refusal::from))
    }

    /// Makes a call of the network plane.
    pub(crate) async fn speak(
        &self,
        store: &mut Store<SandboxState>,
        config: &String,
        operation: NetworkOperation<'_>,
        context: &Context,
    ) -> Answer<RawNetworkAnswer> {
        let unsupported = || Ok(Err(Refusal::Unsupported(String::new())));
        let context = &context.into();
        if let NetworkOperation::Probe = operation {
            let Some(indices) = &self.prober else { return unsupported() };
            let instance = self.pre.instantiate_async(&mut *store).await?;
            let answer = indices.load(&mut *store, &instance)?.call_probe(store, config, context).await?;
            return Ok(answer.map(RawNetworkAnswer::from).map_err(Refusal::from));
        }
        let Some(guest) = self.dns01(store).await? else { return unsupported() };
        let answer = match operation {
            NetworkOperation::Probe => return unsupported(),
            NetworkOperation::DnsCheck { fqdn } => {
                guest.call_check(store, config, fqdn, context).await?.map(RawNetworkAnswer::from)
            }
            NetworkOperation::DnsPresent { txt } => {
                guest.call_present(store, config, &txt.into(), context).await?.map(RawNetworkAnswer::Handle)
            }
            NetworkOperation::DnsPoll { handle } => {
                let answer = guest.call_poll(store, config, handle, context).await?;
                answer.map(|progress| RawNetworkAnswer::Progress(progress.into()))
            }
            NetworkOperation::DnsCleanup { txt, handle } => {
                let answer = guest.call_cleanup(store, config, &txt.into(), handle, context).await?;
                answer.map(|()| RawNetworkAnswer::Done)
            }
        };
        Ok(answer.map_err(Refusal::from))
    }

    async fn dns01(&self, store: &mut Store<SandboxState>) -> wasmtime::Result<Option<dns01::Guest>> {
        let Some(indices) = &self.dns01 else {
            return Ok(None);
        };
        let instance = self.pre.instantiate_async(&mut *store).await?;
        indices.load(&mut *store, &instance).map(Some)
    }

    async fn form(&self, store: &mut Store<SandboxState>) -> wasmtime::Result<form::Guest> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        self.form.load(&mut *store, &instance)
    }
}

/// Every component of this contract exports it.
pub(crate) const FORM: &str = "bursar:plugin/form@";
/// Versions of the contract that this module implements.
pub(crate) const SERIES: &str = "0.1.";
