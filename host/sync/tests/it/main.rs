//! The targets, held against what they speak to: the real thing, or a fake that
//! others proved.

mod directory;
mod kubernetes;
mod openbao;
mod support;
mod webhook;
