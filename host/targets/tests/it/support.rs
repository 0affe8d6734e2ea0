//! What the broker's own tests use too, and regions with what goes there.

#[path = "../../../../tests/it/support/fault_proxy.rs"]
#[expect(dead_code, reason = "the broker's own tests use the rest")]
pub(crate) mod fault_proxy;
#[path = "../../../../tests/it/support/guarded.rs"]
#[expect(dead_code, reason = "the broker's tests use the rest")]
pub(crate) mod guarded;
#[path = "../../../../tests/it/support/openbao.rs"]
pub(crate) mod openbao;
#[path = "../../../../tests/it/support/receiver.rs"]
pub(crate) mod receiver;
pub(crate) mod region;
pub(crate) mod scripted;
