//! One call: a fresh store and instance, its limits, and its outcome.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bursar_kernel::Violation;
use bursar_kernel::plugin::{Context, CredentialType, NetworkCall, PluginError};
use tokio::time::Instant;
use wasmtime::{Engine, Store, Trap, UpdateDeadline};

use crate::NetworkConfig;
use crate::fair_queue::{Capacity, FairQueue, Full, Lane, Permit};
use crate::imports::SandboxState;
use crate::limits::{Call, Limits, OutOfMemory};
use crate::network::Network;
use crate::network::call_secrets::Unusable;
use crate::network::plane::{Plane, Unrecorded};
use crate::observe::{Observer, Usage};

/// Creates sandboxes, within the limits of concurrent calls.
pub(crate) struct Sandboxes {
    engine: Engine,
    limits: Limits,
    /// Over all plugins: an exhausted pool would be an error, not a queue.
    slots: Places,
    network: Arc<Network>,
    /// Set only when an author checks a plugin.
    observer: OnceLock<Arc<dyn Observer>>,
}

/// The queue of one plugin: a slow plugin cannot hold every slot.
#[derive(Clone)]
pub(crate) struct Turns(Places);

/// Queues for concurrent calls, in which accounts take turns. Network calls have
/// their own, since they wait for services.
#[derive(Clone)]
struct Places {
    pure: FairQueue,
    network: FairQueue,
}

/// On whose behalf a call is made.
#[derive(Clone, Copy)]
pub(crate) struct Behalf {
    /// Whose turn it takes.
    pub(crate) lane: Lane,
    /// Replaces randomness.
    pub(crate) seed: [u8; 32],
}

impl Behalf {
    /// The broker itself, while it loads a plugin.
    pub(crate) const BROKER: Self = Self { lane: Lane::Broker, seed: [0; 32] };
    /// A call about no credential.
    pub(crate) const PUBLIC: Self = Self { lane: Lane::Public, seed: [0; 32] };
}

impl From<&Context> for Behalf {
    fn from(context: &Context) -> Self {
        Self { lane: context.account.map_or(Lane::Public, Lane::Account), seed: context.seed }
    }
}

/// A sandbox for one call.
pub(crate) struct Session<'a> {
    plugin: &'a str,
    call: Call,
    wall: Duration,
    usage: Arc<Usage>,
    _slot: Permit,
    _turn: Permit,
}

impl Sandboxes {
    pub(crate) fn new(engine: Engine, limits: Limits, network: NetworkConfig) -> Self {
        let slots = Places::new(&limits, limits.concurrent_calls, limits.concurrent_network_calls);
        Self { engine, limits, slots, network: Arc::new(Network::new(network)), observer: OnceLock::new() }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Lets `observer` see every call from now on; only the first observer counts.
    pub(crate) fn observe(&self, observer: Arc<dyn Observer>) {
        self.observer.get_or_init(|| observer);
    }

    /// The observer, if there is one.
    pub(crate) fn observer(&self) -> Option<&Arc<dyn Observer>> {
        self.observer.get()
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The queue of a newly loaded plugin.
    pub(crate) fn turns(&self) -> Turns {
        let limits = &self.limits;
        Turns(Places::new(limits, limits.concurrent_calls_per_plugin, limits.concurrent_network_calls_per_plugin))
    }

    /// Waits for a turn and a slot, then makes a store for one call.
    ///
    /// # Errors
    ///
    /// [`PluginError::Busy`] where too many calls of the same account wait.
    pub(crate) async fn open<'a>(
        &self,
        plugin: &'a str,
        turns: &Turns,
        call: Call,
        behalf: Behalf,
    ) -> Result<(Session<'a>, Store<SandboxState>), PluginError> {
        let Behalf { lane, seed } = behalf;
        let busy = |Full| PluginError::Busy;
        let turn = turns.0.of(call).acquire(lane).await.map_err(busy)?;
        let slot = self.slots.of(call).acquire(lane).await.map_err(busy)?;

        let usage = Arc::new(Usage::new(call, &self.limits, self.observer.get().cloned()));
        let mut store = Store::new(&self.engine, SandboxState::new(&self.limits, seed, Arc::clone(&usage)));
        store.limiter(|state| &mut state.meter);
        store.set_hostcall_fuel(self.limits.copied_bytes);
        store.set_max_component_handles(MAX_HANDLES);
        store.set_epoch_deadline(1);
        let mut ticks = self.limits.ticks(call);
        store.epoch_deadline_callback(move |_| {
            ticks = ticks.saturating_sub(1);
            // Yielding at each tick keeps other requests served.
            if ticks == 0 { Err(Trap::Interrupt.into()) } else { Ok(UpdateDeadline::Yield(1)) }
        });
        let wall = self.limits.wall(call);
        Ok((Session { plugin, call, wall, usage, _slot: slot, _turn: turn }, store))
    }

    /// The same for a call of the network plane.
    ///
    /// # Errors
    ///
    /// As [`Self::open`]; [`PluginError::Invalid`] for data with too many secrets.
    pub(crate) async fn open_network<'a>(
        &self,
        kind: &'a Arc<CredentialType>,
        turns: &Turns,
        call: Call,
        about: &NetworkCall<'_>,
        secret_pointers: Vec<String>,
    ) -> Result<(Session<'a>, Store<SandboxState>), PluginError> {
        let (session, mut store) = self.open(&kind.manifest.id, turns, call, about.context.into()).await?;
        let time = (Instant::now() + session.wall, self.limits.exchange_wall);
        let plane = Plane::new(kind, about, secret_pointers, &self.network, time).map_err(|why| {
            PluginError::Invalid(vec![match why {
                Unusable::TooManyTexts => Violation::new("", "too-large", TOO_MANY_TEXTS),
                Unusable::TooLong(pointer) => Violation::new(pointer, "too-large", TOO_LONG),
            }])
        })?;
        store.data_mut().enter(plane);
        Ok((session, store))
    }
}

