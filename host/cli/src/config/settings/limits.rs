//! Limits of plugins' components and of compiling them.

use std::time::Duration;

use bursar_plugin_host::{CompilationLimits, ComponentLimits, Limits, Measure};

use super::{number, positive};
use crate::config::Configuration;
use crate::failure::Failure;

pub(super) fn read(from: &Configuration) -> Result<Limits, Failure> {
    let mut component = ComponentLimits::default();
    for measure in Measure::ALL {
        component = component.with(measure, number(from, measure.key(), 1)? as u64);
    }
    let memory_mib: u64 = positive(from, "plugins.limits.compile_memory_mib")?.get().into();
    let seconds = positive(from, "plugins.limits.compile_seconds")?.get();
    let compilation = CompilationLimits {
        memory_bytes: memory_mib << 20,
        cpu: Duration::from_secs(seconds.into()),
        ..CompilationLimits::default()
    };
    Ok(Limits { component, compilation, ..Limits::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(environment: &[(&str, &str)]) -> Result<Limits, String> {
        let environment = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let configuration = Configuration::load(None, environment, Vec::new()).expect("known keys");
        read(&configuration).map_err(|failure| failure.to_string())
    }

    #[test]
    fn the_defaults_are_those_of_the_plugin_host() {
        assert_eq!(limits(&[]), Ok(Limits::default()));
    }

    #[test]
    fn each_limit_has_its_key() {
        for measure in Measure::ALL {
            let variable = format!("BURSAR_{}", measure.key().to_uppercase().replace('.', "__"));
            let set = limits(&[(&variable, "7")]).expect("a limit");
            assert_eq!(set.component, ComponentLimits::default().with(measure, 7), "{variable}");
            let refused = limits(&[(&variable, "0")]).expect_err("a limit that admits nothing");
            assert!(refused.contains("must be 1 or more"), "{refused}");
        }
        let set = limits(&[("BURSAR_PLUGINS__LIMITS__COMPILE_MEMORY_MIB", "512")]).expect("a limit");
        assert_eq!(set.compilation.memory_bytes, 512 << 20);
        let set = limits(&[("BURSAR_PLUGINS__LIMITS__COMPILE_SECONDS", "5")]).expect("a limit");
        assert_eq!(set.compilation.cpu, Duration::from_secs(5));
    }
}
