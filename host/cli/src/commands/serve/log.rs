//! The log, on standard error.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Registry, reload};

use crate::config::{LogFormat, LogLevel, Settings};

/// The level in force.
pub(super) struct Log(reload::Handle<Targets, Registry>);

impl Log {
    /// Starts it.
    pub(super) fn start(settings: &Settings) -> Self {
        let (filter, level) = reload::Layer::new(targets(settings.log_level));
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let started = match settings.log_format {
            LogFormat::Text => {
                let ansi = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
                tracing_subscriber::registry().with(filter).with(lines.with_ansi(ansi)).try_init()
            }
            LogFormat::Json => tracing_subscriber::registry().with(filter).with(lines.json()).try_init(),
        };
        // It fails only where a log was started before, which then goes on.
        drop(started);
        Self(level)
    }

    /// Goes on at this level.
    pub(super) fn set_level(&self, level: LogLevel) {
        if let Err(error) = self.0.reload(targets(level)) {
            tracing::error!(%error, "the log's level could not be changed");
        }
    }
}

/// The level is for Bursar's own lines. Libraries are heard only where something
/// is wrong: at their finer levels some write headers, which hold tokens.
fn targets(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("bursar", level)
}