impl Places {
    fn new(limits: &Limits, pure: usize, network: usize) -> Self {
        let places = |total: usize, per_lane| {
            FairQueue::new(Capacity { total, per_lane, waiting_per_lane: limits.waiting_calls_per_account })
        };
        Self {
            pure: places(pure, limits.concurrent_calls_per_account),
            network: places(network, limits.concurrent_network_calls_per_account),
        }
    }

    fn of(&self, call: Call) -> &FairQueue {
        if call.may_speak() { &self.network } else { &self.pure }
    }
}

impl Session<'_> {
    /// Runs `work`, which is instantiation and the call itself, with a timeout.
    ///
    /// # Errors
    ///
    /// [`PluginError::Failed`] naming the limit it broke, never guest text.
    pub(crate) async fn run<T>(self, work: impl Future<Output = wasmtime::Result<T>>) -> Result<T, PluginError> {
        let outcome = match tokio::time::timeout(self.wall, self.usage.watch(work)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(CallFailure::of(&error)),
            Err(_elapsed) => Err(CallFailure::Wall),
        };
        let (plugin, call) = (self.plugin, self.call.as_str());
        let log_bytes = self.usage.log_bytes.load(Ordering::Relaxed);
        match outcome {
            Ok(answer) => {
                tracing::trace!(plugin, call, log_bytes, "plugin call");
                Ok(answer)
            }
            Err(stop) => {
                tracing::warn!(plugin, call, log_bytes, stop = stop.as_str(), "plugin call failed");
                Err(PluginError::Failed(stop.as_str().to_owned()))
            }
        }
    }
}

/// Why a call ended early.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum CallFailure {
    Budget,
    Wall,
    Memory,
    Stack,
    Copied,
    Trap,
    Unrecorded,
    Contract,
}

impl CallFailure {
    fn of(error: &wasmtime::Error) -> Self {
        if error.downcast_ref::<OutOfMemory>().is_some() {
            return Self::Memory;
        }
        if error.downcast_ref::<Unrecorded>().is_some() {
            return Self::Unrecorded;
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => Self::Budget,
            Some(Trap::StackOverflow) => Self::Stack,
            Some(_) => Self::Trap,
            // The engine has no type for this one.
            None if format!("{error:#}").contains("fuel allocated for hostcalls") => Self::Copied,
            None if error.downcast_ref::<wasmtime_wasi::I32Exit>().is_some() => Self::Trap,
            None => Self::Contract,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Budget => "ran out of its time budget",
            Self::Wall => "ran out of time",
            Self::Memory => "ran out of memory",
            Self::Stack => "ran out of stack",
            Self::Copied => "answered more than the host takes",
            Self::Trap => "trapped",
            Self::Unrecorded => "could not go on, since its requests could not be recorded",
            Self::Contract => "broke the calling convention",
        }
    }
}

const TOO_MANY_TEXTS: &str = "The secrets of this form hold more than 128 texts, more than can be kept from a plugin.";
/// The message for a placed secret that is too long.
pub(crate) const TOO_LONG: &str = "A secret that is sent to a service has at most 16 KiB.";
/// Resource handles of one sandbox; plugins use very few.
const MAX_HANDLES: usize = 1024;
