//! Generated from the contract.

wasmtime::component::bindgen!({
    path: "../../wit/v0.1",
    world: "bursar:plugin/everything",
    imports: { "bursar:plugin/http.send": async | trappable },
    exports: { default: async },
});
