//! Bindings generated from `wit/v0.1`.
//!
//! Each optional interface has its own world here. A world's export macro emits
//! the custom section that makes wit-component export the interface, so a
//! plugin exports only the interfaces whose macros it calls. wit-component
//! merges the sections of one module.

#![expect(missing_docs, reason = "generated; the WIT files hold the docs")]
#![expect(clippy::pedantic, reason = "generated")]

wit_bindgen::generate!({
    path: "../../wit/v0.1",
    world: "credential-type",
    pub_export_macro: true,
    export_macro_name: "export_credential_type",
    default_bindings_module: "bursar_plugin_sdk::bindings",
    additional_derives: [PartialEq],
});

/// The interface `generator`, on its own.
pub mod generator {
    wit_bindgen::generate!({
        path: "../../wit/v0.1",
        inline: "package bursar:sdk; world generator { export bursar:plugin/generator@0.1.0; }",
        world: "bursar:sdk/generator",
        with: { "bursar:plugin/types@0.1.0": crate::bindings::bursar::plugin::types },
        pub_export_macro: true,
        export_macro_name: "export_generator",
        default_bindings_module: "bursar_plugin_sdk::bindings::generator",
    });
}

/// The interface `prober`, on its own.
pub mod prober {
    wit_bindgen::generate!({
        path: "../../wit/v0.1",
        inline: "package bursar:sdk; world prober { export bursar:plugin/prober@0.1.0; }",
        world: "bursar:sdk/prober",
        with: { "bursar:plugin/types@0.1.0": crate::bindings::bursar::plugin::types },
        pub_export_macro: true,
        export_macro_name: "export_prober",
        default_bindings_module: "bursar_plugin_sdk::bindings::prober",
    });
}

/// The interface `dns01`, on its own.
pub mod dns01 {
    wit_bindgen::generate!({
        path: "../../wit/v0.1",
        inline: "package bursar:sdk; world dns01 { export bursar:plugin/dns01@0.1.0; }",
        world: "bursar:sdk/dns01",
        with: { "bursar:plugin/types@0.1.0": crate::bindings::bursar::plugin::types },
        pub_export_macro: true,
        export_macro_name: "export_dns01",
        default_bindings_module: "bursar_plugin_sdk::bindings::dns01",
        additional_derives: [PartialEq],
    });
}

/// The imports of the network plane: `clock`, `http` and `signing`. A component
/// imports only those it calls.
pub mod network {
    wit_bindgen::generate!({
        path: "../../wit/v0.1",
        inline: "package bursar:sdk; world network {
            import bursar:plugin/clock@0.1.0;
            import bursar:plugin/http@0.1.0;
            import bursar:plugin/signing@0.1.0;
        }",
        world: "bursar:sdk/network",
        with: {
            "bursar:plugin/types@0.1.0": crate::bindings::bursar::plugin::types,
            "bursar:plugin/clock@0.1.0": generate,
            "bursar:plugin/http@0.1.0": generate,
            "bursar:plugin/signing@0.1.0": generate,
        },
        additional_derives: [PartialEq],
    });
}
