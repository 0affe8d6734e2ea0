//! The targets, against what they speak to.

mod support;
