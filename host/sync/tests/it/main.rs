//! The targets, held against what they speak to.

mod directory;
mod kubernetes;
mod openbao;
mod support;
mod webhook;
