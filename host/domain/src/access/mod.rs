//! Who asks, and what they may: roles, rights, callers, accounts, tokens.

mod account;
mod caller;
mod member;
mod operation;
mod quotas;
mod role;
mod token;

pub use account::Account;
pub use caller::{Caller, Permit, Request, Standing};
pub use member::{Bindable, Member};
pub use operation::{Demand, Operation};
pub use quotas::Quotas;
pub use role::{Right, Role};
pub use token::{Scope, Token, TokenKind, TokenText};
