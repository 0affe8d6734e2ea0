//! The targets, held against what they are for.

mod kubernetes;
