//! The targets, against what they speak to.

mod openbao;
mod support;
mod webhook;
