//! Schemas as callers use them: codes, pointers, words and secrets.

mod body;
mod form;
