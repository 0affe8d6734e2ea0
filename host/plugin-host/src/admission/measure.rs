//! What is measured in a component, and the limit of each measure.

/// A quantity with a limit.
///
/// The defaults are about a third above the largest component that the project
/// builds, which is `CPython` with a DNS provider in it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Measure {
    /// The file.
    Bytes,
    /// Depth of nested modules and components, including the file itself.
    Nesting,
    /// Core modules.
    Modules,
    /// Components, including the file itself.
    Components,
    /// Sections of all modules and components.
    Sections,
    /// Functions of all modules, without imported ones.
    Functions,
    /// The largest function's code.
    FunctionBytes,
    /// Local variables of one function.
    Locals,
    /// The code of all functions.
    CodeBytes,
    /// What modules declare besides code and data: types, imports, exports,
    /// globals, tables, elements.
    DeclarationBytes,
    /// What components are composed of: types, instances, aliases, imports,
    /// exports.
    DefinitionBytes,
    /// Data segments.
    DataSegments,
    /// Custom sections: names, debug information.
    CustomBytes,
}

/// The limit of each measure; the default is what ships.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ComponentLimits([u64; Measure::ALL.len()]);

impl Measure {
    /// In the order in which they are documented.
    pub const ALL: [Self; 13] = [
        Self::Bytes,
        Self::Nesting,
        Self::Modules,
        Self::Components,
        Self::Sections,
        Self::Functions,
        Self::FunctionBytes,
        Self::Locals,
        Self::CodeBytes,
        Self::DeclarationBytes,
        Self::DefinitionBytes,
        Self::DataSegments,
        Self::CustomBytes,
    ];

    /// The key of the configuration.
    #[must_use]
    pub fn key(self) -> &'static str {
        self.facts().0
    }

    /// The limit that ships.
    #[must_use]
    pub fn default_limit(self) -> u64 {
        self.facts().1
    }

    /// Follows a number: `functions`.
    pub(super) fn noun(self) -> &'static str {
        self.facts().2
    }

    fn facts(self) -> (&'static str, u64, &'static str) {
        match self {
            Self::Bytes => ("plugins.limits.bytes", 25_165_824, "bytes"),
            Self::Nesting => ("plugins.limits.nesting", 6, "levels of components inside one another"),
            Self::Modules => ("plugins.limits.modules", 52, "core modules"),
            Self::Components => ("plugins.limits.components", 36, "components"),
            Self::Sections => ("plugins.limits.sections", 1_300, "sections"),
            Self::Functions => ("plugins.limits.functions", 18_000, "functions"),
            Self::FunctionBytes => ("plugins.limits.function_bytes", 570_000, "bytes of code in one function"),
            Self::Locals => ("plugins.limits.locals", 1_000, "local variables in one function"),
            Self::CodeBytes => ("plugins.limits.code_bytes", 8_800_000, "bytes of code"),
            Self::DeclarationBytes => {
                ("plugins.limits.declaration_bytes", 312_000, "bytes of types, imports, exports and other declarations")
            }
            Self::DefinitionBytes => {
                ("plugins.limits.definition_bytes", 120_000, "bytes of component types, instances and aliases")
            }
            Self::DataSegments => ("plugins.limits.data_segments", 10_700, "data segments"),
            Self::CustomBytes => ("plugins.limits.custom_bytes", 600_000, "bytes of names and debug information"),
        }
    }
}

impl ComponentLimits {
    /// The limit of one measure.
    #[must_use]
    pub fn of(&self, measure: Measure) -> u64 {
        self.0[measure as usize]
    }

    /// These limits with one replaced.
    #[must_use]
    pub fn with(mut self, measure: Measure, most: u64) -> Self {
        self.0[measure as usize] = most;
        self
    }
}

impl Default for ComponentLimits {
    fn default() -> Self {
        Self(Measure::ALL.map(Measure::default_limit))
    }
}
