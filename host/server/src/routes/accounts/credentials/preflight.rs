use utoipa::IntoParams;

use crate::request::{FromParameters, Parameters};

/// How far to go before something is stored.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PreflightQuery {
    /// Ask the live service too, where the type can; what it refuses is not
    /// stored.
    #[param(default = false, value_type = Option<bool>, example = false)]
    pub(crate) probe: bool,
}

impl FromParameters for PreflightQuery {
    fn take(parameters: &mut Parameters) -> Self {
        Self { probe: parameters.flag("probe") }
    }
}
